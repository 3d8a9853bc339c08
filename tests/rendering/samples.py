"""Findings as they occur, to be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from setpoint.model.actors import Actor
from setpoint.model.declaration import Owner, Source
from setpoint.model.difference import Difference
from setpoint.model.events import DriftData
from setpoint.model.notice_view import FindingView, Links

OBSERVED_AT = datetime(2026, 3, 1, 13, 42, tzinfo=UTC)
LINKS = Links("https://setpoint.example.com/#finding={id}", "https://setpoint.example.com/#group={id}")
ALICE = Actor(
    principal="alice@example.com",
    kind="person",
    confidence="certain",
    method="storage.buckets.update",
    requested_at=OBSERVED_AT,
    caller="console",
)
BUCKET = DriftData(
    finding_id="1556833f047a85d28afd00c7e27b1775",
    resource_name="//storage.googleapis.com/billing-exports",
    asset_type="storage.googleapis.com/Bucket",
    content="resource",
    project="billing-prod",
    kind="modified",
    status="open",
    severity="high",
    mode="approve",
    owner=Owner("billing", "#billing-alerts", "billing@example.com"),
    differences=(Difference("versioning.enabled", "changed", declared=True, observed=False),),
    difference_count=1,
    fingerprint="a63914ff319e6481",
    observed_at=OBSERVED_AT,
    first_seen=OBSERVED_AT,
    last_seen=OBSERVED_AT,
    count=1,
    episodes=1,
    declared_in=Source("fleet/billing.yaml", 19, repo="git@github.com:acme/fleet.git", commit="1f3a9c0d"),
    actor=ALICE,
)


def shown(event: Any = "drift.opened", **changes: Any) -> FindingView:
    """The bucket, otherwise."""
    about = {name: changes.pop(name) for name in ("steps", "quiet_until", "next_window") if name in changes}
    return FindingView(event, OBSERVED_AT, replace(BUCKET, **changes), **about)


def resolved(**changes: Any) -> FindingView:
    """The bucket, after it was put back."""
    ended = {"status": "resolved", "reason": "in sync", "resolved_at": OBSERVED_AT + timedelta(minutes=12)}
    return shown("drift.resolved", **(ended | changes))
