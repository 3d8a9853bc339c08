"""Keep calls within a quota per minute, and within the number of calls that a run may make."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from setpoint.errors import BudgetUsed

_MINUTE = 60.0


class CallBudget:
    """The calls that a run may make, of all APIs together.

    Args:
        calls: their number; None for any.
    """

    def __init__(self, calls: int | None = None) -> None:
        self._left = calls

    def take(self) -> None:
        """Count a call.

        Raises:
            BudgetUsed: no call is left.
        """
        if self._left is None:
            return
        if self._left <= 0:
            raise BudgetUsed("the calls of this run are used up; the next run goes on")
        self._left -= 1


class CallPace:
    """Delays calls so that no minute has more than the quota; the first ones go at once.

    Args:
        calls_a_minute: the quota.
        budget: the calls that may be made at all.
        clock: monotonic seconds.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        calls_a_minute: int,
        budget: CallBudget,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._recent: deque[float] = deque(maxlen=calls_a_minute)
        self._budget, self.clock, self.sleep = budget, clock, sleep

    def wait(self) -> None:
        """Wait until another call is allowed.

        Raises:
            BudgetUsed: no call is left.
        """
        self._budget.take()
        if len(self._recent) == self._recent.maxlen:
            wait = self._recent[0] + _MINUTE - self.clock()
            if wait > 0:
                self.sleep(wait)
        self._recent.append(self.clock())
