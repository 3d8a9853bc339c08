"""URLs of Terraform states, and patterns of them."""

from __future__ import annotations

import re
from functools import lru_cache

SCHEMES = ("gs://", "http://", "https://", "tfc://")
"""What names a state that is no file: Cloud Storage, an HTTP backend, a workspace of Terraform Cloud or Enterprise."""

_WILDCARD = re.compile(r"\*\*/|\*\*|\*|\?")
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def is_state_url(path: str) -> bool:
    """Whether a path that somebody gives names states that are no files."""
    return path.startswith(SCHEMES)


def plain_prefix(pattern: str) -> str:
    """What a pattern begins with before its first wildcard."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as a regular expression: ``**`` crosses folders, ``*`` and ``?`` do not."""
    parts, position = [], 0
    for wildcard in _WILDCARD.finditer(pattern):
        parts += [re.escape(pattern[position : wildcard.start()]), _MEANING[wildcard[0]]]
        position = wildcard.end()
    return re.compile("".join((*parts, re.escape(pattern[position:]))))
