"""URLs of Terraform states, and patterns of them."""

from __future__ import annotations

import re
from functools import lru_cache

SCHEMES = ("gs://", "http://", "https://", "tfc://")
"""URL schemes of Terraform states: Cloud Storage, an HTTP backend, Terraform Cloud or Enterprise workspaces."""

_WILDCARD = re.compile(r"\*\*/|\*\*|\*|\?")
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def is_state_url(path: str) -> bool:
    """Whether an argument is a URL of states rather than a file path."""
    return path.startswith(SCHEMES)


def plain_prefix(pattern: str) -> str:
    """The part of a pattern before its first wildcard."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def has_wildcards(pattern: str) -> bool:
    """Whether a pattern names more than itself."""
    return plain_prefix(pattern) != pattern


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """Convert a pattern to a regular expression: ``**`` crosses folders, ``*`` and ``?`` do not."""
    parts, position = [], 0
    for wildcard in _WILDCARD.finditer(pattern):
        parts += [re.escape(pattern[position : wildcard.start()]), _MEANING[wildcard[0]]]
        position = wildcard.end()
    return re.compile("".join((*parts, re.escape(pattern[position:]))))


def scheme(url: str) -> str:
    """The URL scheme of states that a URL begins with; empty for a file path."""
    return next(filter(url.startswith, SCHEMES), "")


def is_listed(url: str) -> bool:
    """Whether states of a URL are listed by their storage, so that a URL may have wildcards."""
    return scheme(url) in ("gs://", "tfc://")


def names(pattern: str) -> re.Pattern[str]:
    """The names of sources that a URL may name: its matches, or itself alone where it has no wildcards."""
    return compiled(pattern) if is_listed(pattern) else re.compile(re.escape(pattern))
