"""A bucket that is declared, drifts, and is put back, on a clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from setpoint import flow, syncing
from setpoint.adapters.google_rest import GoogleRest
from setpoint.adapters.memory import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.core.catalogue import default_catalogue
from setpoint.core.declarations import Declaration, desired
from setpoint.core.names import ResourceKey
from setpoint.core.observations import Observation
from setpoint.core.policies import Limits, Policy, Rule
from setpoint.declare.load import Loaded
from setpoint.flow import Deps
from setpoint.live import Live
from setpoint.remedy_records import Hands
from setpoint.syncing import Request
from setpoint.testing.google_apis import GoogleApis

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TYPE = "storage.googleapis.com/Bucket"
KEY = ResourceKey("//storage.googleapis.com/exports")
URL = "https://storage.googleapis.com/storage/v1/b/exports"
DECLARED = {"versioning": {"enabled": True}, "labels": {"team": "shop"}}
DRIFTED = {"name": "exports", "location": "EU", "versioning": {"enabled": False}, "labels": {"team": "shop", "x": "y"}}
AUTO = Policy(rules=(Rule("all", mode="auto"),), dry_run=False, limits=Limits(rollout=0.0))


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
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
        self.deps = Deps(self.store, self.bus, MemoryDeadLetters(), default_catalogue(), self.clock)
        self.hands = Hands(self.deps, Live(rest, default_catalogue()), worker="worker-1")

    def declare(self, policy: Policy | None = AUTO, data: Any = DECLARED, **more: Any) -> None:
        wanted = Declaration(KEY, TYPE, data, project="shop-prod", **more)
        loaded = Loaded([desired((wanted,))], policy=policy)
        syncing.sync(loaded, Request("git", prune=True), self.deps, self.clock())
        self.clock.forward(seconds=1)

    def drift(self, live: Any = DRIFTED) -> None:
        """Somebody changes the bucket, and a feed tells of it."""
        self.google.put(URL, live)
        self.observe(live)

    def observe(self, live: Any) -> str:
        ancestors = ("projects/12", "folders/3", "organizations/4")
        seen = Observation(KEY, TYPE, self.clock(), data=live, ancestors=ancestors, project_id="shop-prod")
        outcome = flow.handle_observation(seen, self.deps)
        self.clock.forward(seconds=1)
        return outcome

    @property
    def writes(self) -> int:
        return len(self.google.journal)

    @property
    def told(self) -> list[str]:
        return [event.type for event in self.bus.events]

    @property
    def state(self) -> Any:
        return self.store.read(KEY).state

    @property
    def trail(self) -> list[str]:
        return [entry.what for entry in self.store.trail(KEY)]
