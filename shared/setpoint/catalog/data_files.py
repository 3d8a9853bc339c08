"""Read the tables that the package ships."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "data"

_GZIP = 31  # zlib's way of saying that the data has gzip's header


def rows(file: Path) -> Iterator[list[str]]:
    """The rows of a table with tabs, without comments and empty lines."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return (line.split("\t") for line in lines if line and not line.startswith("#"))


def unpacked(file: Path) -> bytes:
    """The content of a compressed file.

    Raises:
        FileNotFoundError: there is none.
    """
    return zlib.decompress(file.read_bytes(), _GZIP)
