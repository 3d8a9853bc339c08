"""Texts of limited length."""

from __future__ import annotations

ELLIPSIS = "…"


def clip(text: str, most: int) -> str:
    """A text of at most so many characters; a cut is marked."""
    return text if len(text) <= most else text[: most - 1] + ELLIPSIS
