"""Wait for a condition instead of sleeping; only a fault reaches the limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LIMIT = 240.0
"""Seconds: more than anything takes, and less than the limit of a test, so that the wait says what is missing."""
_PAUSE = 0.05
_LONGER = 10
"""How much longer the pauses grow: who waits for long leaves the machine to others."""

T = TypeVar("T")


def poll(condition: Callable[[], T], seconds: float = LIMIT, pause: float = _PAUSE) -> T:
    """Ask until the answer is true or time is over; the last answer."""
    deadline = time.monotonic() + seconds
    longest = pause * _LONGER
    while not (answer := condition()) and time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 1.2, longest)
    return answer


def wait_until(
    condition: Callable[[], T], missing: str | Callable[[], object], seconds: float = LIMIT, pause: float = _PAUSE
) -> T:
    """Wait for a condition, and give its answer.

    Args:
        condition: is true when the wait is over.
        missing: what is missing while it is not true; a function is called when the limit is reached.
        seconds: the limit.
        pause: seconds between the first two questions; pauses grow.

    Raises:
        AssertionError: the limit is reached; says what is missing.
    """
    answer = poll(condition, seconds, pause)
    if not answer:
        shown = missing if isinstance(missing, str) else missing()
        raise AssertionError(f"after {seconds:.0f} seconds: {shown}")
    return answer
