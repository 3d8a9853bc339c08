"""The data source ``archive_file``, which really writes its zip: the same bytes for the same files."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import zipfile
from pathlib import Path
from typing import Any

_EPOCH = (2049, 1, 1, 0, 0, 0)
"""The time that hashicorp/archive gives each entry."""


def write(config: dict[str, Any]) -> dict[str, Any]:
    """Write the archive and tell its digests, as the provider does."""
    target = Path(config["output_path"])
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(_entries(config).items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = int(config.get("output_file_mode") or "0644", 8) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    data = target.read_bytes()
    digests = {kind: hashlib.new(kind, data) for kind in ("md5", "sha1", "sha256", "sha512")}
    return config | {
        "id": digests["sha1"].hexdigest(),
        "output_size": len(data),
        "output_md5": digests["md5"].hexdigest(),
        "output_sha": digests["sha1"].hexdigest(),
        "output_sha256": digests["sha256"].hexdigest(),
        "output_base64sha256": base64.b64encode(digests["sha256"].digest()).decode(),
        "output_sha512": digests["sha512"].hexdigest(),
        "output_base64sha512": base64.b64encode(digests["sha512"].digest()).decode(),
    }


def _entries(config: dict[str, Any]) -> dict[str, bytes]:
    """What goes in, by name."""
    entries = {source["filename"]: source["content"].encode() for source in config.get("source") or []}
    if config.get("source_content") is not None:
        entries[config["source_content_filename"]] = config["source_content"].encode()
    if config.get("source_file"):
        entries[Path(config["source_file"]).name] = Path(config["source_file"]).read_bytes()
    if config.get("source_dir"):
        entries |= _of_directory(Path(config["source_dir"]), config.get("excludes") or [])
    return entries


def _of_directory(root: Path, excludes: list[str]) -> dict[str, bytes]:
    names = {file.relative_to(root).as_posix(): file for file in root.rglob("*") if file.is_file()}
    return {name: file.read_bytes() for name, file in names.items() if not _is_excluded(name, excludes)}


def _is_excluded(name: str, excludes: list[str]) -> bool:
    return any(
        name == pattern or name.startswith(f"{pattern}/") or fnmatch.fnmatch(name, pattern) for pattern in excludes
    )
