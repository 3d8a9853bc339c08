"""A fleet small enough to reason about: one bucket with its IAM policy, a scope, and something nobody declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, Owner, Scope, desired
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.ports.queues import DeadLetters, EventBus
from setpoint.ports.stores import StateStore, Store
from setpoint_tools.testing import messages

BUCKET_TYPE = "storage.googleapis.com/Bucket"
BUCKET = ResourceKey("//storage.googleapis.com/billing-exports")
GRANTS = ResourceKey(BUCKET.name, "iam_policy")
STRAY = ResourceKey("//storage.googleapis.com/made-by-hand")
FOREIGN = ResourceKey("//compute.googleapis.com/projects/billing/global/firewalls/any")
FIREWALL_TYPE = "compute.googleapis.com/Firewall"

EPOCH = datetime(2026, 3, 1, 12, tzinfo=UTC)

READERS: list[Mapping[str, Any]] = [{"role": "roles/storage.objectViewer", "members": ["group:billing@example.com"]}]
WORLD: list[Mapping[str, Any]] = [{"role": "roles/storage.objectViewer", "members": ["allUsers"]}]

DESIRED = [
    desired(
        (
            Declaration(
                BUCKET,
                BUCKET_TYPE,
                {"location": "EU", "versioning": {"enabled": True}},
                project="billing",
                owner=Owner(team="billing"),
            ),
        )
    ),
    desired((Declaration(GRANTS, BUCKET_TYPE, {"bindings": READERS}, project="billing"),)),
]
RULES: Rules = rules((Scope("sandbox", projects=("20318464073",), asset_types=(BUCKET_TYPE,)),))

SECRET_KEY = b"the key of every installation here"
"""One key, so that the records of two stores are comparable."""


def moment(second: int) -> datetime:
    return EPOCH + timedelta(seconds=second)


def bucket(second: int, *, location: str = "EU", versioning: bool = True) -> bytes:
    data = {"name": "billing-exports", "location": location}
    if versioning:
        data["versioning"] = {"enabled": True}
    return messages.resource(BUCKET.name, BUCKET_TYPE, data, moment(second))


def bucket_gone(second: int, *, with_asset: bool = True) -> bytes:
    return messages.deletion(BUCKET.name, BUCKET_TYPE, moment(second), with_asset=with_asset)


def bucket_untold(second: int) -> bytes:
    return messages.resource(BUCKET.name, BUCKET_TYPE, None, moment(second))


def grants(second: int, bindings: list[Mapping[str, Any]]) -> bytes:
    return messages.iam_policy(BUCKET.name, BUCKET_TYPE, bindings, moment(second))


def stray(second: int) -> bytes:
    return messages.resource(STRAY.name, BUCKET_TYPE, {"location": "US"}, moment(second))


def stray_gone(second: int) -> bytes:
    return messages.deletion(STRAY.name, BUCKET_TYPE, moment(second))


def foreign(second: int) -> bytes:
    return messages.resource(FOREIGN.name, FIREWALL_TYPE, {"network": "default"}, moment(second))


def read_clock() -> datetime:
    """A clock that stands still, so that two runs record their events alike."""
    return EPOCH + timedelta(days=1)


def deps(store: StateStore, bus: EventBus, dead_letters: DeadLetters) -> Context:
    return Context(store, bus, dead_letters, default_catalogue(), read_clock, secret_key=SECRET_KEY)


def declare(store: Store) -> None:
    store.write_project_ids(
        {"20318464073": "billing"}
    )  # else what an event calls a project depends on what came before
    apply.declare(store, DESIRED, RULES.scopes, moment(0))


def records(store: StateStore) -> dict[ResourceKey, ResourceState]:
    """All that is stored of findings."""
    return by_key(store.states())


def by_key(states: Iterable[ResourceState]) -> dict[ResourceKey, ResourceState]:
    return {state.key: state for state in states}
