"""An installation with two sources, a platform and a team, in a fleet of two projects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest, ApplyResult
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import ownership, pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, Owner, Scope, Source, desired
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import Finding
from setpoint.model.source_grants import INSTALLATION, SourceGrant, Sources

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BUCKET = "storage.googleapis.com/Bucket"
FIREWALL = "compute.googleapis.com/Firewall"
ORGANIZATION = "organizations/1"
PROD = ("projects/12", "folders/2", ORGANIZATION)
SANDBOX = ("projects/13", "folders/3", ORGANIZATION)
IDS = {"12": "prod", "13": "sandbox"}
PLATFORM = SourceGrant(
    "platform", everywhere=True, carries=("policy", "limits", "alerting", "scopes", "ignore"), teams=("*",)
)
TEAM = SourceGrant("team", ancestors=("folders/3",))
SOURCES = Sources((PLATFORM, TEAM), Owner(team="installation"), Source("sources.json", 1))


def bucket(name: str) -> ResourceKey:
    return ResourceKey(f"//storage.googleapis.com/{name}")


def firewall(project: str, name: str = "web") -> ResourceKey:
    return ResourceKey(f"//compute.googleapis.com/projects/{project}/global/firewalls/{name}")


def declared(key: ResourceKey, data: Any = None, asset_type: str = BUCKET, line: int = 1, **more: Any) -> Declaration:
    return Declaration(
        key, asset_type, {"location": "EU"} if data is None else data, source=Source("fleet.yaml", line), **more
    )


class Installation:
    """All that detection works with, over a store, on a clock that moves with each step."""

    def __init__(self, store: Any, sources: Sources | None = SOURCES) -> None:
        self.store = store
        self.now = NOON
        self.bus = MemoryBus()
        self.deps = Context(store, self.bus, MemoryDeadLetters(), default_catalogue(), lambda: self.now)
        store.write_project_ids(IDS)
        if sources is not None:
            self.grant(sources)

    def grant(self, sources: Sources) -> None:
        apply.sync(LoadResult(sources=sources), ApplyRequest(INSTALLATION), self.deps, self.now)

    def apply(
        self,
        source: str,
        *declarations: Declaration,
        scopes: tuple[Scope, ...] = (),
        policy: Policy | None = None,
        **request: Any,
    ) -> ApplyResult:
        self.now += timedelta(seconds=1)
        loaded = LoadResult([desired((declaration,)) for declaration in declarations], scopes, policy=policy)
        request = {"prune": True, "max_removals": 1.0, **request}
        return apply.sync(loaded, ApplyRequest(source, **request), self.deps, self.now)

    def own(self, key: ResourceKey) -> None:
        """Let the platform declare a bucket in its place, where it is seen."""
        self.apply("platform", declared(key))
        self.observe(key, {"location": "EU"})

    def observe(
        self, key: ResourceKey, data: Any, ancestors: tuple[str, ...] = PROD, asset_type: str = BUCKET, **more: Any
    ) -> str:
        self.now += timedelta(seconds=1)
        return pipeline.handle_observation(
            Observation(key, asset_type, self.now, data=data, ancestors=ancestors, **more), self.deps
        )

    def finding(self, key: ResourceKey) -> Finding | None:
        """The finding of a resource where it is not resolved."""
        state = self.store.read(key).state
        is_over = state is None or state.finding is None or state.finding.status == "resolved"
        return None if is_over else state.finding

    def refused(self, source: str) -> dict[str, str]:
        """What the finding of a source says that it may not declare."""
        finding = self.finding(ownership.source_key(source))
        return {difference.path: difference.observed for difference in finding.differences} if finding else {}
