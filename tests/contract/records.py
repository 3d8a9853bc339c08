"""Records for the contract suites: small, and each different from the others where it must be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from setpoint.declarations import apply
from setpoint.detection.finding_events import drift_data
from setpoint.model.declaration import Declaration, Desired, Owner, Scope, Source, desired
from setpoint.model.difference import Difference
from setpoint.model.events import CloudEvent, drift_event
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.ports.stores import DesiredStore


def declare(store: DesiredStore, desired_ones: Iterable[Desired], scopes: tuple[Scope, ...] = ()) -> int:
    """Put declarations in force; how many of them are new or changed."""
    return len(apply.declare(store, list(desired_ones), scopes, NOON).changes)


NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
KEY = ResourceKey("//storage.googleapis.com/billing-exports")
OTHER = ResourceKey("//storage.googleapis.com/billing-archive")
BUCKET = "storage.googleapis.com/Bucket"


def declared(key: ResourceKey = KEY, **data: Any) -> Desired:
    return desired(
        (Declaration(key, BUCKET, data or {"location": "EU"}, project="billing", source=Source("fleet.yaml", 1)),)
    )


def scope(name: str = "billing") -> Scope:
    return Scope(name, projects=("billing",), asset_types=(BUCKET,), owner=Owner(team="billing"))


def in_sync(key: ResourceKey = KEY, *, sequence: int = 0) -> ResourceState:
    return ResourceState(key, BUCKET, NOON, sequence=sequence)


def drifted(key: ResourceKey = KEY, *, sequence: int = 1, pending: int = 0, observed: Any = "US") -> ResourceState:
    """A record with an open finding, the last `pending` of its events not yet published."""
    open_finding = finding(observed)
    return ResourceState(
        key,
        BUCKET,
        NOON + timedelta(seconds=sequence),
        fingerprint=open_finding.fingerprint,
        judged_by="rules",
        sequence=sequence,
        finding=open_finding,
        pending=tuple(event(key, number, observed) for number in range(sequence - pending + 1, sequence + 1)),
    )


def event(key: ResourceKey = KEY, number: int = 1, observed: Any = "US") -> CloudEvent:
    time = NOON + timedelta(seconds=number)
    data = drift_data(finding(observed), Observation(key, BUCKET, time))
    return drift_event("drift.opened" if number == 1 else "drift.changed", number, data)


def finding(observed: Any = "US") -> Finding:
    return Finding(
        kind="modified",
        status="open",
        severity="high",
        mode="alert",
        owner=Owner(team="billing", slack="#billing"),
        project="billing",
        source=Source("fleet.yaml", 1),
        differences=(Difference("location", "changed", declared="EU", observed=observed),),
        difference_count=1,
        fingerprint="00112233aabbccdd",
        first_seen=NOON,
        last_seen=NOON,
    )
