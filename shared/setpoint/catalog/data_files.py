"""Read the tables that the package ships."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

FOLDER = Path(__file__).resolve().parent / "data"

_GZIP = 31  # zlib's way of saying that the data has gzip's header


_T = TypeVar("_T")


class FilesByService(Generic[_T]):
    """A folder with a compressed file for each service, read as they are asked for; safe to share between threads.

    Args:
        folder: the folder.
        decode: makes the content of a file what is kept of it.
        unknown: what is kept of a service without a file.
    """

    def __init__(self, folder: Path, decode: Callable[[bytes], _T], unknown: _T) -> None:
        self._folder = folder
        self._decode = decode
        self._unknown = unknown
        self._known: dict[str, _T] = {}

    def of(self, service: str) -> _T:
        """What the file of a service holds."""
        known = self._known.get(service)
        if known is None:
            known = self._known[service] = self._read(service)
        return known

    def _read(self, service: str) -> _T:
        if not service.isalnum():
            return self._unknown
        try:
            return self._decode(unpacked(self._folder / f"{service}.json.gz"))
        except FileNotFoundError:
            return self._unknown


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
