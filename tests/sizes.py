"""How much a test tries: little in a usual run, all of it in a long one."""

from __future__ import annotations

import os

_is_full = False


def choose(*, full: bool) -> None:
    """Set the size of this run, before tests are imported."""
    global _is_full  # noqa: PLW0603 - one run has one size
    _is_full = full


def size(usual: int, full: int) -> int:
    """The number for this run; a test that is not searched by Hypothesis is to be marked ``thorough`` to get both."""
    return full if _is_full else usual


def histories(usual: int, long: int, full: int) -> int:
    """The number of random histories; ``SETPOINT_FULL=1 pytest --long`` tries all, which takes too long for CI."""
    return full if _is_full and os.environ.get("SETPOINT_FULL") else size(usual, long)
