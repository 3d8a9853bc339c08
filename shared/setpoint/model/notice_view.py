"""Findings as messages show them: one message for each group, updated as its findings change."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from setpoint.model.difference import Operation
from setpoint.model.events import DriftData, EventType
from setpoint.model.resource_key import Content
from setpoint.model.severity import Kind, Severity

ButtonAction = Literal["fix", "approve", "snooze", "accept", "why"]
"""The action of a button."""

SNOOZES: dict[str, int] = {"1h": 3600, "1d": 86_400, "1w": 7 * 86_400}
"""The lengths of a snooze in seconds."""


class TimelineEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry in the timeline of a finding.

    Args:
        occurred_at: its time.
        what: an event type, or an action: ``approved``, ``exempted``, ``accepted``.
        by: the person; empty if there was none.
        text: further details; may be empty.
    """

    occurred_at: datetime = msgspec.field(name="at")
    what: str
    by: str = ""
    text: str = ""


class FindingView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding as a message shows it.

    Args:
        event: the latest event.
        event_time: its time.
        data: the finding after it.
        steps: its timeline, oldest first; a few dozen at most.
        quiet_until: the end of its exemption; None for no exemption, or one without an end.
        next_window: when remediation may start without approval, if it waits for that; None otherwise.
    """

    event: EventType
    event_time: datetime = msgspec.field(name="at")
    data: DriftData
    steps: tuple[TimelineEntry, ...] = ()
    quiet_until: datetime | None = None
    next_window: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether a person still has to act."""
        return self.data.status == "open"


class GroupKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """The common properties of the findings in a message.

    Args:
        asset_type: Cloud Asset Inventory's type.
        content: the content of the resources that drifted.
        kind: the kind of the drift.
        changes: path and operation of each difference, without list indices and keys; a few dozen at most.
    """

    asset_type: str
    content: Content
    kind: Kind
    changes: tuple[tuple[str, Operation], ...] = ()


class GroupView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A group of findings, as one message shows it.

    Args:
        id: id of the message.
        cause: their group key.
        severity: the highest severity among them.
        opened_at: when the first of them opened.
        changed_at: when one of them last changed.
        total: number of findings.
        statuses: number of findings by status: ``open``, ``resolved``, ``exempted``, ``accepted``; open ones also count
            as ``awaiting`` or ``remediating``.
        severities: number of findings by severity.
        projects: number of findings by project; the 20 largest.
        project_count: number of projects.
        teams: number of findings by owner; the 10 largest.
        actors: number of findings by actor, with an empty string for unknown; the 10 largest.
        samples: up to 10 of them, open and severe ones first.
    """

    id: str
    cause: GroupKey
    severity: Severity
    opened_at: datetime
    changed_at: datetime
    total: int
    statuses: dict[str, int]
    severities: dict[str, int]
    projects: dict[str, int]
    project_count: int
    teams: dict[str, int]
    actors: dict[str, int]
    samples: tuple[FindingView, ...]

    @property
    def is_open(self) -> bool:
        """Whether a person still has to act on one of them."""
        return self.statuses.get("open", 0) > 0


class Links(msgspec.Struct, frozen=True, omit_defaults=True):
    """Templates of URLs in messages; an empty template gives no link.

    Args:
        finding: page of a finding, ``https://setpoint.example.com/#finding={id}``.
        group: page of the findings in a group, ``https://setpoint.example.com/#group={id}``.
    """

    finding: str = ""
    group: str = ""


class Message(msgspec.Struct, frozen=True):
    """A message in Slack's form, within Slack's limits.

    Args:
        text: the text for notifications, and for clients without blocks.
        blocks: Block Kit (https://docs.slack.dev/reference/block-kit/blocks), as JSON values.
    """

    text: str
    blocks: tuple[dict[str, object], ...]
