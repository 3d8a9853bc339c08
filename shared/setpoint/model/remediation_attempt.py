"""The state of the remediation of a drift, and the transitions between its steps.

The state is stored with the finding and outlives it, so that a returning drift is recognized.
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
from setpoint.util.counts import counted

RemediationStep = Literal[
    "asked",  # approval was requested
    "waiting",  # waits for a time: a window, a limit, a pause after a failure
    "acting",  # a worker has the claim and writes
    "operating",  # a long-running operation is in progress
    "verifying",  # written, as far as known; an observation has to verify it
    "done",  # verified by an observation
    "handed_off",  # delegated
    "stopped",  # a guardrail stops it, until a person resumes
    "over",  # ended without a remediation
]

AttemptOutcome = Literal[
    "",  # no attempt has ended
    "succeeded",  # an observation shows the resource as declared
    "failed",  # the write failed, or the resource is not as written
    "changed",  # the resource changed, and shows another drift than the one written
    "refused",  # the API refuses the write for good; nothing was changed
    "denied",  # a permission is missing; nothing was changed
    "busy",  # the API is rate limited; nothing was changed
    "released",  # nothing was sent, because conditions changed since the claim
    "unknown",  # whether it took effect is unknown
]
"""The outcome of the last attempt that ended."""

UNCHANGED: frozenset[AttemptOutcome] = frozenset(("refused", "denied", "busy", "released"))
"""Outcomes that leave the resource unchanged."""

UNDER_WAY: frozenset[RemediationStep] = frozenset(("acting", "operating", "verifying"))
"""Steps with a claimed write whose result is not known yet."""

IN_PROGRESS: frozenset[RemediationStep] = UNDER_WAY | {"handed_off"}
"""Steps after which a resource that is as declared counts as remediated."""

_MAY_SHOW_LATER: frozenset[AttemptOutcome] = frozenset(("failed", "changed", "unknown"))
"""Outcomes of attempts that may still take effect, or did so without showing yet."""

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
_LONGEST_DENIAL = timedelta(days=1)
CLAIM = timedelta(minutes=5)
"""The lease of a claim: afterwards another worker may take over; longer than any write."""
_TO_WRITE = CLAIM / 2
"""The maximum age of a claim when its write is sent; the rest of the lease is longer than a write with its retries."""
VERIFY = timedelta(minutes=15)
"""How long the inventory may take to show a write, before the resource is read through its API."""


class AppliedFix(msgspec.Struct, frozen=True):
    """Fields that were remediated.

    Args:
        verified_at: when the remediation was verified.
        paths: the fields, as paths of differences.
    """

    verified_at: datetime = msgspec.field(name="at")
    paths: tuple[str, ...]


class RemediationState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of the remediation of a drift.

    Args:
        fingerprint: the drift.
        step: the current step.
        since: when remediation of this drift was first due.
        executor: the executor.
        rule: the policy rule that applies; empty for none.
        attempts: number of claimed writes since the last verified one.
        due: when the next step is due; None for never.
        worker: the worker with the claim.
        operation: URL of an operation in progress.
        approved_by: the approvers of this drift.
        summary: the written fields, one per line; secrets are masked.
        reason: the reason for the current step.
        desired: digest of the declarations to remediate to.
        episode: the episode of the finding; the same drift in a later episode needs a new approval.
        scope: digests of the drift's differences; empty if not all are known.
        paths: the fields of the last claim.
        claimed_at: the time of the last claim.
        failure: the error of the last claim; empty if it did not fail.
        applied_fixes: recent remediations of this resource.
        approvers: the approvers so far; ``approved_by`` is empty until there are as many as the rule requires.
        approved_at: the time of the last approval.
        approved_under: digest of the rules at that time.
        outcome: the outcome of the last attempt.
        proof: the source of the outcome.
        waits: number of consecutive retries without a result: the API was busy, or the resource could not be read.
        cleared: fields that the last write changed besides its own, or may have changed if nothing proved its result.
        cleared_times: number of consecutive writes that did so.
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
    """The drift to remediate.

    Args:
        fingerprint: fingerprint of the drift.
        episode: the episode of the finding.
        scope: digests of its differences; empty if not all are known.
        desired: digest of the declarations that it differs from.
    """

    fingerprint: str
    episode: int
    scope: tuple[str, ...]
    desired: str


def scope_of(differences: Collection[Difference], count: int) -> tuple[str, ...]:
    """Digests of the differences of a drift; empty if not all are known."""
    return tuple(map(_digest, differences)) if len(differences) == count else ()


def _digest(difference: Difference) -> str:
    return hashlib.blake2b(msgspec.json.encode(difference, order="deterministic"), digest_size=8).hexdigest()


def newly_drifting(remediation: RemediationState, differences: Iterable[Difference]) -> tuple[str, ...]:
    """The fields that drift after a write and did not drift before: the write may have changed them."""
    known = {*remediation.scope}
    new = (difference for difference in differences if difference.path not in remediation.paths)
    return tuple(sorted({difference.path for difference in new if _digest(difference) not in known}))


def start(before: RemediationState | None, drift: DriftSummary, limits: Limits, now: datetime) -> RemediationState:
    """The state for a drift: the stored one if the drift is the same, else a new one.

    Recent remediations stay recorded, so that flapping fields are recognized. Failed attempts count for the resource,
    for any drift; they are reset when the declaration changes, when a write is verified, and, for another drift, when
    the last attempt was long ago.
    """
    if before is None or before.desired != drift.desired:
        return _fresh(drift, now)
    if is_held(before, now):
        return before  # a write is in progress, for any drift
    late = now - timedelta(seconds=limits.flap_within)
    puts = tuple(put for put in before.applied_fixes if put.verified_at > late)
    is_same = (before.fingerprint, before.episode) == (drift.fingerprint, drift.episode)
    if is_same and before.step not in ("done", "over"):
        return replace(before, applied_fixes=puts)
    if before.step == "verifying" and before.outcome not in UNCHANGED:
        puts = (*puts, AppliedFix(now, before.paths))  # it took effect, since the present drift is another one
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
    """Whether a drift is a part of an earlier one, with no new difference."""
    return before.episode == drift.episode and bool(drift.scope) and set(drift.scope) <= set(before.scope)


def is_new(before: RemediationState | None, remediation: RemediationState) -> bool:
    """Whether a remediation is of a new drift."""
    return before is None or (before.since, before.fingerprint, before.episode) != (
        remediation.since,
        remediation.fingerprint,
        remediation.episode,
    )


def is_held(remediation: RemediationState, now: datetime) -> bool:
    """Whether a worker or an operation is in progress, for any drift."""
    return remediation.step in ("acting", "operating") and remediation.due is not None and remediation.due > now


def may_write(remediation: RemediationState, now: datetime) -> bool:
    """Whether the claim is recent enough that its write ends within the lease."""
    return remediation.claimed_at is not None and now - remediation.claimed_at < _TO_WRITE


def returns(remediation: RemediationState, paths: Iterable[str]) -> int:
    """How often one of these fields drifted again after a recent remediation."""
    drifting = set(paths)
    return sum(not drifting.isdisjoint(put.paths) for put in remediation.applied_fixes)


def pause_after(attempts: int) -> timedelta:
    """The wait after this many failures: a minute, doubled for each further failure, at most an hour."""
    doubled: int = 2 ** min(max(attempts - 1, 0), 10)
    return min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)


def claimed(
    remediation: RemediationState, worker: str, summary: tuple[str, ...], paths: tuple[str, ...], now: datetime
) -> RemediationState:
    """The state after a worker claimed a write."""
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
    """The state while a long-running operation is in progress."""
    return replace(remediation, step="operating", operation=operation, due=now + _FIRST_PAUSE, failure="", waits=0)


def written(remediation: RemediationState, now: datetime) -> RemediationState:
    """The state after a write that an observation has to verify."""
    return replace(remediation, step="verifying", due=now + VERIFY, worker="", operation="", failure="", waits=0)


def unanswered(remediation: RemediationState, reason: str, now: datetime) -> RemediationState:
    """The state after a write with an unknown result: the resource is read soon."""
    return replace(
        remediation, step="verifying", due=now + _FIRST_PAUSE, worker="", operation="", reason=reason, failure=reason
    )


def overdue(remediation: RemediationState, reason: str, now: datetime) -> RemediationState:
    """The state of an operation beyond its time limit: the resource is read at growing intervals."""
    return replace(unread(remediation, reason, now), step="verifying", worker="", outcome="unknown", failure=reason)


def unread(remediation: RemediationState, reason: str, now: datetime, seconds: float = 0.0) -> RemediationState:
    """The state while the resource cannot be read: it is read again at growing intervals.

    Args:
        remediation: the state before.
        reason: why it cannot be read.
        now: the current time.
        seconds: minimum wait in seconds, if the API asks for one.
    """
    waits = remediation.waits + 1
    due = now + max(pause_after(waits), timedelta(seconds=seconds))
    step: RemediationStep = "verifying" if remediation.step in UNDER_WAY else "waiting"
    return replace(remediation, step=step, due=due, worker="", reason=reason, waits=waits)


def busy(remediation: RemediationState, reason: str, seconds: float, now: datetime) -> RemediationState:
    """The state after the API was busy: the attempt does not count, and is retried."""
    proof = "the API answered that it is busy"
    unchanged = replace(remediation, attempts=remediation.attempts - 1, failure="", outcome="busy", proof=proof)
    return replace(unread(unchanged, reason, now, seconds), operation="")


def refused_by_api(
    remediation: RemediationState, outcome: Literal["refused", "denied"], reason: str, now: datetime
) -> RemediationState:
    """The state after the API refused or denied a write: it is delegated, and the attempt does not count."""
    after = replace(
        remediation,
        attempts=max(remediation.attempts - (remediation.step == "acting"), 0),
        outcome=outcome,
        failure=reason,
        proof="the API answered so; the resource is as it was",
        waits=remediation.waits + 1,
    )
    pause = min(_LONGEST_PAUSE * 2 ** min(after.waits - 1, 10), _LONGEST_DENIAL)
    return replace(delegated(after, remediation.summary, reason, now), due=now + pause)


def verify(remediation: RemediationState, verified_at: datetime) -> RemediationState:
    """The state after an observation shows the resource as declared."""
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
    """Whether an attempt or a delegate may have made a resource be as declared."""
    return remediation.step in IN_PROGRESS or (remediation.step != "done" and remediation.outcome in _MAY_SHOW_LATER)


def close(remediation: RemediationState, reason: str) -> RemediationState:
    """The state without a drift to remediate; an approval is used up."""
    over = replace(remediation, step="over", due=None, worker="", operation="", reason=reason)
    return without_approval(over)


def postpone(remediation: RemediationState, until: datetime, reason: str) -> RemediationState:
    """The state while it waits for a time."""
    return replace(remediation, step="waiting", due=until, worker="", operation="", reason=reason)


def failed(remediation: RemediationState, reason: str, limits: Limits, now: datetime) -> RemediationState:
    """The state after a failed attempt: retry after a growing wait; stop for a person after the last attempt."""
    after = replace(remediation, failure=reason, claimed_at=remediation.claimed_at or now, outcome="failed")
    if after.attempts >= limits.attempts:
        return stopped(after, exhausted(after), now)
    return postpone(after, now + pause_after(after.attempts), f"an attempt has failed: {reason}")


def exhausted(remediation: RemediationState) -> str:
    """The text about the maximum number of attempts."""
    return f"{counted(remediation.attempts, 'attempt')} failed, the last: {remediation.failure}"


def stopped(remediation: RemediationState, reason: str, now: datetime) -> RemediationState:
    """The state after a guardrail stopped it; it is checked again, since the reason may pass."""
    return replace(remediation, step="stopped", due=now + _LONGEST_PAUSE, worker="", operation="", reason=reason)


def request_approval(
    remediation: RemediationState, summary: tuple[str, ...], reason: str, now: datetime
) -> RemediationState:
    """The state after a request for approval; it is checked again, since the reason may pass."""
    return replace(remediation, step="asked", due=now + _LONGEST_PAUSE, summary=summary, reason=reason)


def delegated(remediation: RemediationState, summary: tuple[str, ...], reason: str, now: datetime) -> RemediationState:
    """The state after delegation; it is checked again, since the decision may change."""
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
    """The state after an approval of this drift; earlier reasons to stop no longer count.

    Args:
        remediation: the state before.
        by: the approver.
        now: the current time.
        needed: number of different approvers that are required; below that the state waits for the others.
        rules: digest of the rules at the time of the approval.
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
    """The state without an approval that has expired, or was given under other rules."""
    if not remediation.approvers and not remediation.approved_by:
        return remediation
    oldest = now - timedelta(seconds=limits.approval_lasts)
    is_late = remediation.approved_at is None or remediation.approved_at < oldest
    is_other = bool(remediation.approved_under) and remediation.approved_under != rules
    if not (is_late or is_other):
        return remediation
    return replace(remediation, approved_by="", approvers=(), approved_at=None, approved_under="")


def without_approval(remediation: RemediationState) -> RemediationState:
    """The state without any approval."""
    return replace(remediation, approved_by="", approvers=(), approved_at=None, approved_under="")
