"""Quotas of a fake service: a number of calls within any minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Quota:
    """Counts calls, by a clock that may be simulated.

    Args:
        calls_a_minute: the most calls of any minute; None for any number.
        clock: seconds.
    """

    def __init__(self, calls_a_minute: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.calls_a_minute = calls_a_minute
        self.clock = clock
        self.refused = 0
        self._recent: deque[float] = deque()

    def takes(self) -> bool:
        """Whether another call is within the quota; it is counted if so."""
        now = self.clock()
        while self._recent and self._recent[0] <= now - 60:
            self._recent.popleft()
        if self.calls_a_minute is not None and len(self._recent) >= self.calls_a_minute:
            self.refused += 1
            return False
        self._recent.append(now)
        return True
