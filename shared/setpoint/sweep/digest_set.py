"""A set of keys in eight bytes each: half a million take four megabytes, in memory and in a store."""

from __future__ import annotations

import hashlib
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from setpoint.model.resource_key import ResourceKey

_SIZE = 8
_BYTES, _SHIFT = 256, 56


def digest_of(key: ResourceKey) -> int:
    """A number for a resource and content, the same everywhere.

    Two keys of a million have the same one with a probability of 1 in 37 million (2⁶⁴ numbers).
    """
    digest = hashlib.blake2b(f"{key.content}\n{key.name}".encode(), digest_size=_SIZE).digest()
    return int.from_bytes(digest, sys.byteorder)


class DigestSet:
    """A read-only set of digests.

    Args:
        values: digests, duplicates allowed; they are read once into an array.
    """

    __slots__ = ("_sorted",)

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._sorted = array("Q", values)
        _sort(self._sorted)

    def __contains__(self, digest: int) -> bool:
        return self.place(digest) is not None

    def __len__(self) -> int:
        return len(self._sorted)

    def __iter__(self) -> Iterator[int]:
        return iter(self._sorted)

    def place(self, digest: int) -> int | None:
        """The index of a digest in sorted order; None if it is not in the set."""
        position = bisect_left(self._sorted, digest)
        return position if position < len(self._sorted) and self._sorted[position] == digest else None


def _sort(values: array[int]) -> None:
    """Sort an array in place and drop duplicates: by the first byte, then each group."""
    ends = _by_first_byte(values)
    kept = start = 0
    for end in ends:
        some = array("Q", sorted(set(values[start:end])))
        values[kept : kept + len(some)] = some
        kept, start = kept + len(some), end
    del values[kept:]


def _by_first_byte(values: array[int]) -> list[int]:
    """Group numbers by their first byte, in place (https://en.wikipedia.org/wiki/American_flag_sort).

    Returns:
        The end index of each group.
    """
    counts = [0] * _BYTES
    for value in values:
        counts[value >> _SHIFT] += 1
    ends = list(accumulate(counts))
    free = [end - count for end, count in zip(ends, counts, strict=True)]
    for first, end in enumerate(ends):
        while free[first] < end:
            value = values[free[first]]
            to = value >> _SHIFT
            values[free[first]] = values[free[to]]
            values[free[to]] = value
            free[to] += 1
    return ends


class Marks:
    """A subset of a set of digests, one byte per member.

    Args:
        whole: the set.
    """

    __slots__ = ("_marked", "_whole")

    def __init__(self, whole: DigestSet) -> None:
        self._whole = whole
        self._marked = bytearray(len(whole))

    def mark(self, digest: int) -> bool:
        """Mark a digest; False if it is not in the set."""
        place = self._whole.place(digest)
        if place is None:
            return False
        self._marked[place] = 1
        return True

    def __contains__(self, digest: int) -> bool:
        place = self._whole.place(digest)
        return place is not None and self._marked[place] == 1

    def __len__(self) -> int:
        return self._marked.count(1)


def packed(values: Iterable[int]) -> bytes:
    """The stored form of digests; digests are in native byte order, so it is the same on every machine."""
    return array("Q", values).tobytes()


def unpacked(stored: bytes) -> array[int]:
    """Read the stored form of digests."""
    values = array("Q")
    values.frombytes(stored)
    return values
