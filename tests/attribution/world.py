"""A bucket that is declared, observed and changed, and the audit log that tells of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.attribution import service
from setpoint.attribution.service import Attributor
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.actors import Actor
from setpoint.model.declaration import Declaration, desired
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy
from setpoint.model.resource_key import ResourceKey

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TYPE = "storage.googleapis.com/Bucket"
KEY = ResourceKey("//storage.googleapis.com/exports")
IN_SYNC = {"name": "exports", "location": "EU"}
DRIFTED = {"name": "exports", "location": "US"}
OTHERWISE = {"name": "exports", "location": "ASIA"}
ALICE, BOB = "alice@example.com", "bob@example.com"
DEPLOY = "deploy@shop-ops.iam.gserviceaccount.com"
OWN = "setpoint-remediate@shop-ops.iam.gserviceaccount.com"


def moment(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def entry(
    principal: str = ALICE,
    seconds: float = -10,
    *,
    service: str = "storage.googleapis.com",
    method: str = "storage.buckets.update",
    resource: str = "projects/_/buckets/exports",
    **more: Any,
) -> bytes:
    """An entry as a sink publishes it."""
    fields = {
        "logName": "projects/shop-prod/logs/cloudaudit.googleapis.com%2Factivity",
        "insertId": f"{principal}{seconds}",
        "timestamp": moment(seconds).isoformat(),
        "resource": {"type": "audited_resource", "labels": {"project_id": "shop-prod"}},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "authenticationInfo": {"principalEmail": principal} if principal else {},
            "requestMetadata": {"callerIp": "203.0.113.77", "callerSuppliedUserAgent": "Mozilla/5.0 Chrome/134.0"},
            "serviceName": service,
            "methodName": method,
            "resourceName": resource,
        },
    }
    return msgspec.json.encode(fields | more)


class World:
    """All that attributing works with, in memory unless a store is given."""

    def __init__(self, policy: Policy | None = None, store: Any = None, key: ResourceKey = KEY) -> None:
        self.now = moment(600)
        self.bus, self.dead_letters, self.store, self.key = (
            MemoryBus(),
            MemoryDeadLetters(),
            store or MemoryStore(),
            key,
        )
        self.deps = Context(self.store, self.bus, self.dead_letters, default_catalogue(), lambda: self.now)
        self.attributor = Attributor(self.deps, frozenset((OWN,)))
        self.declare(policy)

    def declare(self, policy: Policy | None = None, location: str = "EU", **more: Any) -> None:
        wanted = desired((Declaration(self.key, TYPE, {"location": location}, project="shop-prod", **more),))
        apply.sync(LoadResult([wanted], policy=policy), ApplyRequest("git", prune=True), self.deps, moment(-86_400))

    def observe(self, live: Any = DRIFTED, seconds: float = 0) -> str:
        return pipeline.handle_observation(Observation(self.key, TYPE, moment(seconds), data=live), self.deps)

    def log(self, *arguments: Any, **more: Any) -> str:
        return self.receive(entry(*arguments, **more))

    def receive(self, message: bytes) -> str:
        (outcome,) = service.receive(message, {}, self.attributor)
        return outcome

    @property
    def state(self) -> Any:
        return self.store.read(self.key).state

    @property
    def actor(self) -> Actor | None:
        return self.state.finding.actor

    @property
    def event_types(self) -> list[str]:
        return [event.type for event in self.bus.events]
