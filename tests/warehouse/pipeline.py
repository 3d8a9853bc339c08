"""A fleet that goes through the real pipeline: what is published when, and what a report writes of its store."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from remediation.fleet import FIREWALL, FIREWALL_TYPE, KEY, NOON, World
from remediation.fleet import TYPE as BUCKET_TYPE
from setpoint.model.actors import Actor
from setpoint.model.declaration import Declaration, Owner
from setpoint.model.events import CloudEvent, drift_event
from setpoint.model.exemptions import Exemption
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sweep_records import Summary, Sweep, SweepStart
from setpoint.remediation import commands, engine
from setpoint.reporting import daily_snapshot
from setpoint.reporting.daily_snapshot import Reporter
from setpoint_tools.testing.warehouse import DuckWarehouse

FLAPPER = ResourceKey("//storage.googleapis.com/flapper")
NOBODYS = ResourceKey("//storage.googleapis.com/nobodys")
UNSEEN = ResourceKey("//storage.googleapis.com/unseen")
ANN = Actor(
    principal="ann@example.com",
    kind="person",
    confidence="certain",
    method="storage.buckets.update",
    requested_at=NOON,
    caller="gcloud",
)
SHOP, BILLING, NET = Owner(team="shop"), Owner(team="billing"), Owner(team="net")


class Rows:
    """A warehouse in memory: the rows of each table and day."""

    def __init__(self) -> None:
        self.days: dict[tuple[str, date], list[bytes]] = {}

    def replace_day(self, table: str, day: date, rows: Iterable[bytes], run: str) -> int:
        del run
        self.days[table, day] = list(rows)
        return len(self.days[table, day])

    def of(self, table: str, day: date) -> list[dict]:
        return [json.loads(row) for row in self.days[table, day]]


class Recording:
    """A fleet, what was published of it and when, and what was reported."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.published: list[tuple[CloudEvent, datetime]] = []
        self.rows = Rows()
        world.bus.publish = self._publish

    def _publish(self, events: Iterable[CloudEvent]) -> None:
        self.published += [(event, self.world.clock.now + timedelta(seconds=2)) for event in events]

    @property
    def reporter(self) -> Reporter:
        return Reporter(self.world.store, self.rows, self.world.clock)

    def report(self) -> None:
        day = self.world.clock.now.date()
        daily_snapshot.report(day, str(day), self.reporter)

    def warehouse(self) -> DuckWarehouse:
        made = DuckWarehouse(self.world.clock.now)
        made.publish(self.published)
        for (table, _), rows in self.rows.days.items():
            made.load(table, rows)
        return made

    def attribute(self, key: ResourceKey, actor: Actor) -> None:
        """Somebody finds out who did it."""
        snapshot = self.world.store.read(key)
        state = snapshot.state
        finding = replace(state.finding, actor=actor)
        last = [event for event, _ in self.published if event.data.finding_id == key.id][-1]
        event = drift_event("drift.attributed", state.sequence + 1, replace(last.data, actor=actor))
        self.world.store.commit(snapshot, replace(state, sequence=state.sequence + 1, finding=finding))
        self._publish([event])


def a_week(world: World) -> Recording:
    """Eight days of a small fleet, and half a day after its last report."""
    recording, clock = Recording(world), world.clock
    data = {"location": "EU"}
    declared = [
        Declaration(KEY, BUCKET_TYPE, {"versioning": {"enabled": True}}, project="shop-prod", owner=SHOP),
        Declaration(FLAPPER, BUCKET_TYPE, data, project="billing", owner=BILLING, mode="alert"),
        Declaration(NOBODYS, BUCKET_TYPE, data, project="billing", mode="alert"),
        Declaration(UNSEEN, BUCKET_TYPE, data, project="billing", owner=BILLING, mode="alert"),
        Declaration(FIREWALL, FIREWALL_TYPE, {"disabled": False}, project="shop-prod", owner=NET),
    ]
    world.declare_all([(declaration,) for declaration in declared])
    for _ in range(3):
        world.observe({"name": "flapper", "location": "US"}, FLAPPER, project="billing")
        clock.forward(hours=5)
        world.observe({"name": "flapper", "location": "EU"}, FLAPPER, project="billing")
        clock.forward(hours=1)
    world.observe({"name": "nobodys", "location": "US"}, NOBODYS, project="billing")
    clock.forward(minutes=1)
    commands.exempt(NOBODYS, Exemption("a migration", "ann", clock(), clock() + timedelta(days=10)), world.deps)
    recording.report()
    clock.forward(days=1)
    world.drift()
    recording.attribute(KEY, ANN)
    engine.remediate(KEY, world.context)
    clock.forward(minutes=2)
    world.observe(world.google.get("https://storage.googleapis.com/storage/v1/b/exports"))
    clock.forward(days=6)
    world.observe({"name": "web", "disabled": True}, FIREWALL, FIREWALL_TYPE)
    world.store.sweeps.write_sweep(_swept(clock()), None)
    recording.report()
    clock.forward(hours=6)
    world.observe({"name": "flapper", "location": "ASIA"}, FLAPPER, project="billing")
    world.observe({"name": "web", "disabled": False}, FIREWALL, FIREWALL_TYPE)
    recording.published += [
        (event, published_at + timedelta(minutes=7)) for event, published_at in recording.published[::3]
    ]  # delivered again
    return recording


def _swept(now: datetime) -> Sweep:
    start = SweepStart(("organizations/1",), ("resource",))
    summary = Summary(now, listed=9, declared=5, seen=4, in_sync=3, drifted=1, unknown=1, denied={"projects/x": "no"})
    return Sweep(start.name, "run", start, now - timedelta(minutes=3), summary=summary)
