"""Writes the artefact: one gzipped JSON file per service, the same bytes for the same documents."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from setpoint_tools.distil import lines as packing
from setpoint_tools.distil.documents import lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from setpoint_tools.distil.documents import Document


def build(documents: Iterable[Document]) -> dict[str, Any]:
    """Return what the file of one service holds.

    Shape: `service`; `lines`, the best version first, each `{version, revision, folded, alphabetical, kinds,
    schemas}`. `folded` names the versions that are in it as well, `alphabetical` says that the document sorts
    its enums.
    """
    documents = list(documents)
    packed_lines = []
    for line in lines(documents):
        packed = packing.pack(line)
        packed_lines.append(
            {
                "version": line.base.version,
                "revision": line.base.revision,
                "folded": sorted(document.version for document in line.extras),
                "alphabetical": _alphabetical(line.base),
                **packed,
            }
        )
    return {"service": documents[0].service, "lines": packed_lines}


def _alphabetical(document: Document) -> bool:
    """Tell whether a document sorts its enums by name, as Compute's do; others keep the proto's order."""
    enums = list(_enums(document.content.get("schemas", {})))
    return len(enums) > 2 and all(values == sorted(values) for values in enums)  # noqa: PLR2004 - a few say nothing


def _enums(node: Any) -> Iterable[list[str]]:
    if isinstance(node, dict):
        values = node.get("enum")
        if isinstance(values, list) and len(values) > 2:  # noqa: PLR2004 - two may be sorted by chance
            yield values
        for child in node.values():
            yield from _enums(child)


def encode(content: dict[str, Any]) -> bytes:
    """Return the bytes of a file: JSON with sorted keys, gzipped without a time.

    The lines' schemas keep their place behind the small parts, since `kinds` is what most look-ups need.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def write(folder: Path, service: str, content: dict[str, Any]) -> int:
    """Write the file of one service and return its size in bytes."""
    data = encode(content)
    (folder / f"{service}.json.gz").write_bytes(data)
    return len(data)
