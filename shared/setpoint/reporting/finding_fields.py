"""The fields of a finding that every report shows: the page, the command line and the rows for BigQuery."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from setpoint.model.actors import Actor
from setpoint.model.declaration import Mode
from setpoint.model.events import DriftData
from setpoint.model.resource_key import Content
from setpoint.model.severity import Kind, Severity


class FindingFields(TypedDict):
    """A finding as reports show it; see ``model.events.DriftData`` for the meaning of each field."""

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


def fields_of(data: DriftData) -> FindingFields:
    """The fields of a finding, from its event data, which messages and the command line show too."""
    return FindingFields(
        resource_name=data.resource_name,
        asset_type=data.asset_type,
        content=data.content,
        project=data.project,
        kind=data.kind,
        severity=data.severity,
        mode=data.mode,
        first_seen=data.first_seen,
        last_seen=data.last_seen,
        count=data.count,
        episodes=data.episodes,
        resolved_at=data.resolved_at,
        reason=data.reason,
        actor=data.actor,
    )
