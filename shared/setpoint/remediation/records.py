"""What is stored and said of each step of a remediation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace

from setpoint.comparison import masking
from setpoint.detection import finding_events, outbox
from setpoint.detection.pipeline import Context
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.declaration import Declaration
from setpoint.model.events import EventType
from setpoint.model.observation import Observation
from setpoint.model.remediation_attempt import UNDER_WAY, RemediationState
from setpoint.model.resource_key import WHOLE, ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.safety_limits import SafetyState
from setpoint.ports.services import ProjectPlaces
from setpoint.ports.stores import Snapshot, Store, StoredSafetyState
from setpoint.remediation.decision import Decision, DecisionInput
from setpoint.remediation.live_resources import LiveResources
from setpoint.util.retries import retry_on_conflict

ExecutionOutcome = Literal[
    "nothing",  # no drift that anything is to be done about
    "left",  # its mode says to leave it alone
    "stopped",  # a brake holds it
    "waiting",  # later
    "unread",  # nothing tells how the resource is: later
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


@dataclass(frozen=True, slots=True)
class RemediationContext:
    """What remediation works with.

    Args:
        detection: the findings, and where events go.
        live_resources: the APIs that hold the resources.
        worker: who is working, for the audit trail.
        places: is asked right before a write where a project is; None where the last observation has to do.
    """

    detection: Context
    live_resources: LiveResources
    worker: str = "setpoint"
    places: ProjectPlaces | None = None

    @property
    def store(self) -> Store:
        """Where findings and safety limits are kept."""
        return self.detection.store

    @property
    def clock(self) -> Callable[[], datetime]:
        """Tells the time."""
        return self.detection.clock


class RemediationCase(NamedTuple):
    """A finding that is looked at.

    Args:
        snapshot: all that was stored of it.
        state: its record.
        decision_input: all that decides about it.
        safety_state: the guardrails as they were stored; those of the situation may know of one wish more.
        last: the last observation, where it was kept.
    """

    snapshot: Snapshot
    state: ResourceState
    decision_input: DecisionInput
    safety_state: StoredSafetyState
    last: Observation | None


class AuditNote(NamedTuple):
    """What is said of a step: to the audit trail, and as an event where it is one.

    Args:
        what: the word for it in the trail.
        event: the event, or None.
        decision: what was decided, and why.
        reading: what it was decided on.
    """

    what: str
    event: EventType | None = None
    decision: Decision | None = None
    reading: Observation | None = None


def is_recorded(before: RemediationState | None, after: RemediationState) -> bool:
    """Whether a step adds nothing to what was said before."""
    return before is not None and _recorded_step(before) == _recorded_step(after)


def _recorded_step(remediation: RemediationState) -> tuple[str, str, str, int, str]:
    return (
        remediation.fingerprint,
        remediation.step,
        remediation.reason,
        remediation.attempts,
        remediation.outcome,
    )


def save_step(
    case: RemediationCase,
    remediation: RemediationState,
    note: AuditNote,
    context: RemediationContext,
    safety: SafetyState | None = None,
) -> Snapshot:
    """Store a step with the guardrails that it was decided under, and note it; its event waits to be published."""
    detection, state = context.detection, case.state
    is_repeated = is_recorded(state.remediation, remediation)
    safety = safety or case.decision_input.safety_state
    events = [] if is_repeated else _events(note, remediation, case.safety_state.value, safety)
    after = _with_events(state, remediation, events, case.snapshot, detection)
    if safety == case.safety_state.value:
        stored = detection.store.commit(case.snapshot, after)
    else:
        stored = detection.store.claim(case.snapshot, after, safety, case.safety_state.version)
    if not is_repeated:
        _audit(stored.key, remediation, note, context)
    return stored


def record_outcome(
    key: ResourceKey,
    before: RemediationState,
    after: RemediationState,
    note: AuditNote,
    context: RemediationContext,
    change_safety: Callable[[SafetyState], SafetyState] | None = None,
) -> None:
    """Store what came of a claim, unless somebody else has taken it over or an observation has proved it, and tell."""
    stored = retry_on_conflict(
        lambda: _write_outcome(key, before, after, note, context, change_safety),
        what=key.name,
        then="the next tick tries again",
    )
    if stored is not None:
        _audit(key, after, note, context)
    outbox.publish_pending(stored or context.store.read(key), context.detection)


def _write_outcome(
    key: ResourceKey,
    before: RemediationState,
    after: RemediationState,
    note: AuditNote,
    context: RemediationContext,
    change_safety: Callable[[SafetyState], SafetyState] | None,
) -> Snapshot | None:
    """Store what came of a claim; None where the claim is no longer the worker's own."""
    store = context.store
    snapshot, safety_state = store.read(key), store.safety_state()
    state = snapshot.state
    if state is None or state.remediation is None or not _is_of(state.remediation, before):
        return None
    braked = change_safety(safety_state.value) if change_safety is not None else safety_state.value
    events = _events(note, after, safety_state.value, braked) if state.is_open else []
    changed = _with_events(state, after, events, snapshot, context.detection)
    if braked == safety_state.value:
        return store.commit(snapshot, changed)
    return store.claim(snapshot, changed, braked, safety_state.version)


def _is_of(now: RemediationState, before: RemediationState) -> bool:
    """Whether a remediation is still that of a claim."""
    is_same = (now.attempts, now.claimed_at) == (before.attempts, before.claimed_at)
    return is_same and now.step in UNDER_WAY


def end_attempt(snapshot: Snapshot, ended: RemediationState, note: AuditNote, context: RemediationContext) -> Snapshot:
    """Store the end of an attempt as nobody has ended it; the snapshot as it is stored then.

    Raises:
        Conflict: somebody else has written the record.
    """
    assert snapshot.state is not None  # noqa: S101 - there is an attempt
    events = [] if note.event is None else [(note.event, ended.reason)]
    after = _with_events(snapshot.state, ended, events, snapshot, context.detection)
    stored = context.store.commit(snapshot, after)
    _audit(stored.key, ended, note, context)
    return stored


def _events(
    note: AuditNote, remediation: RemediationState, before: SafetyState, after: SafetyState
) -> list[tuple[EventType, str]]:
    """The events that tell of a step, each with its reason."""
    events = [] if note.event is None else [(note.event, remediation.reason)]
    if after.denied != before.denied and note.event != "remediation.failed":  # one event tells all of one permission
        events.append(("remediation.failed", remediation.reason))
    if note.what != "stop" and after.breaker is not None and before.breaker is None:
        events.append(("remediation.blocked", f"the breaker opens: {after.breaker.reason}; {remediation.reason}"))
    return events


def _with_events(
    state: ResourceState,
    remediation: RemediationState,
    events: list[tuple[EventType, str]],
    snapshot: Snapshot,
    detection: Context,
) -> ResourceState:
    """The record with a step more, and with the events that tell of it."""
    after = replace(state, remediation=remediation)
    if state.finding is None:
        return after
    for event, reason in events:
        declared = None
        if event == "remediation.requested" and snapshot.desired is not None:
            declared = [_shown(declaration, detection) for declaration in snapshot.desired.declarations]
        telling = replace(after, remediation=replace(remediation, reason=reason))
        after = replace(
            finding_events.with_remediation_event(telling, event, declared, detection.clock()), remediation=remediation
        )
    return after


def _shown(declaration: Declaration, detection: Context) -> Any:
    """What is declared of a resource, as it may be shown."""
    schemas, is_resource = detection.schemas, declaration.key.content in WHOLE
    schema = schemas.schema_for(declaration.asset_type) if schemas is not None and is_resource else None
    return masking.masked_message(declaration.data, schema, masking.Masking(detection.secrecy))


def _audit(key: ResourceKey, remediation: RemediationState, note: AuditNote, context: RemediationContext) -> None:
    entry = AuditEntry(
        recorded_at=context.clock(),
        what=note.what,
        by=context.worker,
        fingerprint=remediation.fingerprint,
        observed_at=note.reading.observed_at if note.reading is not None else None,
        reasons=note.decision.reasons if note.decision is not None else (),
        summary=remediation.summary,
        text=remediation.reason,
        outcome=remediation.outcome,
        proof=remediation.proof,
    )
    context.store.note(key, entry)
