"""Progress of long work, as a command line shows it."""

from __future__ import annotations

from collections.abc import Callable

Advance = Callable[[int], object]
"""Called with the number of items that are done since the last call."""


def no_progress(count: int) -> None:
    """Show nothing.

    Args:
        count: items that are done.
    """
