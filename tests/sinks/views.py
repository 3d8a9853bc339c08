"""Findings as messages show them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from setpoint.model.declaration import Owner, Source
from setpoint.model.difference import Difference
from setpoint.model.events import DriftData
from setpoint.model.notice_view import FindingView, GroupKey, GroupView, Links, TimelineEntry
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.people import OutgoingMessage, PostedMessage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = ResourceKey("//storage.googleapis.com/exports")
LINKS = Links("https://setpoint.example.com/#finding={id}", "https://setpoint.example.com/#group={id}")
OPENED = DriftData(
    finding_id=KEY.id,
    resource_name=KEY.name,
    asset_type="storage.googleapis.com/Bucket",
    content=KEY.content,
    project="shop-prod",
    kind="modified",
    status="open",
    severity="high",
    mode="approve",
    owner=Owner(team="shop", slack="#shop"),
    differences=(Difference("versioning.enabled", "changed", declared=True, observed=False),),
    difference_count=1,
    fingerprint="f1",
    observed_at=NOON,
    first_seen=NOON,
    last_seen=NOON,
    count=1,
    episodes=1,
    declared_in=Source("fleet/exports.yaml", 3),
)


def finding(minutes: int = 0, **more: Any) -> FindingView:
    """A finding some minutes after it was opened."""
    time = NOON + timedelta(minutes=minutes)
    event = "drift.resolved" if more.get("status") == "resolved" else "drift.changed" if minutes else "drift.opened"
    data = replace(OPENED, observed_at=time, fingerprint=f"f{minutes}", **more)
    return FindingView(event, time, data, (TimelineEntry(time, event),))


def several(minutes: int = 0, statuses: dict[str, int] | None = None) -> GroupView:
    """Several findings of one cause some minutes after the first was opened."""
    return GroupView(
        id="g1",
        cause=GroupKey("storage.googleapis.com/Bucket", "resource", "modified", (("versioning.enabled", "changed"),)),
        severity="high",
        opened_at=NOON,
        changed_at=NOON + timedelta(minutes=minutes),
        total=40 + minutes,
        statuses=statuses or {"open": 40},
        severities={"high": 40},
        projects={"shop-prod": 40},
        project_count=1,
        teams={"shop": 40},
        actors={"": 40},
        samples=(finding(),),
    )


def outgoing(
    name: str, channel: str, view: Any, posted: PostedMessage | None = None, *, maybe: bool = False
) -> OutgoingMessage[Any]:
    return OutgoingMessage(name, channel, view, LINKS, posted, maybe)
