"""Counts as people read them: ``1 finding``, ``1,204 findings``."""

from __future__ import annotations


def counted(count: int, noun: str, plural: str = "", *, none: str = "0") -> str:
    """A count with its noun in the right number.

    Args:
        count: how many.
        noun: the noun for one of them, with its adjectives: ``open finding``.
        plural: the noun for several; by default with an ``s``.
        none: the word for zero.
    """
    word = noun if count == 1 else plural or f"{noun}s"
    return f"{count:,} {word}" if count else f"{none} {word}"
