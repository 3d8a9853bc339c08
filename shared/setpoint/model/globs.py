"""Patterns for names, in which ``*`` matches any number of characters."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache


@lru_cache(maxsize=4096)
def matches(globs: tuple[str, ...], name: str) -> bool:
    """Whether a name is in the list, or matches one of its patterns."""
    return name in globs or any(fnmatchcase(name, glob.replace("[", "[[]")) for glob in globs)
