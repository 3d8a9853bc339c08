"""How far the remediation of one drift has come, and what its history says of the next step.

The record lies beside the finding and outlives it: a drift that comes back as it was before is known by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from setpoint.model.difference import Difference
from setpoint.model.policy import Executor, Limits

RemediationStep = Literal[
    "asked",  # a person is to approve
    "waiting",  # for a time: a window, a limit, a pause after a failure
    "acting",  # a worker has claimed it and writes
    "operating",  # the API goes on by itself
    "verifying",  # written, as far as anybody knows; the observation that proves it is to come
    "done",  # proved by an observation
    "handed_off",  # somebody else is to put it back
    "stopped",  # a brake holds it, until somebody looks
    "over",  # nothing is to be put back any more, for another reason than that it was
]

AttemptOutcome = Literal[
    "",  # no attempt has ended, or it was never told
    "succeeded",  # an observation shows the resource as declared
    "failed",  # written, or tried to, and the resource is not so
    "changed",  # the resource has changed, and something else drifts than what was written
    "refused",  # the API will never take it; nothing was changed
    "denied",  # a permission is missing; nothing was changed
    "busy",  # the API takes no more for now; nothing was changed
    "released",  # nothing was sent, because something has changed since the claim
    "unknown",  # nothing tells whether it took effect
]
"""What came of the last attempt, as far as it has ended."""

UNCHANGED: frozenset[AttemptOutcome] = frozenset(("refused", "denied", "busy", "released"))
"""Outcomes after which the resource is as it was before the attempt."""

UNDER_WAY: frozenset[RemediationStep] = frozenset(("acting", "operating", "verifying"))
"""Steps in which a write was claimed, and what came of it is to be seen."""

IN_PROGRESS: frozenset[RemediationStep] = UNDER_WAY | {"handed_off"}
"""Steps after which a resource that is as declared again has been remediated."""

_MAY_SHOW_LATER: frozenset[AttemptOutcome] = frozenset(("failed", "changed", "unknown"))
"""Outcomes of attempts that may take effect later, or have and did not show yet."""

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
_LONGEST_DENIAL = timedelta(days=1)
CLAIM = timedelta(minutes=5)
"""How long a worker has before another may take over; longer than any write, shorter than patience."""
_TO_WRITE = CLAIM / 2
"""How old a claim may be when its write is sent; a write takes less than what is left then, with all its tries."""
VERIFY = timedelta(minutes=15)
"""How long the inventory may take to show a write, after which it is read again."""


class AppliedFix(msgspec.Struct, frozen=True):
    """Fields that were remediated.

    Args:
        verified_at: when that was seen.
        paths: which, as differences name them.
    """

    verified_at: datetime = msgspec.field(name="at")
    paths: tuple[str, ...]


class RemediationState(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the remediation of one drift has come.

    Args:
        fingerprint: the drift.
        step: how far it has come.
        since: when this drift was first to be remediated.
        executor: who puts it back.
        rule: the rule of the policy that said so; empty for none.
        attempts: writes that were claimed, up to one that was proved.
        due: when somebody has to look at it again; None for never.
        worker: who has claimed it.
        operation: the address of an operation that goes on.
        approved_by: who has approved this very drift.
        summary: what is written, a line a field; secrets are masked.
        reason: why it is where it is.
        desired: the digest of the declarations that it is remediated by.
        episode: the finding's; the same drift in a later one is another to approve.
        scope: digests of the differences that the drift is of; empty where they are not all known.
        paths: the fields that the last claim was for.
        claimed_at: when it was last claimed.
        failure: what came of the last claim where that failed.
        applied_fixes: what was remediated of this resource lately.
        approvers: who has approved it so far; ``approved_by`` is empty until they are as many as the rule asks for.
        approved_at: when the last of them did.
        approved_under: the digest of the rules then.
        outcome: what came of the last attempt.
        proof: by what that is known.
        waits: how often in a row nothing was learnt: the API was busy, or told nothing of the resource.
        cleared: declared fields that the last write itself has changed, beside those that it was for.
        cleared_times: how many writes in a row have.
    """

    fingerprint: str
    step: RemediationStep
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
    desired: str = ""
    episode: int = 0
    scope: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    claimed_at: datetime | None = None
    failure: str = ""
    applied_fixes: tuple[AppliedFix, ...] = msgspec.field(default=(), name="puts")
    approvers: tuple[str, ...] = ()
    approved_at: datetime | None = None
    approved_under: str = ""
    outcome: AttemptOutcome = ""
    proof: str = ""
    waits: int = 0
    cleared: tuple[str, ...] = ()
    cleared_times: int = 0


class DriftSummary(msgspec.Struct, frozen=True):
    """What is to be remediated.

    Args:
        fingerprint: of the drift.
        episode: the finding's.
        scope: digests of its differences; empty where they are not all known.
        desired: the digest of the declarations that it is a drift from.
    """

    fingerprint: str
    episode: int
    scope: tuple[str, ...]
    desired: str


def scope_of(differences: Collection[Difference], count: int) -> tuple[str, ...]:
    """Digests of the differences of a drift; empty where fewer are known than there are."""
    return tuple(map(_digest, differences)) if len(differences) == count else ()


def _digest(difference: Difference) -> str:
    return hashlib.blake2b(msgspec.json.encode(difference), digest_size=8).hexdigest()


def start(before: RemediationState | None, drift: DriftSummary, limits: Limits, now: datetime) -> RemediationState:
    """The remediation of a drift that is looked at: the one before where it is the same drift, else a new one.

    What was remediated lately stays known, so that a field that drifts again and again is. Failed attempts count for
    the resource, whatever drifts; they are forgotten when the declaration is another one, when a write was proved, and,
    for another drift, when the last was long ago.
    """
    if before is None or before.desired != drift.desired:
        return _fresh(drift, now)
    if is_held(before, now):
        return before  # whatever drifts now, somebody is writing
    late = now - timedelta(seconds=limits.flap_within)
    puts = tuple(put for put in before.applied_fixes if put.verified_at > late)
    is_same = (before.fingerprint, before.episode) == (drift.fingerprint, drift.episode)
    if is_same and before.step not in ("done", "over"):
        return replace(before, applied_fixes=puts)
    if before.step == "verifying" and before.outcome not in UNCHANGED:
        puts = (*puts, AppliedFix(now, before.paths))  # it took effect, since what differs now is something else
    new = replace(_fresh(drift, now), applied_fixes=puts, cleared=before.cleared, cleared_times=before.cleared_times)
    if before.failure and before.claimed_at is not None and before.claimed_at > late:
        new = replace(new, attempts=before.attempts, failure=before.failure, claimed_at=before.claimed_at)
        new = replace(new, due=before.claimed_at + pause_after(before.attempts))
    if not _is_rest(before, drift):
        return new
    return replace(
        new,
        approved_by=before.approved_by,
        approvers=before.approvers,
        approved_at=before.approved_at,
        approved_under=before.approved_under,
    )


def _fresh(drift: DriftSummary, now: datetime) -> RemediationState:
    return RemediationState(
        drift.fingerprint, "waiting", now, desired=drift.desired, episode=drift.episode, scope=drift.scope
    )


def _is_rest(before: RemediationState, drift: DriftSummary) -> bool:
    """Whether a drift is what is left of one, with nothing in it that was not."""
    return before.episode == drift.episode and bool(drift.scope) and set(drift.scope) <= set(before.scope)


def is_new(before: RemediationState | None, remediation: RemediationState) -> bool:
    """Whether a remediation is of a drift that was not looked at before."""
    return before is None or (before.since, before.fingerprint, before.episode) != (
        remediation.since,
        remediation.fingerprint,
        remediation.episode,
    )


def is_held(remediation: RemediationState, now: datetime) -> bool:
    """Whether a worker or an API is at it, whatever the drift is by now."""
    return remediation.step in ("acting", "operating") and remediation.due is not None and remediation.due > now


def may_write(remediation: RemediationState, now: datetime) -> bool:
    """Whether a claim is so young that its write ends before another worker may take over."""
    return remediation.claimed_at is not None and now - remediation.claimed_at < _TO_WRITE


def returns(remediation: RemediationState, paths: Iterable[str]) -> int:
    """How often one of these fields was remediated lately, to drift again."""
    drifting = set(paths)
    return sum(not drifting.isdisjoint(put.paths) for put in remediation.applied_fixes)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many failures: a minute, twice as long after each one more, an hour at most."""
    doubled: int = 2 ** min(max(attempts - 1, 0), 10)
    return min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)


def claimed(
    remediation: RemediationState, worker: str, summary: tuple[str, ...], paths: tuple[str, ...], now: datetime
) -> RemediationState:
    """The remediation when a worker is about to write."""
    return replace(
        remediation,
        step="acting",
        attempts=remediation.attempts + 1,
        worker=worker,
        due=now + CLAIM,
        summary=summary,
        reason="",
        operation="",
        paths=paths,
        claimed_at=now,
        failure="the worker reported no outcome",
        outcome="",
        proof="",
    )


def operating(remediation: RemediationState, operation: str, now: datetime) -> RemediationState:
    """The remediation when the API goes on by itself."""
    return replace(remediation, step="operating", operation=operation, due=now + _FIRST_PAUSE, failure="", waits=0)


def written(remediation: RemediationState, now: datetime) -> RemediationState:
    """The remediation when all is written, and the observation that proves it is to come."""
    return replace(remediation, step="verifying", due=now + VERIFY, worker="", operation="", failure="", waits=0)


def unanswered(remediation: RemediationState, reason: str, now: datetime) -> RemediationState:
    """The remediation when nobody knows whether the write took effect: that is read soon."""
    return replace(
        remediation, step="verifying", due=now + _FIRST_PAUSE, worker="", operation="", reason=reason, failure=reason
    )


def overdue(remediation: RemediationState, reason: str, now: datetime) -> RemediationState:
    """The remediation when an operation has not ended in its time: the resource is read, ever more seldom."""
    return replace(unread(remediation, reason, now), step="verifying", worker="", outcome="unknown", failure=reason)


def unread(remediation: RemediationState, reason: str, now: datetime, seconds: float = 0.0) -> RemediationState:
    """The remediation when nothing tells how the resource is now: it is read again later, ever more seldom.

    Args:
        remediation: as it was before.
        reason: why nothing does.
        now: the time.
        seconds: how long to wait at least, where an API says so.
    """
    waits = remediation.waits + 1
    due = now + max(pause_after(waits), timedelta(seconds=seconds))
    step: RemediationStep = "verifying" if remediation.step in UNDER_WAY else "waiting"
    return replace(remediation, step=step, due=due, worker="", reason=reason, waits=waits)


def busy(remediation: RemediationState, reason: str, seconds: float, now: datetime) -> RemediationState:
    """The remediation when the API took no more: the attempt does not count, and is made again later."""
    proof = "the API answered that it is busy"
    unchanged = replace(remediation, attempts=remediation.attempts - 1, failure="", outcome="busy", proof=proof)
    return replace(unread(unchanged, reason, now, seconds), operation="")


def turned_down(
    remediation: RemediationState, outcome: Literal["refused", "denied"], reason: str, now: datetime
) -> RemediationState:
    """The remediation when the API does not take it, or denies it: it is handed off, and the attempt does not count."""
    after = replace(
        remediation,
        attempts=max(remediation.attempts - (remediation.step == "acting"), 0),
        outcome=outcome,
        failure=reason,
        proof="the API answered so; the resource is as it was",
        waits=remediation.waits + 1,
    )
    pause = min(_LONGEST_PAUSE * 2 ** min(after.waits - 1, 10), _LONGEST_DENIAL)
    return replace(handed_off(after, remediation.summary, reason, now), due=now + pause)


def verify(remediation: RemediationState, verified_at: datetime) -> RemediationState:
    """The remediation when an observation shows the resource as declared."""
    puts = (
        (*remediation.applied_fixes, AppliedFix(verified_at, remediation.paths))
        if remediation.step in UNDER_WAY and remediation.outcome not in UNCHANGED
        else remediation.applied_fixes
    )
    proof = f"observed as declared at {verified_at:%Y-%m-%d %H:%M:%S} UTC"
    return replace(
        remediation,
        step="done",
        due=None,
        worker="",
        operation="",
        reason="",
        failure="",
        applied_fixes=puts,
        outcome="succeeded",
        proof=proof,
        waits=0,
        cleared=(),
        cleared_times=0,
    )


def was_tried(remediation: RemediationState) -> bool:
    """Whether a resource that is as declared now may be so by an attempt, or a hand-off."""
    return remediation.step in IN_PROGRESS or (remediation.step != "done" and remediation.outcome in _MAY_SHOW_LATER)


def close(remediation: RemediationState, reason: str) -> RemediationState:
    """The remediation when there is nothing to remediate any more, or nobody is to; an approval is used up."""
    over = replace(remediation, step="over", due=None, worker="", operation="", reason=reason)
    return without_approval(over)


def postpone(remediation: RemediationState, until: datetime, reason: str) -> RemediationState:
    """The remediation when it has to wait for a time."""
    return replace(remediation, step="waiting", due=until, worker="", operation="", reason=reason)


def failed(remediation: RemediationState, reason: str, limits: Limits, now: datetime) -> RemediationState:
    """The remediation after an attempt that failed: it waits, longer each time, and after the last one for a person."""
    after = replace(remediation, failure=reason, claimed_at=remediation.claimed_at or now, outcome="failed")
    if after.attempts >= limits.attempts:
        return stopped(after, exhausted(after), now)
    return postpone(after, now + pause_after(after.attempts), f"an attempt has failed: {reason}")


def exhausted(remediation: RemediationState) -> str:
    """That it was tried as often as it may be, in words."""
    return f"{remediation.attempts} attempts have failed, the last: {remediation.failure}"


def stopped(remediation: RemediationState, reason: str, now: datetime) -> RemediationState:
    """The remediation when a person has to look; what holds it may be over without anybody saying so."""
    return replace(remediation, step="stopped", due=now + _LONGEST_PAUSE, worker="", operation="", reason=reason)


def request_approval(
    remediation: RemediationState, summary: tuple[str, ...], reason: str, now: datetime
) -> RemediationState:
    """The remediation when a person is to approve; why may be over without anybody saying so."""
    return replace(remediation, step="asked", due=now + _LONGEST_PAUSE, summary=summary, reason=reason)


def handed_off(remediation: RemediationState, summary: tuple[str, ...], reason: str, now: datetime) -> RemediationState:
    """The remediation when somebody else is to put it back; that may be decided otherwise later."""
    return replace(
        remediation,
        step="handed_off",
        due=now + _LONGEST_PAUSE,
        worker="",
        operation="",
        summary=summary,
        reason=reason,
    )


def approved(
    remediation: RemediationState, by: str, now: datetime, *, needed: int = 1, rules: str = ""
) -> RemediationState:
    """The remediation when somebody has approved this very drift; what stopped it before counts no longer.

    Args:
        remediation: the remediation before.
        by: who approves.
        now: the time.
        needed: how many different people have to; until then it waits for the others.
        rules: the digest of the rules that it was approved under.
    """
    earlier = remediation.approvers if needed > 1 else ()
    approvers = tuple(dict.fromkeys((*earlier, by)))
    noted = replace(remediation, approvers=approvers, approved_at=now, approved_under=rules)
    if len(approvers) < needed:
        return replace(noted, step="asked", due=now + _LONGEST_PAUSE)
    return replace(
        noted,
        step="waiting",
        due=now,
        approved_by=" and ".join(approvers),
        attempts=0,
        failure="",
        applied_fixes=(),
        reason="",
    )


def without_lapsed_approval(
    remediation: RemediationState, rules: str, limits: Limits, now: datetime
) -> RemediationState:
    """The remediation without an approval that is too old, or that was given under other rules."""
    if not remediation.approvers and not remediation.approved_by:
        return remediation
    oldest = now - timedelta(seconds=limits.approval_lasts)
    is_late = remediation.approved_at is None or remediation.approved_at < oldest
    is_other = bool(remediation.approved_under) and remediation.approved_under != rules
    if not (is_late or is_other):
        return remediation
    return replace(remediation, approved_by="", approvers=(), approved_at=None, approved_under="")


def without_approval(remediation: RemediationState) -> RemediationState:
    """The remediation as if nobody had approved it."""
    return replace(remediation, approved_by="", approvers=(), approved_at=None, approved_under="")
