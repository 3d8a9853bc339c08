"""Findings as event data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from setpoint.model.drift_history import beginning
from setpoint.model.drift_onset import DriftOnset
from setpoint.model.drift_origin import DriftBeginning, Origin, origin_of
from setpoint.model.events import CloudEvent, DriftData, EventType, RemediationData, drift_event
from setpoint.model.grouping import cause_id, cause_of
from setpoint.model.observation import Observation
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.resource_state import Finding, ResourceState


def data_of(state: ResourceState) -> DriftData:
    """The current state of a finding and of its remediation, as event data.

    Args:
        state: a record with a finding.
    """
    finding, remediation = state.finding, state.remediation
    assert finding is not None  # noqa: S101 - callers pass records with a finding
    observation = Observation(state.key, state.asset_type, state.observed_at, deleted=state.deleted)
    data = drift_data(finding, observation, state.onset)
    return (
        data
        if remediation is None or remediation.step == "over"
        else replace(data, remediation=remediation_data(remediation))
    )


def with_remediation_event(state: ResourceState, event: EventType, declared: Any, now: datetime) -> ResourceState:
    """The record with another pending event about the remediation of its drift.

    Args:
        state: the record, with its finding and its remediation.
        event: the type of the event.
        declared: the declaration, for delegates that remediate; without secrets.
        now: the current time.
    """
    remediation = state.remediation
    assert remediation is not None  # noqa: S101 - callers pass records with a remediation
    sequence = state.sequence + 1
    data = replace(data_of(state), remediation=replace(remediation_data(remediation), declared=declared))
    return replace(
        state,
        sequence=sequence,
        pending=recorded((*state.pending, replace(drift_event(event, sequence, data), time=now)), now),
    )


def recorded(pending: tuple[CloudEvent, ...], now: datetime) -> tuple[CloudEvent, ...]:
    """Pending events, the new ones with the time of their recording."""
    return tuple(event if event.recordedtime else replace(event, recordedtime=now) for event in pending)


def remediation_data(remediation: RemediationState) -> RemediationData:
    """A remediation as event data."""
    return RemediationData(
        step=remediation.step,
        executor=remediation.executor,
        rule=remediation.rule,
        attempts=remediation.attempts,
        approved_by=remediation.approved_by,
        summary=remediation.summary,
        reason=remediation.reason,
        outcome=remediation.outcome,
        proof=remediation.proof,
    )


def begun(state: ResourceState) -> DriftBeginning:
    """The part of a finding that shows whether it began together with others.

    Args:
        state: a record with a finding.
    """
    finding = state.finding
    assert finding is not None  # noqa: S101 - callers pass records with a finding
    data = data_of(state)
    return DriftBeginning(
        cause_id(cause_of(data)),
        finding.project,
        beginning(finding.history, finding.first_seen)[0],
        Origin(data.origin, data.evidence),
        has_actor=finding.actor is not None,
    )


def claim_text(finding: Finding) -> str:
    """What an unmanaged resource says of the controller that made it, and why that is not believed; else empty."""
    return str(finding.claim) if finding.claim is not None else ""


def drift_data(finding: Finding, observation: Observation, onset: DriftOnset | None = None) -> DriftData:
    """A finding as the data of an event that follows from an observation."""
    origin = origin_of(
        finding.actor,
        reason=finding.reason,
        is_declared=onset is not None and onset.declared,
        history=finding.history,
    )
    return DriftData(
        finding_id=observation.key.id,
        resource_name=observation.key.name,
        asset_type=observation.asset_type,
        content=observation.key.content,
        project=finding.project,
        kind=finding.kind,
        status=finding.status,
        reason=finding.reason,
        severity=finding.severity,
        mode=finding.mode,
        owner=finding.owner,
        differences=finding.differences,
        difference_count=finding.difference_count,
        fingerprint=finding.fingerprint,
        observed_at=observation.observed_at,
        first_seen=finding.first_seen,
        last_seen=finding.last_seen,
        count=finding.count,
        episodes=finding.episodes,
        declared_in=finding.source,
        previous_data=finding.previous_data,
        actor=finding.actor,
        resolved_at=finding.resolved_at,
        ancestors=finding.ancestors,
        history=finding.history,
        origin=origin.word,
        evidence="; ".join(filter(None, (origin.evidence, claim_text(finding)))),
    )
