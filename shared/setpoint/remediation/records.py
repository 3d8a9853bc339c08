"""What is stored and said of each step of a remediation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.comparison import masking
from setpoint.detection import finding_events, pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.events import EventType
from setpoint.model.observation import Observation
from setpoint.model.remediation_attempt import UNDER_WAY, RemediationState
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.safety_limits import SafetyState
from setpoint.ports.stores import Snapshot, Store, StoredSafetyState
from setpoint.remediation.decision import Decision, DecisionInput
from setpoint.remediation.live_resources import LiveResources
from setpoint.util.retries import retry_on_conflict


@dataclass(frozen=True, slots=True)
class RemediationContext:
    """What remediation works with.

    Args:
        detection: the findings, and where events go.
        live_resources: the APIs that hold the resources.
        worker: who is working, for the audit trail.
    """

    detection: Context
    live_resources: LiveResources
    worker: str = "setpoint"

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
    return before is not None and (before.fingerprint, before.step, before.reason, before.attempts) == (
        after.fingerprint,
        after.step,
        after.reason,
        after.attempts,
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
    after = _with_event(state, remediation, None if is_repeated else note.event, case.snapshot, detection.clock())
    safety = safety or case.decision_input.safety_state
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
    pipeline.publish_pending(stored or context.store.read(key), context.detection)


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
    events = [(note.event, after.reason)] if note.event is not None and state.is_open else []
    if braked.breaker is not None and safety_state.value.breaker is None:
        events.append(("remediation.blocked", f"the breaker opens: {braked.breaker.reason}; {after.reason}"))
    changed = replace(state, remediation=after)
    for event, reason in events:
        changed = _with_event(changed, replace(after, reason=reason), event, snapshot, context.clock())
    changed = replace(changed, remediation=after)
    if braked == safety_state.value:
        return store.commit(snapshot, changed)
    return store.claim(snapshot, changed, braked, safety_state.version)


def _is_of(now: RemediationState, before: RemediationState) -> bool:
    """Whether a remediation is still that of a claim."""
    is_same = (now.attempts, now.claimed_at) == (before.attempts, before.claimed_at)
    return is_same and now.step in UNDER_WAY


def _with_event(
    state: ResourceState, remediation: RemediationState, event: EventType | None, snapshot: Snapshot, now: datetime
) -> ResourceState:
    """The record with a step more, and with the event that tells of it."""
    after = replace(state, remediation=remediation)
    if event is None or state.finding is None:
        return after
    declared = None
    if event == "remediation.requested" and snapshot.desired is not None:
        declared = masking.masked_message([declaration.data for declaration in snapshot.desired.declarations], None)
    return finding_events.with_remediation_event(after, event, declared, now)


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
    )
    context.store.note(key, entry)
