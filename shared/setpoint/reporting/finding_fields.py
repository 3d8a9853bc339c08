"""The fields of a finding that every report shows: the page, the command line and the rows for BigQuery."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from setpoint.model.actors import Actor
from setpoint.model.declaration import Mode
from setpoint.model.resource_key import Content
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.model.severity import Kind, Severity


class FindingFields(TypedDict):
    """A finding as reports show it; see ``model.resource_state.Finding`` for the meaning of each field."""

    resource_name: str
    asset_type: str
    content: Content
    project: str
    kind: Kind
    severity: Severity
    mode: Mode
    first_seen: datetime
    last_seen: datetime
    count: int
    episodes: int
    resolved_at: datetime | None
    reason: str
    actor: Actor | None


def fields_of(state: ResourceState, finding: Finding) -> FindingFields:
    """The fields of a finding, from its record."""
    return FindingFields(
        resource_name=state.key.name,
        asset_type=state.asset_type,
        content=state.key.content,
        project=finding.project,
        kind=finding.kind,
        severity=finding.severity,
        mode=finding.mode,
        first_seen=finding.first_seen,
        last_seen=finding.last_seen,
        count=finding.count,
        episodes=finding.episodes,
        resolved_at=finding.resolved_at,
        reason=finding.reason,
        actor=finding.actor,
    )
