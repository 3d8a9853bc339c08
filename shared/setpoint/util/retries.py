"""Waits before a retry; and retries of reads, changes and writes under an optimistic lock after a conflict."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from setpoint.errors import Conflict, Overtaken
from setpoint.util import telemetry

_T = TypeVar("_T")

ATTEMPTS = 20
"""Maximum number of attempts of a write under contention."""
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.5
"""Maximum pause before a retry in seconds; the pause is random, below a limit that doubles up to this value
(https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/, "full jitter")."""


def backoff(first: float, longest: float, retries: int) -> float:
    """Seconds to wait before a retry: doubled each time, with jitter, so that who was refused together comes apart.

    Args:
        first: the wait before the first retry.
        longest: the maximum.
        retries: the retries before this one.
    """
    most = min(longest, first * 2.0**retries)
    return random.uniform(most / 2, most)  # noqa: S311 - no secret


def retry_on_conflict(
    work: Callable[[], _T],
    *,
    what: str,
    then: str = "it will be delivered again",
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], object] = time.sleep,
    plans_anew: bool = False,
) -> _T:
    """Run work that reads and writes a record; run it again after a conflict.

    Args:
        work: reads, decides and writes; raises ``Conflict`` if the record changed meanwhile.
        what: the record, for the error.
        then: the next step, for the error.
        attempts: maximum number of runs.
        sleep: waits for a number of seconds.
        plans_anew: whether the work plans again each time, so that ``Overtaken`` is retried like a conflict.

    Returns:
        The result of the work.

    Raises:
        Conflict: another process wrote the record during every attempt; try again.
        Overtaken: raised by the work; not retried.
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
