"""Retrying what lost a race for a record: one way for every read, change and write under an optimistic lock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from setpoint.errors import Conflict, Overtaken
from setpoint.util import telemetry

_T = TypeVar("_T")

ATTEMPTS = 20
"""How often a write is tried against others that write the same record, before it is given up."""
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.5
"""Seconds; the pause before a retry is drawn below a limit that doubles from the first to the longest
(https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/, "full jitter")."""


def retry_on_conflict(
    work: Callable[[], _T],
    *,
    what: str,
    then: str = "it will be delivered again",
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], object] = time.sleep,
    plans_anew: bool = False,
) -> _T:
    """Do work that reads a record and writes it, and again from its beginning where another writer was faster.

    Args:
        work: reads, decides and writes; raises ``Conflict`` where the record is another one by then.
        what: the record, for the error.
        then: the next step, for the error.
        attempts: how often the work is done at most.
        sleep: waits for some seconds.
        plans_anew: the work makes its plan each time, so that being overtaken is a conflict like any other.

    Returns:
        What the work returns.

    Raises:
        Conflict: another writer was faster each time.
        Overtaken: what the work says itself; it is not tried again.
    """
    for attempt in range(attempts):
        if attempt:
            sleep(random.uniform(0, min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE)))  # noqa: S311 - no secret
        try:
            return work()
        except Conflict as error:
            if isinstance(error, Overtaken) and not plans_anew:
                raise
            telemetry.add("conflicts")
    raise Conflict(f"{what}: written by others {attempts} times in a row; {then}")
