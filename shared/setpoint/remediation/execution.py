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
    case: RemediationCase, remedy: RemediationState, plan: WritePlan, hands: RemediationContext
) -> ExecutionOutcome:
    """Send what was claimed, unless something has come in between; where no answer comes, the resource is read soon."""
    key, policy = case.snapshot.key, case.decision_input.policy
    snapshot = hands.deps.store.read(key)
    if why := _in_between(case, snapshot, remedy, hands):
        free = remediation_attempt.postpone(case.decision_input.remediation, hands.deps.clock(), why)
        record_outcome(key, remedy, free, AuditNote("let_go", "remediation.blocked"), hands)
        return "waiting"
    try:
        written = hands.live_resources.api.write(plan)
    except Conflict as error:
        return _fail(key, remedy, str(error), policy, hands, is_alarming=False)
    except (AccessDenied, Refused) as error:
        return _fail(key, remedy, str(error), policy, hands)
    except Unavailable as error:
        unsure = remediation_attempt.unanswered(remedy, str(error), hands.deps.clock())
        record_outcome(key, remedy, unsure, AuditNote("unanswered"), hands)
        return "verifying"
    if isinstance(written, Started):
        going = remediation_attempt.operating(remedy, written.url, hands.deps.clock())
        record_outcome(key, remedy, going, AuditNote("operating"), hands)
        return "operating"
    return _written(snapshot, remedy, hands)


def _in_between(case: RemediationCase, snapshot: Snapshot, remedy: RemediationState, hands: RemediationContext) -> str:
    """What speaks against a write after it was claimed, in words; empty where nothing does."""
    now, decided_on, state = hands.deps.clock(), case.decision_input, snapshot.state
    if not remediation_attempt.may_write(remedy, now):
        return "the claim is too old to write on"
    if state is None or state.remediation != remedy or not state.is_open or state.exemption != decided_on.exemption:
        return "somebody has said something else of it since"
    if declared_digest(snapshot) != decided_on.remediation.desired:
        return "something else is declared of it by now"
    return decision.held(decided_on._replace(safety_state=hands.deps.store.safety_state().value, now=now))


def _written(snapshot: Snapshot, remedy: RemediationState, hands: RemediationContext) -> ExecutionOutcome:
    """Note that all is written, and look."""
    record_outcome(
        snapshot.key, remedy, remediation_attempt.written(remedy, hands.deps.clock()), AuditNote("written"), hands
    )
    return _prove(snapshot, hands) or "verifying"


def resume(snapshot: Snapshot, remedy: RemediationState, hands: RemediationContext) -> ExecutionOutcome | None:
    """What becomes of a claimed write that somebody has to look at again; None where it is to be begun anew."""
    return _OVERDUE[remedy.step](snapshot, remedy, hands)


def _watch(snapshot: Snapshot, remedy: RemediationState, hands: RemediationContext) -> ExecutionOutcome:
    """Ask how far an operation has come; where nobody may ask, the resource tells."""
    try:
        progress = hands.live_resources.api.operation(Started(remedy.operation))
    except (AccessDenied, Refused):
        return _written(snapshot, remedy, hands)
    if isinstance(progress, Running):
        going = remediation_attempt.operating(remedy, remedy.operation, hands.deps.clock())
        record_outcome(snapshot.key, remedy, going, AuditNote("operating"), hands)
        return "operating"
    if isinstance(progress, Failed):
        return _fail(snapshot.key, remedy, progress.reason, snapshot.rules.policy or Policy(), hands)
    return _written(snapshot, remedy, hands)


def _verify(snapshot: Snapshot, remedy: RemediationState, hands: RemediationContext) -> ExecutionOutcome:
    """Read what was written and never proved by the inventory."""
    if (ended := _prove(snapshot, hands)) is not None:
        return ended
    reason = remedy.reason or "it was written, and the resource is not so"
    return _fail(snapshot.key, remedy, reason, snapshot.rules.policy or Policy(), hands)


def _lapse(snapshot: Snapshot, remedy: RemediationState, hands: RemediationContext) -> ExecutionOutcome | None:
    """Read what was claimed by somebody who never told what came of it; None where it was not put back."""
    del remedy
    return _prove(snapshot, hands)


def _prove(snapshot: Snapshot, hands: RemediationContext) -> ExecutionOutcome | None:
    """Read the resource after a write, and let the flow judge it; None where the drift is still the same."""
    if snapshot.desired is None:
        return None
    last = hands.deps.store.last_observation(snapshot.key)
    try:
        reading = hands.live_resources.read(snapshot.desired.declarations[0], last, hands.deps.clock())
    except (AccessDenied, Refused):
        return None
    return judged(snapshot, reading, hands) if reading is not None else None


def _fail(
    key: ResourceKey,
    remedy: RemediationState,
    reason: str,
    policy: Policy,
    hands: RemediationContext,
    *,
    is_alarming: bool = True,
) -> ExecutionOutcome:
    """Note a failure, and when to try again, or that a person has to look; an alarming one may open the breaker."""
    now = hands.deps.clock()
    after = remediation_attempt.failed(remedy, reason, policy.limits, now)
    telling = AuditNote("failed", "remediation.failed" if after.step == "stopped" else None)
    brake = (lambda brakes: braking.fail(brakes, policy.limits, now)) if is_alarming else None
    record_outcome(key, remedy, after, telling, hands, brake)
    return "failed"


def judged(snapshot: Snapshot, reading: LiveReading, hands: RemediationContext) -> ExecutionOutcome | None:
    """What the flow makes of a reading; None where it shows the same drift."""
    known = snapshot.state.fingerprint if snapshot.state is not None else ""
    verdict = judging.judge(snapshot.desired, snapshot.rules, reading.observation, hands.deps.schemas)
    if not isinstance(verdict, judging.Verdict) or verdict.fingerprint == known:
        return None
    pipeline.handle_observation(reading.observation, hands.deps)
    return "resolved" if verdict.kind is None else "changed"


_OVERDUE: dict[
    remediation_attempt.RemediationStep,
    Callable[[Snapshot, RemediationState, RemediationContext], ExecutionOutcome | None],
] = {
    "acting": _lapse,
    "operating": _watch,
    "verifying": _verify,
}
