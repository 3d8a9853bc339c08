"""Texts of limited length."""

from __future__ import annotations

import re

ELLIPSIS = "…"
_QUOTED = re.compile(r"'([^']*)'")
_UNUSUAL = re.compile(r"[^A-Za-z0-9_-]+")


def clip(text: str, most: int) -> str:
    """A text of at most so many characters; a cut is marked."""
    return text if len(text) <= most else text[: most - 1] + ELLIPSIS


def quoted(text: str) -> list[str]:
    """What stands in single quotes, as validators list what is possible."""
    return _QUOTED.findall(text)


def as_name(text: str) -> str:
    """A text with letters, digits, ``_`` and ``-`` alone, as a name of a file or an identifier may have them."""
    return _UNUSUAL.sub("_", text)
