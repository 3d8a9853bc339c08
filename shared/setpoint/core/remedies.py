"""How far putting back one drift has come, and what its history says of the next step.

The record lies beside the finding and outlives it: a drift that comes back as it was before is known by it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from setpoint.core.policies import Executor, Limits

Step = Literal[
    "asked",  # a person is to approve
    "waiting",  # for a time: a window, a limit, a pause after a failure
    "acting",  # a worker has claimed it and writes
    "operating",  # the API goes on by itself
    "verifying",  # written; the observation that proves it is to come
    "done",  # proved by an observation
    "handed_off",  # somebody else is to put it back
    "stopped",  # a brake holds it, until somebody looks
]

IN_PROGRESS: frozenset[Step] = frozenset(("acting", "operating", "verifying", "handed_off"))
"""Steps after which a resource that is as declared again has been put back."""

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
CLAIM = timedelta(minutes=5)
"""How long a worker has before another may take over; longer than any write, shorter than patience."""
VERIFY = timedelta(minutes=15)
"""How long the inventory may take to show a write, after which it is read again."""


class Remedy(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far putting back one drift has come.

    Args:
        fingerprint: the drift.
        step: how far it has come.
        since: when this drift was first to be put back.
        executor: who puts it back.
        rule: the rule of the policy that said so; empty for none.
        attempts: writes that were claimed for this drift.
        due: when somebody has to look at it again; None for never.
        worker: who has claimed it.
        operation: the address of an operation that goes on.
        approved_by: who has approved this very drift.
        summary: what is written, a line a field; secrets are masked.
        reason: why it is where it is.
        returns: when the same drift came back after it was put back.
        desired: the digest of the declarations that it was put back by.
    """

    fingerprint: str
    step: Step
    since: datetime
    executor: Executor = "api"
    rule: str = ""
    attempts: int = 0
    due: datetime | None = None
    worker: str = ""
    operation: str = ""
    approved_by: str = ""
    summary: tuple[str, ...] = ()
    reason: str = ""
    returns: tuple[datetime, ...] = ()
    desired: str = ""


def begin(before: Remedy | None, fingerprint: str, desired: str, limits: Limits, now: datetime) -> Remedy:
    """The remedy of a drift that is looked at: the one before where it is the same drift, else a new one.

    A drift that was put back and is there again, as it was, has come back. Attempts and pauses of before are forgotten
    where the drift or the declaration is another one, or where it held for long.
    """
    if before is not None and before.step in ("acting", "operating") and before.due is not None and before.due > now:
        return before  # whatever drifts now, somebody is writing
    since = now - timedelta(seconds=limits.flap_within)
    returns = tuple(at for at in before.returns if at > since) if before is not None else ()
    if before is None or before.desired != desired:
        return Remedy(fingerprint, "waiting", now, desired=desired)
    if before.fingerprint != fingerprint:
        return Remedy(fingerprint, "waiting", now, desired=desired, returns=returns)
    if before.step == "done":
        return Remedy(fingerprint, "waiting", now, desired=desired, returns=(*returns, now))
    return replace(before, returns=returns)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after a failed attempt: a minute, twice as long after each one more, an hour at most."""
    doubled: int = 2 ** min(max(attempts - 1, 0), 10)
    return min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)


def claimed(remedy: Remedy, worker: str, summary: tuple[str, ...], now: datetime) -> Remedy:
    """The remedy when a worker is about to write."""
    return replace(
        remedy,
        step="acting",
        attempts=remedy.attempts + 1,
        worker=worker,
        due=now + CLAIM,
        summary=summary,
        reason="",
        operation="",
    )


def operating(remedy: Remedy, operation: str, now: datetime) -> Remedy:
    """The remedy when the API goes on by itself."""
    return replace(remedy, step="operating", operation=operation, due=now + _FIRST_PAUSE)


def written(remedy: Remedy, now: datetime) -> Remedy:
    """The remedy when all is written, and the observation that proves it is to come."""
    return replace(remedy, step="verifying", due=now + VERIFY, worker="", operation="")


def proved(remedy: Remedy) -> Remedy:
    """The remedy when an observation shows the resource as declared."""
    return replace(remedy, step="done", due=None, worker="", operation="", reason="")


def put_off(remedy: Remedy, until: datetime, reason: str) -> Remedy:
    """The remedy when it has to wait for a time."""
    return replace(remedy, step="waiting", due=until, worker="", operation="", reason=reason)


def failed(remedy: Remedy, reason: str, limits: Limits, now: datetime) -> Remedy:
    """The remedy after an attempt that failed: it waits, longer each time, and after the last one for a person."""
    if remedy.attempts >= limits.attempts:
        return stopped(remedy, f"{remedy.attempts} attempts have failed, the last: {reason}", now)
    return put_off(remedy, now + pause_after(remedy.attempts), reason)


def stopped(remedy: Remedy, reason: str, now: datetime) -> Remedy:
    """The remedy when a person has to look; what holds it may be over without anybody saying so."""
    return replace(remedy, step="stopped", due=now + _LONGEST_PAUSE, worker="", operation="", reason=reason)


def asked(remedy: Remedy, summary: tuple[str, ...], reason: str) -> Remedy:
    """The remedy when a person is to approve."""
    return replace(remedy, step="asked", due=None, summary=summary, reason=reason)


def handed_off(remedy: Remedy, summary: tuple[str, ...], reason: str) -> Remedy:
    """The remedy when somebody else is to put it back."""
    return replace(remedy, step="handed_off", due=None, worker="", operation="", summary=summary, reason=reason)


def approved(remedy: Remedy, by: str, now: datetime) -> Remedy:
    """The remedy when somebody has approved this very drift; what stopped it before counts no longer."""
    return replace(remedy, step="waiting", due=now, approved_by=by, attempts=0, returns=(), reason="")
