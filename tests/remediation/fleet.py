"""A bucket that is declared, drifts, and is put back, on a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from setpoint.adapters.google.rest import GoogleRest
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model import remediation_attempt
from setpoint.model.declaration import Declaration, desired
from setpoint.model.exemptions import Exemption
from setpoint.model.observation import Observation
from setpoint.model.policy import Limits, Policy, Rule
from setpoint.model.resource_key import ResourceKey
from setpoint.model.source_grants import INSTALLATION, Sources
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.engine import resume_due
from setpoint.remediation.live_resources import LiveResources
from setpoint_tools.testing.google_apis import GoogleApis

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TYPE = "storage.googleapis.com/Bucket"
KEY = ResourceKey("//storage.googleapis.com/exports")
URL = "https://storage.googleapis.com/storage/v1/b/exports"
FIREWALL_TYPE = "compute.googleapis.com/Firewall"
FIREWALL = ResourceKey("//compute.googleapis.com/projects/shop-prod/global/firewalls/web")
FIREWALL_URL = "https://compute.googleapis.com/compute/v1/projects/shop-prod/global/firewalls/web"
GRANTS = ResourceKey(KEY.name, "iam_policy")
DECLARED = {"versioning": {"enabled": True}, "labels": {"team": "shop"}}
DRIFTED = {"name": "exports", "location": "EU", "versioning": {"enabled": False}, "labels": {"team": "shop", "x": "y"}}
AUTO = Policy(rules=(Rule("all", mode="auto"),), dry_run=False, limits=Limits(rollout=0.0, source_share=1.0))


PLACES = ("projects/12", "folders/3", "organizations/4")


class Clock:
    """A clock that tests move, and that never tells the same moment twice."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def forward(self, **how: float) -> None:
        self.now += timedelta(**how)


class World:
    """All that remediation works with, over fakes."""

    def __init__(self, google: GoogleApis, rest: GoogleRest, store: Any = None) -> None:
        self.google = google
        self.clock = Clock()
        self.bus = MemoryBus()
        self.store = store or MemoryStore()
        self.deps = Context(self.store, self.bus, MemoryDeadLetters(), default_catalogue(), self.clock)
        self.context = self.worker("worker-1", rest)

    def worker(self, name: str, rest: Any) -> RemediationContext:
        """Another worker on the same store, and on the API that is given."""
        return RemediationContext(self.deps, LiveResources(rest, default_catalogue()), worker=name)

    def declare(self, policy: Policy | None = AUTO, data: Any = DECLARED, **more: Any) -> None:
        self.declare_all([(Declaration(KEY, TYPE, data, project="shop-prod", **more),)], policy)

    def declare_all(self, wanted: Iterable[tuple[Declaration, ...]], policy: Policy | None = AUTO) -> None:
        loaded = LoadResult([desired(declarations) for declarations in wanted], policy=policy)
        apply.sync(loaded, ApplyRequest("git", prune=True), self.deps, self.clock())
        self.clock.forward(seconds=1)

    def declare_sources(self, sources: Sources) -> None:
        """Say what each source may do."""
        apply.sync(LoadResult(sources=sources), ApplyRequest(INSTALLATION), self.deps, self.clock())

    def declare_nothing(self) -> None:
        apply.sync(
            LoadResult([], policy=AUTO), ApplyRequest("git", prune=True, max_removals=1.0), self.deps, self.clock()
        )

    def drift(self, live: Any = DRIFTED) -> None:
        """Somebody changes the bucket, and a feed tells of it."""
        self.google.put(URL, live)
        self.observe(live)

    def observe(self, live: Any, key: ResourceKey = KEY, asset_type: str = TYPE, *, project: str = "shop-prod") -> str:
        places = PLACES if project == "shop-prod" else ("projects/34", *PLACES[1:])
        seen = Observation(key, asset_type, self.clock(), data=live, ancestors=places, project_id=project)
        outcome = pipeline.handle_observation(seen, self.deps)
        self.clock.forward(seconds=1)
        return outcome

    def ticks(self, minutes: int = 120, every: int = 1) -> None:
        """Time goes by, and every so many minutes somebody looks at what is due; what waits is published."""
        for _ in range(0, minutes, every):
            self.clock.forward(minutes=every)
            resume_due(self.context)
        self.deps.outbox.republish_pending()

    def brake(self, change: Any) -> None:
        """Somebody pauses, or resumes."""
        stored = self.store.safety_state()
        self.store.write_safety_state(change(stored.value), stored.version)

    def exempt(self) -> None:
        """Somebody says to leave the bucket alone, and the finding is not evaluated again yet."""
        snapshot = self.store.read(KEY)
        exemption = Exemption("migration", "ann", self.clock())
        self.store.commit(snapshot, replace(snapshot.state, exemption=exemption))

    def approve(self, key: ResourceKey = KEY) -> None:
        snapshot = self.store.read(key)
        attempt = remediation_attempt.approved(snapshot.state.remediation, "ann", self.clock())
        self.store.commit(snapshot, replace(snapshot.state, remediation=attempt))

    @property
    def writes(self) -> int:
        return len(self.google.journal)

    @property
    def event_types(self) -> list[str]:
        return [event.type for event in self.bus.events]

    @property
    def state(self) -> Any:
        return self.store.read(KEY).state

    @property
    def trail(self) -> list[str]:
        return [entry.what for entry in self.store.trail(KEY)]
