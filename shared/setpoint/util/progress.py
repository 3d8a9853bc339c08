"""Progress reports for a command line."""

from __future__ import annotations

from collections.abc import Callable

Advance = Callable[[int], object]
"""Called with the number of completed items since the last call."""


def no_progress(count: int) -> None:
    """Report nothing.

    Args:
        count: number of completed items.
    """
