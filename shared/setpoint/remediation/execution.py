"""What becomes of a write from the claim on: sent, watched, verified, or failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from setpoint.detection import pipeline
from setpoint.detection import verdict as judging
from setpoint.errors import AccessDenied, Conflict, Refused, Unavailable
from setpoint.model import remediation_attempt
from setpoint.model import safety_limits as braking
from setpoint.model.policy import Policy
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import Failed, Running, Started, WritePlan
from setpoint.ports.stores import Snapshot
from setpoint.remediation import decision
from setpoint.remediation.context import declared_digest
from setpoint.remediation.live_resources import LiveReading
from setpoint.remediation.records import AuditNote, RemediationCase, RemediationContext, record_outcome

ExecutionOutcome = Literal[
    "nothing",  # no drift that anything is to be done about
    "left",  # its mode says to leave it alone
    "stopped",  # a brake holds it
    "waiting",  # later
    "asked",  # a person is to approve
    "rehearsed",  # said what would be written, in a dry run
    "handed_off",  # somebody else puts it back
    "resolved",  # there was nothing left to do
    "changed",  # it is another drift by now
    "verifying",  # put back; the observation that proves it is to come
    "operating",  # the API goes on by itself
    "failed",  # it will be tried again, or a person has to look
]
"""What became of a drift."""


def write(
    case: RemediationCase, remediation: RemediationState, plan: WritePlan, context: RemediationContext
) -> ExecutionOutcome:
    """Send what was claimed, unless something has come in between; where no answer comes, the resource is read soon."""
    key, policy = case.snapshot.key, case.decision_input.policy
    snapshot = context.store.read(key)
    if why := _in_between(case, snapshot, remediation, context):
        free = remediation_attempt.postpone(case.decision_input.remediation, context.clock(), why)
        record_outcome(key, remediation, free, AuditNote("let_go", "remediation.blocked"), context)
        return "waiting"
    try:
        written = context.live_resources.api.write(plan)
    except Conflict as error:
        return _fail(key, remediation, str(error), policy, context, is_alarming=False)
    except (AccessDenied, Refused) as error:
        return _fail(key, remediation, str(error), policy, context)
    except Unavailable as error:
        unsure = remediation_attempt.unanswered(remediation, str(error), context.clock())
        record_outcome(key, remediation, unsure, AuditNote("unanswered"), context)
        return "verifying"
    if isinstance(written, Started):
        going = remediation_attempt.operating(remediation, written.url, context.clock())
        record_outcome(key, remediation, going, AuditNote("operating"), context)
        return "operating"
    return _written(snapshot, remediation, context)


def _in_between(
    case: RemediationCase, snapshot: Snapshot, remediation: RemediationState, context: RemediationContext
) -> str:
    """What speaks against a write after it was claimed, in words; empty where nothing does."""
    now, decided_on, state = context.clock(), case.decision_input, snapshot.state
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
        return "something else is declared of it by now"
    return decision.held(decided_on._replace(safety_state=context.store.safety_state().value, now=now))


def _written(snapshot: Snapshot, remediation: RemediationState, context: RemediationContext) -> ExecutionOutcome:
    """Note that all is written, and look."""
    record_outcome(
        snapshot.key,
        remediation,
        remediation_attempt.written(remediation, context.clock()),
        AuditNote("written"),
        context,
    )
    return _prove(snapshot, context) or "verifying"


def resume(snapshot: Snapshot, remediation: RemediationState, context: RemediationContext) -> ExecutionOutcome | None:
    """What becomes of a claimed write that somebody has to look at again; None where it is to be begun anew."""
    return _OVERDUE[remediation.step](snapshot, remediation, context)


def _watch(snapshot: Snapshot, remediation: RemediationState, context: RemediationContext) -> ExecutionOutcome:
    """Ask how far an operation has come; where nobody may ask, the resource tells."""
    try:
        progress = context.live_resources.api.operation(Started(remediation.operation))
    except (AccessDenied, Refused):
        return _written(snapshot, remediation, context)
    if isinstance(progress, Running):
        going = remediation_attempt.operating(remediation, remediation.operation, context.clock())
        record_outcome(snapshot.key, remediation, going, AuditNote("operating"), context)
        return "operating"
    if isinstance(progress, Failed):
        return _fail(snapshot.key, remediation, progress.reason, snapshot.rules.policy or Policy(), context)
    return _written(snapshot, remediation, context)


def _verify(snapshot: Snapshot, remediation: RemediationState, context: RemediationContext) -> ExecutionOutcome:
    """Read what was written and never proved by the inventory."""
    if (ended := _prove(snapshot, context)) is not None:
        return ended
    reason = remediation.reason or "it was written, and the resource is not so"
    return _fail(snapshot.key, remediation, reason, snapshot.rules.policy or Policy(), context)


def _lapse(snapshot: Snapshot, remediation: RemediationState, context: RemediationContext) -> ExecutionOutcome | None:
    """Read what was claimed by somebody who never told what came of it; None where it was not remediated."""
    del remediation
    return _prove(snapshot, context)


def _prove(snapshot: Snapshot, context: RemediationContext) -> ExecutionOutcome | None:
    """Read the resource after a write, and let the flow judge it; None where the drift is still the same."""
    if snapshot.desired is None:
        return None
    last = context.store.last_observation(snapshot.key)
    try:
        reading = context.live_resources.read(snapshot.desired.declarations[0], last, context.clock())
    except (AccessDenied, Refused):
        return None
    return judged(snapshot, reading, context) if reading is not None else None


def _fail(
    key: ResourceKey,
    remediation: RemediationState,
    reason: str,
    policy: Policy,
    context: RemediationContext,
    *,
    is_alarming: bool = True,
) -> ExecutionOutcome:
    """Note a failure, and when to try again, or that a person has to look; an alarming one may open the breaker."""
    now = context.clock()
    after = remediation_attempt.failed(remediation, reason, policy.limits, now)
    note = AuditNote("failed", "remediation.failed" if after.step == "stopped" else None)
    change = (lambda safety: braking.fail(safety, policy.limits, now)) if is_alarming else None
    record_outcome(key, remediation, after, note, context, change)
    return "failed"


def judged(snapshot: Snapshot, reading: LiveReading, context: RemediationContext) -> ExecutionOutcome | None:
    """What the flow makes of a reading; None where it shows the same drift."""
    known = snapshot.state.fingerprint if snapshot.state is not None else ""
    verdict = judging.judge(snapshot.desired, snapshot.rules, reading.observation, context.detection.schemas)
    if not isinstance(verdict, judging.Verdict) or verdict.fingerprint == known:
        return None
    pipeline.handle_observation(reading.observation, context.detection)
    return "resolved" if verdict.kind is None else "changed"


_OVERDUE: dict[
    remediation_attempt.RemediationStep,
    Callable[[Snapshot, RemediationState, RemediationContext], ExecutionOutcome | None],
] = {
    "acting": _lapse,
    "operating": _watch,
    "verifying": _verify,
}
