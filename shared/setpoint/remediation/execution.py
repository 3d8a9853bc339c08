"""Execute a claimed write: send it, watch its operation, verify the result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from setpoint.errors import AccessDenied, Conflict, Refused, SetpointError, Throttled, Unavailable
from setpoint.model import remediation_attempt
from setpoint.model.policy import Policy
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.write_plan import Failed, Running, Started, WritePlan, Written
from setpoint.ports.stores import RemediationStore, Snapshot
from setpoint.remediation import attempt_endings as endings
from setpoint.remediation import decision, operations, update_masks, verification
from setpoint.remediation.case import declared_digest, read
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.live_resources import LiveResources
from setpoint.remediation.records import AuditNote, ExecutionOutcome, RemediationCase


def write(
    case: RemediationCase, remediation: RemediationState, plan: WritePlan, context: RemediationContext
) -> ExecutionOutcome:
    """Send a claimed write unless its conditions changed; if no answer comes, schedule a read of the resource."""
    key, policy = case.snapshot.key, case.decision_input.policy
    snapshot = read(key, context.store)
    if why := _reason_to_release(case, snapshot, remediation, context.store, context.clock()):
        before = case.decision_input.remediation
        free = remediation_attempt.postpone(replace(before, outcome="released", proof=why), context.clock(), why)
        endings.end(snapshot, remediation, free, AuditNote("let_go", "remediation.blocked"), context.records)
        return "waiting"
    try:
        answer = _send(plan, context.live_resources)
    except Exception as error:  # noqa: BLE001 - after any error the write may have been done
        return _not_written(snapshot, remediation, error, policy, context)
    if isinstance(answer, Started):
        going = remediation_attempt.operating(remediation, answer.url, context.clock())
        context.records.record_outcome(key, remediation, going, AuditNote("operating"))
        return "operating"
    if isinstance(answer, Failed):
        return _failed_operation(snapshot, remediation, answer.reason, context)
    return _written(snapshot, remediation, context)


def _send(plan: WritePlan, live_resources: LiveResources) -> Written | Started | Failed:
    """Send a write; if the API refuses its update mask, send it once more with the parent fields as mask."""
    try:
        return live_resources.api.write(plan)
    except Refused as error:
        if plan.coarser is None or not update_masks.is_about_mask(str(error)):
            raise
        return live_resources.api.write(replace(plan, call=plan.coarser, coarser=None))


def _not_written(
    snapshot: Snapshot, remediation: RemediationState, error: Exception, policy: Policy, context: RemediationContext
) -> ExecutionOutcome:
    """Handle a write without an answer that confirms it."""
    outcome: ExecutionOutcome | None
    match error:
        case Conflict():
            proof = "the API answered that the resource has changed since it was read"
            outcome = endings.fail(
                snapshot, remediation, str(error), policy, context.records, proof=proof, is_harmless=True
            )
        case AccessDenied():
            outcome = endings.delegate_refused_write(snapshot, remediation, "denied", error, context.records)
        case Refused():  # the error says nothing about a resource that was replaced meanwhile
            outcome = verification.prove(snapshot, context)
            outcome = outcome or endings.delegate_refused_write(
                snapshot, remediation, "refused", error, context.records
            )
        case Throttled():
            outcome = endings.wait_for_api(snapshot, remediation, error, context.records)
        case _:
            reason = str(error) if isinstance(error, SetpointError) else f"its answer cannot be read: {error!r}"
            unsure = remediation_attempt.unanswered(remediation, reason, context.clock())
            context.records.record_outcome(snapshot.key, remediation, unsure, AuditNote("unanswered"))
            outcome = "verifying"
    return outcome


def _reason_to_release(
    case: RemediationCase, snapshot: Snapshot, remediation: RemediationState, store: RemediationStore, now: datetime
) -> str:
    """Why a claimed write must not be sent any more, for people; empty if it may be."""
    decided_on, state = case.decision_input, snapshot.state
    if not remediation_attempt.may_write(remediation, now):
        return "the claim is too old to write on"
    if (
        state is None
        or state.remediation != remediation
        or not state.is_open
        or state.exemption != decided_on.exemption
    ):
        return "its record has changed since the claim"
    if declared_digest(snapshot) != decided_on.remediation.desired:
        return "its declaration has changed since the claim"
    return decision.blocking_guardrail(decided_on._replace(safety_state=store.safety_state().value, now=now))


def _written(snapshot: Snapshot, remediation: RemediationState, context: RemediationContext) -> ExecutionOutcome:
    """Record a completed write, and verify it."""
    after = remediation_attempt.written(remediation, context.clock())
    context.records.record_outcome(snapshot.key, remediation, after, AuditNote("written"))
    try:
        return verification.prove(snapshot, context, after) or "verifying"
    except Unavailable:
        return "verifying"


def resume(snapshot: Snapshot, remediation: RemediationState, context: RemediationContext) -> ExecutionOutcome | None:
    """Continue a claimed attempt that is due; None if a new attempt should start."""
    return _OVERDUE[remediation.step](snapshot, remediation, context)


def _watch(snapshot: Snapshot, remediation: RemediationState, context: RemediationContext) -> ExecutionOutcome:
    """Poll an operation; if polling is denied, read the resource instead."""
    now = context.clock()
    try:
        progress = context.live_resources.api.operation(Started(remediation.operation))
    except (AccessDenied, Refused):
        return _written(snapshot, remediation, context)
    except Unavailable:
        progress = Running()
    if isinstance(progress, Running):
        longest = operations.longest(remediation.operation)
        if remediation.claimed_at is not None and now - remediation.claimed_at > longest:
            return endings.overdue(snapshot, remediation, longest, context.records)
        going = replace(remediation_attempt.operating(remediation, remediation.operation, now), waits=remediation.waits)
        context.records.record_outcome(snapshot.key, remediation, going, AuditNote("operating"))
        return "operating"
    if isinstance(progress, Failed):
        return _failed_operation(snapshot, remediation, progress.reason, context)
    return _written(snapshot, remediation, context)


def _failed_operation(
    snapshot: Snapshot, remediation: RemediationState, reason: str, context: RemediationContext
) -> ExecutionOutcome:
    """Handle an operation that ended with an error: it may have changed the resource, so read it."""
    if (ended := verification.prove(snapshot, context)) is not None:
        return ended
    policy = snapshot.rules.policy or Policy()
    proof = "its operation ended with an error, and the resource was read after it: it still differs"
    return endings.fail(snapshot, remediation, reason, policy, context.records, proof=proof)


def _verify(snapshot: Snapshot, remediation: RemediationState, context: RemediationContext) -> ExecutionOutcome | None:
    """Verify a write that no observation has proved; None to start a new attempt at once."""
    policy = snapshot.rules.policy or Policy()
    try:
        ended = verification.prove(snapshot, context, is_needed=True)
    except Unavailable as error:
        return endings.unread(snapshot, remediation, error, policy, context.records)
    is_other = snapshot.state is not None and snapshot.state.fingerprint != remediation.fingerprint
    if ended is not None or remediation.outcome == "busy" or is_other:
        return ended
    if remediation.operation and _is_running(remediation, context.live_resources):
        return endings.keep_reading(snapshot, remediation, context.records)
    reason = remediation.reason or "it was written, and the resource still differs"
    proof = f"the resource was read at {context.clock():%Y-%m-%d %H:%M:%S} UTC: it still differs"
    is_harmless = bool(remediation.failure)  # it was unknown whether the write was done, and it was not
    return endings.fail(snapshot, remediation, reason, policy, context.records, proof=proof, is_harmless=is_harmless)


def _is_running(remediation: RemediationState, live_resources: LiveResources) -> bool:
    """Whether an operation beyond its time limit still runs, as far as the API answers."""
    try:
        return isinstance(live_resources.api.operation(Started(remediation.operation)), Running)
    except (AccessDenied, Refused, Unavailable):
        return True


def _expire(snapshot: Snapshot, remediation: RemediationState, context: RemediationContext) -> ExecutionOutcome | None:
    """Read the resource after an expired claim without a result; None if the drift is still present."""
    policy = snapshot.rules.policy or Policy()
    try:
        return verification.prove(snapshot, context)
    except Unavailable as error:
        return endings.unread(snapshot, remediation, error, policy, context.records)


_OVERDUE: dict[
    remediation_attempt.RemediationStep,
    Callable[[Snapshot, RemediationState, RemediationContext], ExecutionOutcome | None],
] = {
    "acting": _expire,
    "operating": _watch,
    "verifying": _verify,
}
