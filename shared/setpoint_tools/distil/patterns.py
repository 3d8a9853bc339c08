"""`python -m setpoint_tools.distil.patterns`: writes how the resources of each API are named.

What a `get` reads is a resource, and the path that it reads is the resource's name:
`projects/*/regions/*/subnetworks/*` for compute's `Subnetwork`. One file holds them all, API → schema → patterns.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from setpoint.catalog.name_patterns import FILE
from setpoint_tools.distil import documents, schemas

_PARAMETER = re.compile(r"\{[^}]*\}")
_VERSION = re.compile(r"(?:v\d\w*|alpha|beta)")


def main() -> int:
    """Write the patterns of all APIs, and say how many there are."""
    by_service = {
        service: patterns
        for service, versions in documents.read(documents.directory()).items()
        if (patterns := of_service(versions))
    }
    data = encode(by_service)
    FILE.write_bytes(data)
    kinds = sum(len(patterns) for patterns in by_service.values())
    sys.stdout.write(f"{len(by_service)} services, {kinds:,} kinds of resources, {len(data) / 1e3:.0f} KB\n")
    return 0


def of_service(versions: Iterable[documents.Document]) -> dict[str, list[str]]:
    """Return the patterns of one API, of all its versions: schema → patterns."""
    by_schema: dict[str, set[str]] = {}
    for document in versions:
        for schema, patterns in _of_document(document.content).items():
            by_schema.setdefault(schema, set()).update(patterns)
    return {schema: sorted(patterns) for schema, patterns in sorted(by_schema.items())}


def _of_document(content: Mapping[str, Any]) -> dict[str, set[str]]:
    by_schema: dict[str, set[str]] = {}
    for _, name, method in schemas.methods(content):
        schema = method.get("response", {}).get("$ref")
        pattern = pattern_of(method.get("flatPath") or method.get("path", ""))
        if name.startswith("get") and "IamPolicy" not in name and schema and pattern:
            by_schema.setdefault(schema, set()).update(_tops(pattern))
    return by_schema


def pattern_of(path: str) -> str:
    """Return a method's path as a pattern, without the version and what stands before it; empty where it is none.

    Args:
        path: As a document has it, `dns/v1/projects/{project}/managedZones/{managedZone}`.
    """
    parts = path.strip("/").split("/")
    version = next((position for position, part in enumerate(parts) if _VERSION.fullmatch(part)), -1)
    parts = parts[version + 1 :]
    whole = [_PARAMETER.fullmatch(part) is not None for part in parts]
    if not any(whole) or any("{" in part for part, is_whole in zip(parts, whole, strict=True) if not is_whole):
        return ""
    return "/".join("*" if is_whole else part for part, is_whole in zip(parts, whole, strict=True))


def _tops(pattern: str) -> list[str]:
    """The pattern for each thing that may be on top, where the path leaves it open: `*/*/feeds/*`."""
    if not pattern.startswith("*/*/"):
        return [] if pattern.startswith("*") else [pattern]
    return [top + pattern.removeprefix("*") for top in ("projects", "folders", "organizations")]


def encode(patterns: Mapping[str, Mapping[str, list[str]]]) -> bytes:
    """Return the bytes of the file, the same for the same documents."""
    text = json.dumps(patterns, sort_keys=True, separators=(",", ":"))
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


if __name__ == "__main__":
    raise SystemExit(main())
