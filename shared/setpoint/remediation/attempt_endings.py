"""Record the end of an attempt: its event, its entry in the audit trail, and its proof.

The circuit breaker counts only attempts that may have done harm. An attempt that left the resource unchanged, because
the API refused it, denied it or was busy, counts neither as a failure nor as a write.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from setpoint.errors import AccessDenied, SetpointError, Throttled
from setpoint.model import remediation_attempt
from setpoint.model import safety_limits as braking
from setpoint.model.policy import Policy
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.safety_limits import SafetyState
from setpoint.ports.stores import Snapshot
from setpoint.remediation.records import AttemptRecords, AuditNote, ExecutionOutcome
from setpoint.util.counts import counted


def end(
    snapshot: Snapshot,
    claimed: RemediationState,
    after: RemediationState,
    note: AuditNote,
    records: AttemptRecords,
    change_safety: Callable[[SafetyState], SafetyState] = lambda safety: safety,
) -> None:
    """Record an attempt that left the resource unchanged; it does not count as a write."""
    project = snapshot.state.finding.project if snapshot.state is not None and snapshot.state.finding else ""
    records.record_outcome(
        snapshot.key,
        claimed,
        after,
        note,
        lambda safety: change_safety(braking.refund(safety, project, claimed.claimed_at)),
    )


def delegate_refused_write(
    snapshot: Snapshot,
    claimed: RemediationState,
    outcome: Literal["refused", "denied"],
    error: SetpointError,
    records: AttemptRecords,
) -> ExecutionOutcome:
    """Delegate a write that the API refuses; of all writes that lack one permission, only the first alerts."""
    now = records.clock()
    after = remediation_attempt.refused_by_api(claimed, outcome, f"{outcome}: {error}", now)
    end(snapshot, claimed, after, AuditNote(outcome, "remediation.requested"), records, denial(error, records.clock))
    return "handed_off"


def denial(error: SetpointError, clock: Callable[[], datetime]) -> Callable[[SafetyState], SafetyState]:
    """The change of the safety state after a denied permission; none for other errors."""
    if not isinstance(error, AccessDenied):
        return lambda safety: safety
    now, permission = clock(), error.permission
    return lambda safety: braking.deny(safety, permission, now)


def wait_for_api(
    snapshot: Snapshot, claimed: RemediationState, error: Throttled, records: AttemptRecords
) -> ExecutionOutcome:
    """Wait as long as a busy API asks."""
    after = remediation_attempt.busy(claimed, str(error), error.seconds, records.clock())
    end(snapshot, claimed, after, AuditNote("busy", "remediation.blocked"), records)
    return "waiting"


def fail(
    snapshot: Snapshot,
    claimed: RemediationState,
    reason: str,
    policy: Policy,
    records: AttemptRecords,
    *,
    proof: str,
    is_harmless: bool = False,
) -> ExecutionOutcome:
    """Record a failure, and when to retry or that a person has to act.

    Args:
        snapshot: the stored records before the attempt.
        claimed: the attempt.
        reason: the error.
        policy: the policy.
        records: records the failure.
        proof: the source of the result.
        is_harmless: whether the resource is unchanged; the breaker does not count the failure then.
    """
    now = records.clock()
    after = remediation_attempt.failed(replace(claimed, proof=proof), reason, policy.limits, now)
    note = AuditNote("failed", "remediation.failed")
    change = None if is_harmless else (lambda safety: braking.fail(safety, snapshot.key.name, policy.limits, now))
    records.record_outcome(snapshot.key, claimed, after, note, change)
    return "failed"


def overdue(
    snapshot: Snapshot, claimed: RemediationState, longest: timedelta, records: AttemptRecords
) -> ExecutionOutcome:
    """Alert about an operation that exceeds its time limit; write nothing again, and read the resource."""
    policy, now = snapshot.rules.policy or Policy(), records.clock()
    minutes = longest.total_seconds() / 60
    reason = f"the operation {claimed.operation} has not ended within {minutes:.0f} minutes; look at it there"
    after = replace(
        remediation_attempt.overdue(claimed, reason, now), proof=f"the operation was last read at {now:%H:%M:%S} UTC"
    )
    change = lambda safety: braking.fail(safety, snapshot.key.name, policy.limits, now)  # noqa: E731 - a default argument
    records.record_outcome(snapshot.key, claimed, after, AuditNote("unknown", "remediation.failed"), change)
    return "failed"


def keep_reading(snapshot: Snapshot, claimed: RemediationState, records: AttemptRecords) -> ExecutionOutcome:
    """Schedule another read of a resource whose last attempt has an unknown result."""
    after = remediation_attempt.unread(claimed, claimed.reason, records.clock())
    records.record_outcome(snapshot.key, claimed, after, AuditNote("waiting"))
    return "verifying"


def unread(
    snapshot: Snapshot, claimed: RemediationState, error: SetpointError, policy: Policy, records: AttemptRecords
) -> ExecutionOutcome:
    """Schedule another read of an unreadable resource; alert after the maximum number of attempts."""
    after = unread_state(claimed, error, policy, records.clock)
    is_news = after.outcome == "unknown" != claimed.outcome
    note = AuditNote("unread", "remediation.failed" if is_news else None)
    records.record_outcome(snapshot.key, claimed, after, note)
    return "unread"


def unread_state(
    remediation: RemediationState, error: SetpointError, policy: Policy, clock: Callable[[], datetime]
) -> RemediationState:
    """The remediation of an unreadable resource; its outcome is unknown after the maximum number of attempts."""
    seconds = error.seconds if isinstance(error, Throttled) else 0.0
    after = remediation_attempt.unread(remediation, str(error), clock(), seconds)
    if after.waits < policy.limits.attempts or after.outcome == "busy":
        return after
    return replace(after, outcome="unknown", proof=f"it could not be read {counted(after.waits, 'time')} in a row")
