"""The data source ``archive_file``, which really writes its zip: the same bytes for the same files.

A folder is walked in the order of names, links to folders and files are followed, and a pattern that matches a folder
leaves out what is in it. Source:
https://github.com/hashicorp/terraform-provider-archive/blob/main/internal/provider/zip_archiver.go
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

_EPOCH = (2049, 1, 1, 0, 0, 0)
"""The time that hashicorp/archive gives each entry."""
_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def write(config: dict[str, Any], folder: Path = Path()) -> dict[str, Any]:
    """Write the archive and tell its digests, as the provider does.

    Args:
        config: the data source's attributes.
        folder: what its paths are relative to: where Terraform runs.
    """
    target = folder / config["output_path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = int(config.get("output_file_mode") or "0644", 8)
    data = _zip(tuple(sorted(_entries(config, folder).items())), mode)
    target.write_bytes(data)
    return config | _digests(data)


@lru_cache(maxsize=8)
def _digests(data: bytes) -> dict[str, Any]:
    digests = {kind: hashlib.new(kind, data) for kind in ("md5", "sha1", "sha256", "sha512")}
    return {
        "id": digests["sha1"].hexdigest(),
        "output_size": len(data),
        "output_md5": digests["md5"].hexdigest(),
        "output_sha": digests["sha1"].hexdigest(),
        "output_sha256": digests["sha256"].hexdigest(),
        "output_base64sha256": base64.b64encode(digests["sha256"].digest()).decode(),
        "output_sha512": digests["sha512"].hexdigest(),
        "output_base64sha512": base64.b64encode(digests["sha512"].digest()).decode(),
    }


@lru_cache(maxsize=4)
def _zip(entries: tuple[tuple[str, bytes], ...], mode: int) -> bytes:
    """The archive of these files; the same files are not deflated twice."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = mode << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _entries(config: dict[str, Any], folder: Path) -> dict[str, bytes]:
    """What goes in, by name."""
    entries = {source["filename"]: source["content"].encode() for source in config.get("source") or []}
    if config.get("source_content") is not None:
        entries[config["source_content_filename"]] = config["source_content"].encode()
    if config.get("source_file"):
        entries[Path(config["source_file"]).name] = (folder / config["source_file"]).read_bytes()
    if config.get("source_dir"):
        excludes = [_pattern(pattern) for pattern in config.get("excludes") or []]
        entries |= {name: file.read_bytes() for name, file in _walk(folder / config["source_dir"], "", excludes)}
    return entries


def _walk(folder: Path, prefix: str, excludes: list[re.Pattern[str]]) -> Iterator[tuple[str, Path]]:
    for path in folder.iterdir():
        name = prefix + path.name
        if any(pattern.fullmatch(name) for pattern in excludes):
            continue
        if path.is_dir():
            yield from _walk(path, f"{name}/", excludes)
        else:
            yield name, path


def _pattern(pattern: str) -> re.Pattern[str]:
    """A pattern with ``*``, ``?`` and ``**``, as github.com/bmatcuk/doublestar reads it."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(_WILDCARDS.get(part) or re.escape(part) for part in parts))
