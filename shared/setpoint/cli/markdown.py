"""Markdown for comments on pull requests and for tickets."""

from __future__ import annotations

_LONGEST = 300


def code(text: str) -> str:
    """A code span in a table cell: without line breaks and backticks, and with its pipes escaped."""
    if not text:
        return ""
    plain = " ".join(text.split()).replace("`", "'")
    cut = plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
    return f"`{cut.replace('|', chr(92) + '|')}`"
