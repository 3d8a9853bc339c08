"""Sort and search rows in temporary files, so that memory does not grow with the number of declarations.

Small data stays in memory; larger data is written to unnamed temporary files, which are deleted with their owner. Each
file is used by one process and one thread.
"""

from __future__ import annotations

import heapq
import marshal
import tempfile
import weakref
from abc import abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar, overload

from setpoint.errors import Unavailable

_T = TypeVar("_T")

FileOffset = tuple[int, int]
"""The position of data in a file: offset and size, both in bytes."""

Row = tuple[Any, ...]
"""A tuple of strings, bytes, numbers and nested tuples."""

_IN_MEMORY = 1 << 20
"""Maximum size in bytes of data that stays in memory."""
_BLOCK = 1 << 15
"""Number of bytes of rows in one read or write."""
_RUN = 8_192
"""Number of rows in a sorted run."""
_INDEXED = 64
"""Number of rows that are searched linearly."""

encode_row: Callable[[Any], bytes] = marshal.dumps
"""Encode plain values, with all numbers and characters unchanged."""
decode_row: Callable[[bytes], Any] = marshal.loads
"""Decode values; only for data that this process wrote itself."""


def batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """The items in lists of up to ``size``."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


class _WrapOsError:
    """Adds the next step to errors of temporary files; a class, since it is entered often."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            where = tempfile.gettempdir()
            raise Unavailable(f"{where}: no room for temporary files ({error}); free some, or set TMPDIR") from error


_ROOM = _WrapOsError()


class BlobFile:
    """A file of byte strings that are appended in sequence and read in any order."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it is closed with this object
        weakref.finalize(self, self._file.close)
        self._end = self._position = 0

    def put(self, data: bytes) -> FileOffset:
        """Append bytes; return their position.

        Raises:
            Unavailable: the disk is full; free some space.
        """
        place = self._end, len(data)
        with _ROOM:
            if self._position != self._end:
                self._file.seek(self._end)
            self._file.write(data)
        self._end = self._position = self._end + len(data)
        return place

    def get(self, place: FileOffset) -> bytes:
        """Read the bytes at a position.

        Raises:
            Unavailable: the disk was full when they were appended; free some space.
        """
        offset, size = place
        with _ROOM:
            if self._position != offset:
                self._file.seek(offset)
            self._position = offset + size
            return self._file.read(size)


class LazySequence(Sequence[_T]):
    """A sequence that creates its items on access."""

    @abstractmethod
    def _item(self, position: int) -> _T:
        """The item at an index, from 0."""

    @overload
    def __getitem__(self, position: int) -> _T: ...
    @overload
    def __getitem__(self, position: slice) -> list[_T]: ...
    def __getitem__(self, position: int | slice) -> _T | list[_T]:
        places = range(len(self))[position]
        return self._item(places) if isinstance(places, int) else [self._item(place) for place in places]


class Spool(LazySequence[_T]):
    """A sequence that is appended to, and read from its beginning any number of times.

    Args:
        encode: encodes an item.
        decode: decodes an item.
        blobs: the file for the items; None for a new file.
    """

    def __init__(
        self, encode: Callable[[_T], bytes], decode: Callable[[bytes], _T], blobs: BlobFile | None = None
    ) -> None:
        self._encode = encode
        self._decode = decode
        self._blobs = blobs or BlobFile()
        self._places: list[FileOffset] = []
        self._firsts: list[int] = []
        self._waiting: list[bytes] = []
        self._size = 0
        self._length = 0

    def append(self, item: _T) -> None:
        """Append an item."""
        data = self._encode(item)
        self._waiting.append(data)
        self._size += len(data)
        self._length += 1
        if self._size >= _BLOCK:
            self._firsts.append(self._length - len(self._waiting))
            self._places.append(self._blobs.put(encode_row(self._waiting)))
            self._waiting, self._size = [], 0

    def extend(self, items: Iterable[_T]) -> Spool[_T]:
        """Append items; return the spool itself."""
        for item in items:
            self.append(item)
        return self

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[_T]:
        for place in self._places:
            yield from map(self._decode, decode_row(self._blobs.get(place)))
        yield from map(self._decode, self._waiting)

    def _item(self, position: int) -> _T:
        block = bisect_right(self._firsts, position) - 1
        written = self._length - len(self._waiting)
        if position >= written:
            return self._decode(self._waiting[position - written])
        return self._decode(decode_row(self._blobs.get(self._places[block]))[position - self._firsts[block]])


class Chain(LazySequence[_T]):
    """A concatenation of sequences."""

    def __init__(self, *parts: Sequence[_T]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[_T]:
        for part in self._parts:
            yield from part

    def _item(self, position: int) -> _T:
        for part in self._parts:
            if position < len(part):
                return part[position]
            position -= len(part)
        raise IndexError(position)


class ExternalSorter:
    """Sorts rows that are added in any order; rows should be small, with large data in another file."""

    def __init__(self) -> None:
        self._blobs = BlobFile()
        self._runs: list[Spool[Row]] = []
        self._waiting: list[Row] = []

    def add(self, row: Row) -> None:
        """Add a row."""
        self._waiting.append(row)
        if len(self._waiting) == _RUN:
            self._waiting.sort()
            self._runs.append(Spool(encode_row, decode_row, self._blobs).extend(self._waiting))
            self._waiting = []

    def __iter__(self) -> Iterator[Row]:
        return heapq.merge(*self._runs, sorted(self._waiting))


class PrefixIndex:
    """An index that finds rows by their prefix.

    Args:
        rows: the sorted rows.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._blobs = BlobFile()
        self._firsts: list[Row] = []
        self._places: list[FileOffset] = []
        for block in batches(rows, _INDEXED):
            self._firsts.append(block[0])
            self._places.append(self._blobs.put(encode_row(block)))

    def find(self, start: Row) -> Iterator[Row]:
        """All rows with this prefix, in their order."""
        size = len(start)
        block = max(bisect_left(self._firsts, start) - 1, 0)
        while block < len(self._firsts) and self._firsts[block][:size] <= start:
            yield from (row for row in decode_row(self._blobs.get(self._places[block])) if row[:size] == start)
            block += 1
