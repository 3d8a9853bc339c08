"""Store and report each step of a remediation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace

from setpoint.comparison import masking
from setpoint.comparison.sealed import SealedMasking, with_nonces
from setpoint.detection import finding_events
from setpoint.detection.observed_schema import Schemas
from setpoint.detection.outbox import Outbox
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.declaration import Declaration
from setpoint.model.events import EventType
from setpoint.model.observation import Observation
from setpoint.model.remediation_attempt import UNDER_WAY, RemediationState
from setpoint.model.resource_key import WHOLE, ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.safety_limits import SafetyState
from setpoint.model.secrecy import Secrecy
from setpoint.ports.stores import Snapshot, Store, StoredSafetyState
from setpoint.remediation import earlier_reasons
from setpoint.remediation.decision import Decision, DecisionInput
from setpoint.util.retries import retry_on_conflict

ExecutionOutcome = Literal[
    "nothing",  # no drift that needs a step
    "left",  # the mode excludes remediation
    "stopped",  # a guardrail stops it
    "waiting",  # later
    "unread",  # the resource cannot be read now: later
    "asked",  # approval was requested
    "rehearsed",  # dry run: the planned write was reported
    "handed_off",  # delegated
    "resolved",  # no difference was left
    "changed",  # the drift has changed
    "verifying",  # written; the observation that verifies it is to come
    "operating",  # a long-running operation is in progress
    "failed",  # it is retried, or a person has to act
]
"""The outcome of a step."""


class RemediationCase(NamedTuple):
    """A finding with the input of its decision.

    Args:
        snapshot: its stored records.
        state: its record.
        decision_input: the input of the decision.
        safety_state: the guardrails as stored; those of ``decision_input`` may count one request more.
        last: the last observation; None if none is stored.
    """

    snapshot: Snapshot
    state: ResourceState
    decision_input: DecisionInput
    safety_state: StoredSafetyState
    last: Observation | None


class AuditNote(NamedTuple):
    """The description of a step, for the audit trail and for its event.

    Args:
        what: the action as the audit trail names it.
        event: the event type, or None.
        decision: the decision, with its reasons.
        reading: the read that the decision was based on, or None.
    """

    what: str
    event: EventType | None = None
    decision: Decision | None = None
    reading: Observation | None = None


def is_recorded(before: RemediationState | None, after: RemediationState) -> bool:
    """Whether a step repeats what is recorded."""
    return before is not None and _recorded_step(before) == _recorded_step(after)


def _recorded_step(remediation: RemediationState) -> tuple[str, str, str, int, str]:
    return (
        remediation.fingerprint,
        remediation.step,
        earlier_reasons.current(remediation.reason),
        remediation.attempts,
        remediation.outcome,
    )


@dataclass(frozen=True, slots=True)
class AttemptRecords:
    """Records the steps of attempts: in the record of the finding, its events and the audit trail.

    Args:
        store: the findings and safety limits.
        outbox: publishes the events of a step.
        schemas: the schemas of asset types; None if there are none.
        secrecy: hides secrets of what is declared.
        clock: gives the current time.
        worker: the name of this worker, for the audit trail.
    """

    store: Store
    outbox: Outbox
    schemas: Schemas | None
    secrecy: Secrecy
    clock: Callable[[], datetime]
    worker: str

    def save_step(
        self, case: RemediationCase, remediation: RemediationState, note: AuditNote, safety: SafetyState | None = None
    ) -> Snapshot:
        """Store a step with its guardrails, and add it to the audit trail; its event becomes pending."""
        state = case.state
        is_repeated = is_recorded(state.remediation, remediation)
        safety = safety or case.decision_input.safety_state
        events = [] if is_repeated else _events(note, remediation, case.safety_state.value, safety)
        after = self._with_events(state, remediation, events, case.snapshot)
        if safety == case.safety_state.value:
            stored = self.store.commit(case.snapshot, after)
        else:
            stored = self.store.claim(case.snapshot, after, safety, case.safety_state.version)
        if not is_repeated:
            self._audit(stored.key, remediation, note)
        return stored

    def record_outcome(
        self,
        key: ResourceKey,
        before: RemediationState,
        after: RemediationState,
        note: AuditNote,
        change_safety: Callable[[SafetyState], SafetyState] | None = None,
    ) -> None:
        """Record the outcome of a claim, unless another worker took it over or an observation proved it; publish it."""
        stored = retry_on_conflict(
            lambda: self._write_outcome(key, before, after, note, change_safety),
            what=key.name,
            then="the next tick tries again",
        )
        if stored is not None:
            self._audit(key, after, note)
        self.outbox.publish_pending(stored or self.store.read(key))

    def _write_outcome(
        self,
        key: ResourceKey,
        before: RemediationState,
        after: RemediationState,
        note: AuditNote,
        change_safety: Callable[[SafetyState], SafetyState] | None,
    ) -> Snapshot | None:
        """Store the outcome of a claim; None if the worker no longer has the claim."""
        snapshot, safety_state = self.store.read(key), self.store.safety_state()
        state = snapshot.state
        if state is None or state.remediation is None or not _is_of(state.remediation, before):
            return None
        safety = change_safety(safety_state.value) if change_safety is not None else safety_state.value
        events = _events(note, after, safety_state.value, safety) if state.is_open else []
        changed = self._with_events(state, after, events, snapshot)
        if safety == safety_state.value:
            return self.store.commit(snapshot, changed)
        return self.store.claim(snapshot, changed, safety, safety_state.version)

    def publish_pending(self, key: ResourceKey) -> None:
        """Publish the events of the steps of a resource."""
        self.outbox.publish_pending(self.store.read(key))

    def end_attempt(self, snapshot: Snapshot, ended: RemediationState, note: AuditNote) -> Snapshot:
        """Record the end of an attempt; return the stored snapshot.

        Raises:
            Conflict: another process wrote the record; retry from the read.
        """
        assert snapshot.state is not None  # noqa: S101 - callers pass records with an attempt
        events = [] if note.event is None else [(note.event, ended.reason)]
        stored = self.store.commit(snapshot, self._with_events(snapshot.state, ended, events, snapshot))
        self._audit(stored.key, ended, note)
        return stored

    def _with_events(
        self,
        state: ResourceState,
        remediation: RemediationState,
        events: list[tuple[EventType, str]],
        snapshot: Snapshot,
    ) -> ResourceState:
        """The record with another step and its pending events."""
        now = self.clock()
        after = replace(state, remediation=remediation)
        if state.finding is None:
            return after
        for event, reason in events:
            declared = None
            if event == "remediation.requested" and snapshot.desired is not None:
                declared = [_shown(part, self.schemas, self.secrecy) for part in snapshot.desired.declarations]
            telling = replace(after, remediation=replace(remediation, reason=reason))
            after = replace(
                finding_events.with_remediation_event(telling, event, declared, now), remediation=remediation
            )
        return after

    def _audit(self, key: ResourceKey, remediation: RemediationState, note: AuditNote) -> None:
        entry = AuditEntry(
            recorded_at=self.clock(),
            what=note.what,
            by=self.worker,
            fingerprint=remediation.fingerprint,
            observed_at=note.reading.observed_at if note.reading is not None else None,
            reasons=note.decision.reasons if note.decision is not None else (),
            summary=remediation.summary,
            text=remediation.reason,
            outcome=remediation.outcome,
            proof=remediation.proof,
        )
        self.store.note(key, entry)


def _is_of(now: RemediationState, before: RemediationState) -> bool:
    """Whether a remediation still has the same claim."""
    is_same = (now.attempts, now.claimed_at) == (before.attempts, before.claimed_at)
    return is_same and now.step in UNDER_WAY


def _events(
    note: AuditNote, remediation: RemediationState, before: SafetyState, after: SafetyState
) -> list[tuple[EventType, str]]:
    """The events for a step, each with its reason."""
    events = [] if note.event is None else [(note.event, remediation.reason)]
    if after.denied != before.denied and note.event != "remediation.failed":  # a permission is reported by one event
        events.append(("remediation.failed", remediation.reason))
    if note.what != "stop" and after.breaker is not None and before.breaker is None:
        events.append(("remediation.blocked", f"the breaker opens: {after.breaker.reason}; {remediation.reason}"))
    return events


def _shown(declaration: Declaration, schemas: Schemas | None, secrecy: Secrecy) -> Any:
    """A declaration of a resource, with secrets hidden."""
    is_resource = declaration.key.content in WHOLE
    schema = schemas.schema_for(declaration.asset_type) if schemas is not None and is_resource else None
    hiding = masking.Masking(secrecy)
    if declaration.digests:
        return SealedMasking(hiding, declaration.digests).message(with_nonces(declaration.data), schema)
    return masking.masked_message(declaration.data, schema, hiding)
