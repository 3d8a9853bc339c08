"""What is stored and said of each step of a remediation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.comparison import compare as comparing
from setpoint.detection import finding_events, pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.events import EventType
from setpoint.model.observation import Observation
from setpoint.model.remediation_attempt import UNDER_WAY, RemediationState
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.safety_limits import SafetyState
from setpoint.ports.stores import Snapshot, StoredSafetyState
from setpoint.remediation.decision import Decision, DecisionInput
from setpoint.remediation.live_resources import LiveResources
from setpoint.util.retries import retry_on_conflict


@dataclass(frozen=True, slots=True)
class RemediationContext:
    """What remediation works with.

    Args:
        deps: the findings, and where events go.
        live_resources: the APIs that hold the resources.
        worker: who is working, for the audit trail.
    """

    deps: Context
    live_resources: LiveResources
    worker: str = "setpoint"


class RemediationCase(NamedTuple):
    """A finding that is looked at.

    Args:
        snapshot: all that was stored of it.
        state: its record.
        decision_input: all that decides about it.
        safety_state: the brakes as they were stored; those of the situation may know of one wish more.
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


def is_said(before: RemediationState | None, after: RemediationState) -> bool:
    """Whether a step adds nothing to what was said before."""
    return before is not None and (before.fingerprint, before.step, before.reason, before.attempts) == (
        after.fingerprint,
        after.step,
        after.reason,
        after.attempts,
    )


def save_step(
    case: RemediationCase,
    remedy: RemediationState,
    telling: AuditNote,
    hands: RemediationContext,
    brakes: SafetyState | None = None,
) -> Snapshot:
    """Store a step with the brakes that it was decided under, and note it; its event waits to be published."""
    deps, state = hands.deps, case.state
    is_repeated = is_said(state.remediation, remedy)
    after = _with_event(state, remedy, None if is_repeated else telling.event, case.snapshot, deps.clock())
    brakes = brakes or case.decision_input.safety_state
    if brakes == case.safety_state.value:
        stored = deps.store.commit(case.snapshot, after)
    else:
        stored = deps.store.claim(case.snapshot, after, brakes, case.safety_state.version)
    if not is_repeated:
        _audit(stored.key, remedy, telling, hands)
    return stored


def record_outcome(
    key: ResourceKey,
    before: RemediationState,
    after: RemediationState,
    telling: AuditNote,
    hands: RemediationContext,
    brake: Callable[[SafetyState], SafetyState] | None = None,
) -> None:
    """Store what came of a claim, unless somebody else has taken it over or an observation has proved it, and tell."""
    stored = retry_on_conflict(
        lambda: _write_outcome(key, before, after, telling, hands, brake),
        what=key.name,
        then="the next tick tries again",
    )
    if stored is not None:
        _audit(key, after, telling, hands)
    pipeline.publish_pending(stored or hands.deps.store.read(key), hands.deps)


def _write_outcome(
    key: ResourceKey,
    before: RemediationState,
    after: RemediationState,
    telling: AuditNote,
    hands: RemediationContext,
    brake: Callable[[SafetyState], SafetyState] | None,
) -> Snapshot | None:
    """Store what came of a claim; None where the claim is no longer the worker's own."""
    store = hands.deps.store
    snapshot, safety_state = store.read(key), store.safety_state()
    state = snapshot.state
    if state is None or state.remediation is None or not _is_of(state.remediation, before):
        return None
    braked = brake(safety_state.value) if brake is not None else safety_state.value
    events = [(telling.event, after.reason)] if telling.event is not None and state.is_open else []
    if braked.breaker is not None and safety_state.value.breaker is None:
        events.append(("remediation.blocked", f"the breaker opens: {braked.breaker.reason}; {after.reason}"))
    changed = replace(state, remediation=after)
    for event, reason in events:
        changed = _with_event(changed, replace(after, reason=reason), event, snapshot, hands.deps.clock())
    changed = replace(changed, remediation=after)
    if braked == safety_state.value:
        return store.commit(snapshot, changed)
    return store.claim(snapshot, changed, braked, safety_state.version)


def _is_of(now: RemediationState, before: RemediationState) -> bool:
    """Whether a remedy is still that of a claim."""
    is_same = (now.attempts, now.claimed_at) == (before.attempts, before.claimed_at)
    return is_same and now.step in UNDER_WAY


def _with_event(
    state: ResourceState, remedy: RemediationState, event: EventType | None, snapshot: Snapshot, now: datetime
) -> ResourceState:
    """The record with a step more, and with the event that tells of it."""
    after = replace(state, remediation=remedy)
    if event is None or state.finding is None:
        return after
    declared = None
    if event == "remediation.requested" and snapshot.desired is not None:
        declared = comparing.masked_message([declaration.data for declaration in snapshot.desired.declarations], None)
    return finding_events.with_remediation_event(after, event, declared, now)


def _audit(key: ResourceKey, remedy: RemediationState, telling: AuditNote, hands: RemediationContext) -> None:
    entry = AuditEntry(
        recorded_at=hands.deps.clock(),
        what=telling.what,
        by=hands.worker,
        fingerprint=remedy.fingerprint,
        observed_at=telling.reading.observed_at if telling.reading is not None else None,
        reasons=telling.decision.reasons if telling.decision is not None else (),
        summary=remedy.summary,
        text=remedy.reason,
    )
    hands.deps.store.note(key, entry)
