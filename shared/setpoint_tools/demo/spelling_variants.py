"""Different spellings of the same value, as people write them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TypeVar

_T = TypeVar("_T")

_UNITS = (("d", 86400), ("h", 3600), ("m", 60))


class SpellingVariator:
    """Writes values in one of the spellings that Google's APIs, their tools and their documentation accept.

    Args:
        rng: makes the choices; the same seed makes the same fleet.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def one_of(self, *spellings: _T) -> _T:
        """One of several spellings."""
        return self._rng.choice(spellings)

    def duration(self, seconds: int) -> str:
        """``3600s``, ``3600.000s``, ``60m`` or ``1h``."""
        units = [f"{seconds // size}{unit}" for unit, size in _UNITS if seconds % size == 0]
        return self._rng.choice([f"{seconds}s", f"{seconds}.000s", *units[:1], *units[:1]])

    def number(self, value: int) -> int | str:
        """A number, or the same in quotes."""
        return self._rng.choice((value, str(value)))

    def constant(self, value: str) -> str:
        """An enum in the case of the API, or of the one who writes."""
        return self._rng.choice((value, value.lower()))

    def order(self, items: Iterable[_T]) -> list[_T]:
        """A list that is a set, in some order."""
        shuffled = list(items)
        self._rng.shuffle(shuffled)
        return shuffled

    def link(self, path: str, service: str = "compute") -> str:
        """A resource of any project: relative, as self link of either host, or as full resource name."""
        return self._rng.choice(
            (
                path,
                f"https://www.googleapis.com/{service}/v1/{path}",
                f"https://{service}.googleapis.com/{service}/v1/{path}",
                f"//{service}.googleapis.com/{path}",
            )
        )

    def near(self, path: str, service: str = "compute") -> str:
        """A resource of the same project, which may also go by its partial path or its name alone."""
        partial = path.split("/", 2)[2]
        return self._rng.choice((self.link(path, service), partial, path.rpartition("/")[2]))
