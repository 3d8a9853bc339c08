"""Markdown for comments on pull requests and for tickets."""

from __future__ import annotations

from setpoint.util.texts import clip

_LONGEST = 300


def code(text: str) -> str:
    """A code span in a table cell: without line breaks and backticks, and with its pipes escaped."""
    if not text:
        return ""
    plain = clip(" ".join(text.split()).replace("`", "'"), _LONGEST)
    return f"`{plain.replace('|', chr(92) + '|')}`"
