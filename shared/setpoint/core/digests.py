"""A set of keys in eight bytes each: half a million take four megabytes, in memory and in a store."""

from __future__ import annotations

import hashlib
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable

from setpoint.core.names import ResourceKey

_SIZE = 8


def digest_of(key: ResourceKey) -> int:
    """A number for a resource and content, the same everywhere.

    Two keys of a million have the same one with a probability of 1 in 37 million (2⁶⁴ numbers).
    """
    told = hashlib.blake2b(f"{key.content}\n{key.name}".encode(), digest_size=_SIZE).digest()
    return int.from_bytes(told, sys.byteorder)


class Digests:
    """A set of digests, made from some and then only asked.

    Args:
        values: digests, any of them more than once.
    """

    __slots__ = ("_sorted",)

    def __init__(self, values: Iterable[int] = ()) -> None:
        self._sorted = array("Q")
        before = None
        for value in sorted(values):
            if value != before:
                self._sorted.append(value)
                before = value

    def __contains__(self, digest: int) -> bool:
        at = bisect_left(self._sorted, digest)
        return at < len(self._sorted) and self._sorted[at] == digest

    def __len__(self) -> int:
        return len(self._sorted)

    def common(self, other: Digests) -> int:
        """How many digests both sets have."""
        return sum(one in other for one in self._sorted)


def packed(values: Iterable[int]) -> bytes:
    """The stored form of digests: the bytes of each in its own order, which is the same on every machine."""
    return array("Q", values).tobytes()


def unpacked(stored: bytes) -> array[int]:
    """Read the stored form of digests."""
    values = array("Q")
    values.frombytes(stored)
    return values
