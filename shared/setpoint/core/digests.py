"""A set of keys in eight bytes each: half a million take four megabytes, in memory and in a store."""

from __future__ import annotations

import hashlib
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain

from setpoint.core.names import ResourceKey

_SIZE = 8
_BUCKETS, _SHIFT = 256, 56
"""Sorted apart by their first byte, for a list of numbers takes five times what an array takes."""


def digest_of(key: ResourceKey) -> int:
    """A number for a resource and content, the same everywhere.

    Two keys of a million have the same one with a probability of 1 in 37 million (2⁶⁴ numbers).
    """
    told = hashlib.blake2b(f"{key.content}\n{key.name}".encode(), digest_size=_SIZE).digest()
    return int.from_bytes(told, sys.byteorder)


class Digests:
    """A set of digests, made from some and then only asked.

    Args:
        values: digests, any of them more than once; they are read once, and never all held as numbers of Python's.
    """

    __slots__ = ("_buckets", "_starts")

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        for value in values:
            self._buckets[value >> _SHIFT].append(value)
        for at, bucket in enumerate(self._buckets):
            self._buckets[at] = array("Q", sorted(set(bucket)))
        self._starts = [0, *accumulate(map(len, self._buckets))]

    def __contains__(self, digest: int) -> bool:
        return self.place(digest) is not None

    def __len__(self) -> int:
        return self._starts[-1]

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._buckets)

    def place(self, digest: int) -> int | None:
        """Where in the order of all a digest is, from 0; None where it is not one of them."""
        at = digest >> _SHIFT
        bucket = self._buckets[at]
        within = bisect_left(bucket, digest)
        if within < len(bucket) and bucket[within] == digest:
            return self._starts[at] + within
        return None


class Marks:
    """Some of a set of digests, in a byte for each of the set.

    Args:
        whole: the set.
    """

    __slots__ = ("_marked", "_whole")

    def __init__(self, whole: Digests) -> None:
        self._whole = whole
        self._marked = bytearray(len(whole))

    def mark(self, digest: int) -> bool:
        """Mark a digest, again or for the first time; False where it is not of the set."""
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
    """The stored form of digests: the bytes of each in its own order, which is the same on every machine."""
    return array("Q", values).tobytes()


def unpacked(stored: bytes) -> array[int]:
    """Read the stored form of digests."""
    values = array("Q")
    values.frombytes(stored)
    return values
