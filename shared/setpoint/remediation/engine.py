"""The life of a remediation: from a drift event to the observation that verifies the result.

Each decision is stored in the finding's record, together with the safety state, before it is carried out. Of two
workers only one has the claim, and after a crash the record shows how far the attempt got. A write never relies on old
state: the resource is read and evaluated again right before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from msgspec.structs import replace

from setpoint.declarations import proposal_lines
from setpoint.detection import pipeline, placement
from setpoint.errors import (
    AccessDenied,
    Conflict,
    CorruptState,
    MalformedMessage,
    Refused,
    SetpointError,
    Unavailable,
)
from setpoint.model import events, remediation_attempt
from setpoint.model import safety_limits as braking
from setpoint.model.audit_trail import Action, Reason
from setpoint.model.events import EventType
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import Secrecy
from setpoint.model.write_plan import NotWritable, WritePlan
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.ports.stores import Problems, Snapshot, StateStore
from setpoint.remediation import attempt_endings as endings
from setpoint.remediation import decision as deciding
from setpoint.remediation import execution, finding_plan, required_approval
from setpoint.remediation.case import (
    declared_digest,
    is_due,
    is_in_another_place,
    is_other_resource,
    is_under_another_rule,
    is_unproved_resource,
    load_case,
    primary_declaration,
    read,
    read_live,
)
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.decision import Decision
from setpoint.remediation.live_resources import LiveReading, LiveResources, describe_refusal
from setpoint.remediation.records import (
    AttemptRecords,
    AuditNote,
    ExecutionOutcome,
    RemediationCase,
    is_recorded,
)
from setpoint.remediation.verification import evaluated
from setpoint.util import telemetry
from setpoint.util.retries import retry_on_conflict

BEGINNINGS = frozenset(("drift.opened", "drift.changed"))
"""The events that start a remediation; others are ignored."""
TICK = "tick"
"""The ``type`` of the message that the scheduler sends every minute, in place of an event type."""


MADE_AGAIN = "it was recreated under the same name after the observation; the inventory must show it first"
"""Why nothing is written to a resource that was recreated since its evaluation."""

UNPROVED = "its API returns none of the ids and times that identify it, so that it may be another resource"
"""Why nothing is written to a resource whose identity is not proved."""


Passed = Literal[
    "gone on",  # a tick: all due remediations were resumed
    "ignored",  # an event that starts no remediation
    "rejected",  # no event: dead-lettered
]


class TickResult(NamedTuple):
    """The result of a tick or message.

    Args:
        outcomes: the number of remediations for each outcome.
        problems: the errors of remediations that could not be resumed; the next tick retries them.
        passed: why the message concerns no single drift; empty if it does.
    """

    outcomes: Counter[ExecutionOutcome]
    problems: tuple[str, ...] = ()
    passed: Passed | None = None

    @property
    def outcome(self) -> str:
        """The outcome of the message, in a word."""
        return self.passed or next(iter(self.outcomes), "nothing")


def receive(message: bytes, attributes: Mapping[str, str], context: RemediationContext) -> TickResult:
    """Handle a message: a tick resumes due remediations; anything but a tick or drift event is dead-lettered.

    Raises:
        PermanentError: the installation is at fault, not the message; fix it and redeliver.
        TransientError: the message failed for now; redeliver it.
    """
    if attributes.get("type") == TICK:
        telemetry.note(breaker_open=context.store.safety_state().value.breaker is not None)
        return resume_due(context)
    try:
        event = events.read(message)
    except MalformedMessage as error:
        context.dead_letters.put(message, attributes, str(error))
        return TickResult(Counter(), passed="rejected")
    if event.type not in BEGINNINGS:
        return TickResult(Counter(), passed="ignored")
    telemetry.note(resource_name=event.data.resource_name, asset_type=event.data.asset_type, content=event.data.content)
    key = ResourceKey(event.data.resource_name, event.data.content)
    return TickResult(Counter((remediate(key, context),)))


def resume_due(context: RemediationContext) -> TickResult:
    """Resume every due remediation; an error with one does not stop the others.

    Raises:
        Unavailable: the store cannot list what is due; try again.
    """
    outcomes: Counter[ExecutionOutcome] = Counter()
    unread: Problems = []
    now = context.clock()
    keys = list(context.store.remediations_due(now, unread))
    problems: list[str] = []
    for key in keys:
        try:
            if not is_due(context.store.read(key).state, now):
                continue
            outcome = remediate(key, context)
            outcomes[outcome] += 1
            if outcome == "unread":
                problems += _reason(context.store.read(key))
        except CorruptState as error:
            unread.append(error)
        except SetpointError as error:
            problems.append(str(error))
        except Exception as error:  # noqa: BLE001 - an error with one resource does not stop the others
            telemetry.log_event("remediation", outcome="problem", resource_name=key.name, content=key.content)
            problems.append(f"{key.name}: {error!r}; it is tried again with the next tick, report it if it stays")
    problems += map(str, unread)
    RecordProblemLog(context.store.notices).note(unread, now)
    return TickResult(outcomes, tuple(problems), "gone on")


def _reason(snapshot: Snapshot) -> list[str]:
    remediation = snapshot.state.remediation if snapshot.state is not None else None
    return [remediation.reason] if remediation is not None else []


def remediate(key: ResourceKey, context: RemediationContext) -> ExecutionOutcome:
    """Take the next step for the drift of a resource, by the finding's current state rather than the event's.

    Raises:
        TransientError: the step failed for now; try again.
    """
    outcome = retry_on_conflict(lambda: _step(key, context), what=key.name, then="the next tick tries again")
    telemetry.log_event("remediation", outcome=outcome, resource_name=key.name, content=key.content)
    return outcome


def preview(
    key: ResourceKey, context: RemediationContext, approved_by: str = ""
) -> tuple[Decision, WritePlan | NotWritable | None] | None:
    """Show what would be decided and written now, without a write; None without an open finding.

    Args:
        key: the resource and content.
        context: the ports of remediation.
        approved_by: an approver to assume, or empty.
    """
    case = load_case(read(key, context.store), context.store, context.projects, context.clock())
    if case is None:
        return None
    remediation = case.decision_input.remediation
    if approved_by and remediation.step not in remediation_attempt.UNDER_WAY:
        approved = remediation_attempt.approved(remediation, approved_by, case.decision_input.now)
        case = case._replace(decision_input=case.decision_input._replace(remediation=approved))
    reading = read_live(case, context.live_resources, context.clock(), None)
    plan = (
        None
        if reading is None or case.snapshot.desired is None
        else finding_plan.plan(case, case.snapshot.desired, reading, context.live_resources, context.secrecy)
    )
    return deciding.decide(case.decision_input), plan


def _step(key: ResourceKey, context: RemediationContext) -> ExecutionOutcome:
    snapshot = read(key, context.store)
    outcome = _resume_claimed(snapshot, context) or _begin(_end_unproved(snapshot, context.records), context)
    context.records.publish_pending(key)
    return outcome


def _resume_claimed(snapshot: Snapshot, context: RemediationContext) -> ExecutionOutcome | None:
    """Continue a claimed attempt; None if there is none, or a new attempt should start."""
    state, now = snapshot.state, context.clock()
    if state is None or state.remediation is None or state.remediation.step not in remediation_attempt.UNDER_WAY:
        return None
    remediation = state.remediation
    if is_due(state, now):
        return execution.resume(snapshot, remediation, context)
    is_same = (remediation.fingerprint, remediation.desired) == (state.fingerprint, declared_digest(snapshot))
    return "waiting" if is_same or remediation_attempt.is_held(remediation, now) else None


def _end_unproved(snapshot: Snapshot, records: AttemptRecords) -> Snapshot:
    """End an attempt without proof before another begins: its drift is still present, or has changed."""
    state = snapshot.state
    if state is None or state.remediation is None or not state.is_open:
        return snapshot
    remediation = state.remediation
    if remediation.step not in remediation_attempt.UNDER_WAY or remediation.outcome:
        return snapshot
    if remediation.fingerprint == state.fingerprint:
        reason = f"{remediation.failure or 'its outcome is not known'}; the drift is still there"
        ended = replace(remediation, outcome="unknown", reason=reason)
    else:
        reason = "other fields drift than those that were written"
        cleared = remediation_attempt.newly_drifting(remediation, state.finding.differences if state.finding else ())
        ended = replace(remediation, outcome="changed", reason=reason, cleared=cleared or remediation.cleared)
    ended = replace(ended, proof=f"the resource was observed at {state.observed_at:%Y-%m-%d %H:%M:%S} UTC")
    return records.end_attempt(snapshot, ended, AuditNote(ended.outcome, "remediation.failed"))


def _begin(snapshot: Snapshot, context: RemediationContext) -> ExecutionOutcome:
    case = load_case(snapshot, context.store, context.projects, context.clock())
    if case is None:
        return _clear_due(snapshot, "nothing", context.store, context.clock())
    decision = deciding.decide(case.decision_input)
    if decision.action == "leave":
        return _clear_due(case.snapshot, "left", context.store, context.clock())
    return _FOLLOW[decision.action](case, decision, context)


def _clear_due(snapshot: Snapshot, outcome: ExecutionOutcome, store: StateStore, now: datetime) -> ExecutionOutcome:
    """Clear the due time of a finding that needs no further step."""
    state = snapshot.state
    if state is not None and state.remediation is not None and is_due(state, now):
        reason = "there is nothing to remediate now"
        store.commit(snapshot, replace(state, remediation=remediation_attempt.close(state.remediation, reason)))
    return outcome


def _stop(case: RemediationCase, decision: Decision, records: AttemptRecords) -> ExecutionOutcome:
    """Stop a remediation and record the reason; for an open breaker, only the drift that opened it alerts."""
    remediation = remediation_attempt.stopped(
        case.decision_input.remediation, decision.because, case.decision_input.now
    )
    before, after = case.safety_state.value, case.decision_input.safety_state
    is_second = any(held.by == braking.SECOND_BREAKER for held in before.pauses) and before.pauses == after.pauses
    is_told = before.breaker is None and not is_second
    records.save_step(case, remediation, AuditNote("stop", "remediation.blocked" if is_told else None, decision))
    return "stopped"


def _wait(case: RemediationCase, decision: Decision, records: AttemptRecords) -> ExecutionOutcome:
    until = decision.until or case.decision_input.now
    after = remediation_attempt.postpone(case.decision_input.remediation, until, decision.because)
    records.save_step(case, after, AuditNote("wait", None, decision))
    return "waiting"


class _Proposal(NamedTuple):
    """A step that reports the planned write, and sends nothing.

    Args:
        step: the attempt after it, from the summary of the write, the reason and the time.
        event: its event.
        outcome: its outcome.
    """

    step: Callable[[RemediationState, tuple[str, ...], str, datetime], RemediationState]
    event: EventType
    outcome: ExecutionOutcome


def _dry_run(remediation: RemediationState, summary: tuple[str, ...], reason: str, now: datetime) -> RemediationState:
    return replace(remediation_attempt.stopped(remediation, reason, now), summary=summary)


_PROPOSALS: dict[Action, _Proposal] = {
    "ask": _Proposal(remediation_attempt.request_approval, "remediation.requested", "asked"),
    "hand_off": _Proposal(remediation_attempt.delegated, "remediation.requested", "handed_off"),
    "rehearse": _Proposal(_dry_run, "remediation.blocked", "rehearsed"),
}


def _propose(case: RemediationCase, decision: Decision, context: RemediationContext) -> ExecutionOutcome:
    """Read the resource again and report the planned write, without sending it."""
    step, event, outcome = _PROPOSALS[decision.action]
    note = AuditNote(decision.action, event, decision)
    remediation, now = case.decision_input.remediation, case.decision_input.now
    again = step(remediation, remediation.summary, decision.because, now)
    if is_recorded(case.state.remediation, again):
        if is_due(case.state, now):
            context.records.save_step(case, again, note)
        return outcome
    try:
        reading = read_live(case, context.live_resources, context.clock(), context.places)
    except (AccessDenied, Refused) as error:
        unreadable = step(remediation, (f"it cannot be read: {error}",), decision.because, now)
        context.records.save_step(case, unreadable, note)
        return outcome
    except Unavailable as error:
        return _unread(case, decision, error, context.records)
    if (
        reading is not None
        and (ended := evaluated(case.snapshot, reading, context.detection, context.records)) is not None
    ):
        return ended
    summary = _summary(case, reading, context.live_resources, context.secrecy)
    seen = reading.observation if reading is not None else None
    context.records.save_step(case, step(remediation, summary, decision.because, now), note._replace(reading=seen))
    return outcome


def _act(case: RemediationCase, decision: Decision, context: RemediationContext) -> ExecutionOutcome:
    """Remediate: read, evaluate, plan, claim, write."""
    try:
        reading = read_live(case, context.live_resources, context.clock(), context.places)
    except (AccessDenied, Refused, Unavailable) as error:
        return _unread(case, decision, error, context.records)
    if reading is None or case.snapshot.desired is None:
        return _propose(case, _instead(decision, "hand_off", "no method of its API reads it"), context)
    if (ended := _before_planning(case, decision, reading, context)) is not None:
        return ended
    has_cleared = bool(case.decision_input.remediation.cleared)
    plan = finding_plan.plan(
        case,
        case.snapshot.desired,
        reading,
        context.live_resources,
        context.secrecy,
        is_whole_declaration=has_cleared,
    )
    if isinstance(plan, NotWritable):
        why = "; ".join(describe_refusal(plan)) or "none of its fields can be written"
        return _propose(case, _instead(decision, "hand_off", why), context)
    decided_on = case.decision_input
    asking = filter(None, (*plan.side_effects, _unattended(case, plan, reading)))
    if (why := "; ".join(asking)) and not decided_on.remediation.approved_by:
        return _propose(case, _instead(decision, "ask", why), context)
    remediation = remediation_attempt.claimed(
        decided_on.remediation, context.worker, plan.summary, plan.paths, decided_on.now
    )
    safety = braking.record_write(
        decided_on.safety_state, decided_on.limit_scope, decided_on.policy.limits, decided_on.now
    )
    note = AuditNote("act", "remediation.started", decision, reading.observation)
    context.records.save_step(case, remediation, note, safety)
    return execution.write(case, remediation, plan, context)


def _before_planning(
    case: RemediationCase, decision: Decision, reading: LiveReading, context: RemediationContext
) -> ExecutionOutcome | None:
    """The outcome if the resource was replaced or changed since its evaluation; None if it was not.

    Raises:
        Conflict: the read state falls under another rule or in another place; decide again.
    """
    is_unproved = is_unproved_resource(case, reading)
    if (elsewhere := placement.elsewhere(reading.observation)) or is_unproved or is_other_resource(case, reading):
        why = elsewhere or (UNPROVED if is_unproved else MADE_AGAIN)
        return _stop(case, _instead(decision, "stop", why), context.records)
    if (ended := evaluated(case.snapshot, reading, context.detection, context.records)) is not None:
        return ended
    if is_under_another_rule(case, reading) or is_in_another_place(case, reading):
        pipeline.handle_observation(reading.observation, context.detection)
        raise Conflict(f"{case.snapshot.key.name}: another rule is for what it is now; it is decided about again")
    return None


def _unattended(case: RemediationCase, plan: WritePlan, reading: LiveReading) -> str:
    """Why a write needs a person, whatever the policy says; empty if it needs none."""
    limits = case.decision_input.policy.limits
    declarations = case.snapshot.desired.declarations if case.snapshot.desired is not None else ()
    reasons = (
        required_approval.needs_person(required_approval.PlannedWrite(declaration, plan, reading.observation, limits))
        for declaration in declarations
    )
    return next(filter(None, reasons), "")


def _unread(
    case: RemediationCase, decision: Decision, error: AccessDenied | Refused | Unavailable, records: AttemptRecords
) -> ExecutionOutcome:
    """Delegate if reading is denied; otherwise retry the read later, and alert if it keeps failing."""
    decided_on = case.decision_input
    if isinstance(error, Unavailable):
        after = endings.unread_state(decided_on.remediation, error, decided_on.policy, records.clock)
        is_news = after.outcome == "unknown" != decided_on.remediation.outcome
        records.save_step(case, after, AuditNote("unread", "remediation.failed" if is_news else None, decision))
        return "unread"
    outcome: Literal["denied", "refused"] = "denied" if isinstance(error, AccessDenied) else "refused"
    reason = f"{outcome}: it cannot be read: {error}"
    after = remediation_attempt.refused_by_api(decided_on.remediation, outcome, reason, decided_on.now)
    safety = endings.denial(error, records.clock)(decided_on.safety_state)
    records.save_step(case, after, AuditNote(outcome, "remediation.requested", decision), safety)
    return "handed_off"


def _summary(
    case: RemediationCase, reading: LiveReading | None, live_resources: LiveResources, secrecy: Secrecy
) -> tuple[str, ...]:
    if reading is None or case.snapshot.desired is None:
        return ()
    if case.decision_input.remediation.executor == "propose":
        finding = case.decision_input.finding
        declaration = primary_declaration(case.snapshot, finding) or case.snapshot.desired.declarations[0]
        return proposal_lines.lines(declaration, finding.differences)
    plan = finding_plan.plan(case, case.snapshot.desired, reading, live_resources, secrecy)
    return plan.summary if isinstance(plan, WritePlan) else describe_refusal(plan)


def _instead(decision: Decision, action: Action, reason: str) -> Decision:
    return Decision(action, (*decision.reasons, Reason(reason, action)))


_FOLLOW: dict[Action, Callable[[RemediationCase, Decision, RemediationContext], ExecutionOutcome]] = {
    "stop": lambda case, decision, context: _stop(case, decision, context.records),
    "wait": lambda case, decision, context: _wait(case, decision, context.records),
    "ask": _propose,
    "rehearse": _propose,
    "hand_off": _propose,
    "act": _act,
}
