"""What people are shown of findings: one message for one cause, which is kept up to date as its findings live."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from setpoint.model.difference import Operation
from setpoint.model.events import DriftData, EventType
from setpoint.model.resource_key import Content
from setpoint.model.severity import Kind, Severity

ButtonAction = Literal["fix", "approve", "snooze", "accept", "why"]
"""What a button asks for."""

SNOOZES: dict[str, int] = {"1h": 3600, "1d": 86_400, "1w": 7 * 86_400}
"""For how long a finding can be snoozed, in seconds."""


class TimelineEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that has happened to a finding.

    Args:
        occurred_at: when.
        what: an event's type, or what somebody has asked for: ``approved``, ``exempted``, ``accepted``.
        by: who, where it was a person.
        text: in words, where there is more to say.
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
        steps: what has happened to it, oldest first; up to some dozen.
        quiet_until: until when somebody has said to leave it alone; None for never, or not at all.
        next_window: when it may be remediated without asking, where it waits for that.
    """

    event: EventType
    event_time: datetime = msgspec.field(name="at")
    data: DriftData
    steps: tuple[TimelineEntry, ...] = ()
    quiet_until: datetime | None = None
    next_window: datetime | None = None


class GroupKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """What findings of one message have in common.

    Args:
        asset_type: Cloud Asset Inventory's type.
        content: what of the resources drifted.
        kind: the kind of the drift.
        changes: path and operation of each difference, the indices and keys of lists left out; up to some dozen.
    """

    asset_type: str
    content: Content
    kind: Kind
    changes: tuple[tuple[str, Operation], ...] = ()


class GroupView(msgspec.Struct, frozen=True, omit_defaults=True):
    """Several findings of one cause, as one message shows them.

    Args:
        id: the message's own id.
        cause: what they have in common.
        severity: the worst of them.
        opened_at: when the first of them was opened.
        changed_at: when something happened to one of them last.
        total: how many there are.
        statuses: how many have which status: ``open``, ``resolved``, ``exempted``, ``accepted``, and of the open ones
            ``awaiting`` and ``remediating`` once more.
        severities: how many have which severity.
        projects: how many there are in which project; the largest, up to 20.
        project_count: how many projects there are.
        teams: how many are whose; the largest, up to 10.
        actors: how many were changed by whom, and an empty string for unknown; the largest, up to 10.
        samples: some of them, the worst and open ones first; up to 10.
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


class Links(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where messages link to; an empty template gives no link.

    Args:
        finding: of one finding, ``https://setpoint.example.com/#finding={id}``.
        group: of the findings of one cause, ``https://setpoint.example.com/#group={id}``.
    """

    finding: str = ""
    group: str = ""


class Message(msgspec.Struct, frozen=True):
    """A message in Slack's form, within Slack's limits.

    Args:
        text: what notifications, and clients without blocks, show.
        blocks: Block Kit (https://docs.slack.dev/reference/block-kit/blocks), as JSON values.
    """

    text: str
    blocks: tuple[dict[str, object], ...]
