"""The cost of an installation, from measured calls and bytes and list prices: `python benchmarks/cost.py`.

It needs Google's Firestore emulator, counts what the store's real client asks of it, and prints the tables of
docs/cost.md. Prices are those of the pages below, in US dollars, without free quotas and discounts.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from google.cloud.firestore_v1.services.firestore import FirestoreClient

from setpoint import sweep
from setpoint.adapters.google.asset_inventory import AssetInventory
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.bootstrap import open_store
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model import events
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.util import telemetry
from setpoint_tools.testing import messages
from setpoint_tools.testing.asset_service import asset_service
from setpoint_tools.testing.emulators import FIRESTORE, fresh_project, running

ORGANIZATION = "organizations/566099688680"
BUCKET = "storage.googleapis.com/Bucket"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAMPLE = 300
FLEET = 50_000
MILLION = 1_000_000
MESSAGE = 4_000
"""Bytes of a feed message with asset and prior asset: recorded ones have 2 to 6 KB."""
MONTH = 30 * 86_400


class Price(NamedTuple):
    """A list price.

    Args:
        dollars: for one of the unit.
        source: the page, as it was in November 2026.
    """

    dollars: float
    source: str


PRICES = {
    "Pub/Sub, byte": Price(40 / 2**40, "https://cloud.google.com/pubsub/pricing"),
    "Firestore, read": Price(0.06 / 100_000, "https://cloud.google.com/firestore/pricing, multi-region"),
    "Firestore, write": Price(0.18 / 100_000, "https://cloud.google.com/firestore/pricing, multi-region"),
    "Cloud Run, request": Price(0.40 / MILLION, "https://cloud.google.com/run/pricing, tier 1"),
    "Cloud Run, vCPU-second": Price(0.000024, "https://cloud.google.com/run/pricing, tier 1, by request"),
    "Cloud Run, GiB-second": Price(0.0000025, "https://cloud.google.com/run/pricing, tier 1, by request"),
    "Cloud Logging, byte": Price(0.50 / 2**30, "https://cloud.google.com/stackdriver/pricing"),
}
_LEAST = 1_000
"""Bytes that Pub/Sub counts of each request at least."""


class Use(NamedTuple):
    """What handling one thing asks for, on average.

    Args:
        reads: documents that are read.
        writes: documents that are written.
        calls: requests to the store, and publishes, one after the other.
        published: bytes of the events that follow.
        events: how many follow.
        logged: bytes of the log.
        cpu: seconds.
    """

    reads: float
    writes: float
    calls: float
    published: float
    events: float
    logged: float
    cpu: float


class Counted:
    """What the store's client has asked for."""

    def __init__(self) -> None:
        self.reads = self.writes = self.calls = 0


@contextmanager
def counting() -> Iterator[Counted]:
    """Count what every Firestore client of this process asks for."""
    counted = Counted()
    get, commit, write = FirestoreClient.batch_get_documents, FirestoreClient.commit, FirestoreClient.batch_write

    def counted_get(self: Any, request: Any = None, **more: Any) -> Any:
        counted.reads += len(request["documents"])
        counted.calls += 1
        return get(self, request=request, **more)

    def counted_commit(self: Any, request: Any = None, **more: Any) -> Any:
        counted.writes += len(request["writes"])
        counted.calls += 1
        return commit(self, request=request, **more)

    def counted_write(self: Any, request: Any = None, **more: Any) -> Any:
        counted.writes += len(request["writes"])
        counted.calls += 1
        return write(self, request=request, **more)

    setattr(FirestoreClient, "batch_get_documents", counted_get)  # noqa: B010
    setattr(FirestoreClient, "commit", counted_commit)  # noqa: B010
    setattr(FirestoreClient, "batch_write", counted_write)  # noqa: B010
    try:
        yield counted
    finally:
        setattr(FirestoreClient, "batch_get_documents", get)  # noqa: B010
        setattr(FirestoreClient, "commit", commit)  # noqa: B010
        setattr(FirestoreClient, "batch_write", write)  # noqa: B010


def bucket(number: int) -> str:
    """The name of a bucket."""
    return f"//storage.googleapis.com/bucket-{number:06d}"


def message(index: int, location: str, second: int) -> bytes:
    """A feed message of a usual size about a bucket."""
    labels = {f"label-{number:02d}": "x" * 20 for number in range(90)}
    data = messages.resource(
        bucket(index), BUCKET, {"location": location, "labels": labels}, NOON + timedelta(seconds=second)
    )
    assert abs(len(data) - MESSAGE) < MESSAGE / 4, len(data)
    return data


def opened() -> Context:
    """An installation in which buckets are declared."""
    store = open_store(f"firestore://{fresh_project()}/(default)")
    wanted = [
        desired((Declaration(ResourceKey(bucket(number)), BUCKET, {"location": "EU"}, project="shop"),))
        for number in range(SAMPLE)
    ]
    apply.declare(store, wanted, (), NOON)
    return Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue())


def handled(deps: Context, feed: list[bytes]) -> Use:
    """What each message of a feed asks for."""
    with counting() as counted:
        before = len(deps.bus.events)  # type: ignore[union-attr]
        cpu = time.process_time()
        logged = 0
        for position, item in enumerate(feed):
            with telemetry.running("detect", telemetry.begun(None, str(position)), "fleet-ops") as run:
                run.end(pipeline.receive(item, {}, deps))
                logged += 250 + len(json.dumps(run.fields))
        cpu = time.process_time() - cpu
    followed = deps.bus.events[before:]  # type: ignore[union-attr]
    sizes = [len(events.encode(event)) + 300 for event in followed]
    of = len(feed)
    published = sum(sizes) / of
    calls = (counted.calls + len(followed)) / of
    return Use(counted.reads / of, counted.writes / of, calls, published, len(followed) / of, logged / of, cpu / of)


def measured() -> dict[str, Use]:
    """What each kind of change asks for."""
    deps = opened()
    shapes = {
        "in sync": [message(number, "EU", 1) for number in range(SAMPLE)],
        "drifts": [message(number, "US", 2) for number in range(SAMPLE)],
        "drifted as before": [message(number, "US", 3) for number in range(SAMPLE)],
        "resolved": [message(number, "EU", 4) for number in range(SAMPLE)],
        "comes twice": [message(number, "EU", 4) for number in range(SAMPLE)],
        "not declared": [message(number + MILLION, "EU", 1) for number in range(SAMPLE)],
    }
    uses = {name: handled(deps, feed) for name, feed in shapes.items()}
    deps.store.close()
    return uses


def swept() -> tuple[Use, float]:
    """What a sweep asks for of each resource, all of them in sync and known; and calls of the inventory."""
    deps = opened()
    with asset_service() as service:
        ancestors = ["projects/111111111111", ORGANIZATION]
        for number in range(SAMPLE):
            asset = {
                "name": bucket(number),
                "assetType": BUCKET,
                "ancestors": ancestors,
                "updateTime": "2025-06-17T15:00:00Z",
            }
            service.put({**asset, "resource": {"version": "v1", "data": {"location": "EU"}}})
        inventory = AssetInventory(service.client())
        sweep.sweep([ORGANIZATION], ["resource"], [BUCKET], inventory, deps)
        with counting() as counted:
            cpu = time.process_time()
            sweep.sweep([ORGANIZATION], ["resource"], [BUCKET], inventory, deps)
            cpu = time.process_time() - cpu
    deps.store.close()
    use = Use(counted.reads / SAMPLE, counted.writes / SAMPLE, counted.calls / SAMPLE, 0, 0, 0, cpu / SAMPLE)
    return use, FLEET / 1000


def bill(use: Use, count: float, trip: float, *, delivered: bool = True) -> dict[str, float]:
    """What so many cost, by service.

    Args:
        use: what each asks for.
        count: how many.
        trip: seconds that a call to the store or a topic takes.
        delivered: whether each is a message of its own.
    """
    seconds = use.cpu + use.calls * trip
    into = 2 * max(MESSAGE, _LEAST) if delivered else 0  # published by a feed, and pushed
    out = use.events * 3 * max(use.published / use.events if use.events else 0, _LEAST)  # published; kept, and pushed
    run = PRICES["Cloud Run, vCPU-second"].dollars + PRICES["Cloud Run, GiB-second"].dollars
    requests = PRICES["Cloud Run, request"].dollars * (1 + use.events) if delivered else 0
    return {
        "Pub/Sub": count * (into + out) * PRICES["Pub/Sub, byte"].dollars,
        "Firestore": count
        * (use.reads * PRICES["Firestore, read"].dollars + use.writes * PRICES["Firestore, write"].dollars),
        "Cloud Run": count * (requests + seconds * run),
        "Cloud Logging": count * use.logged * PRICES["Cloud Logging, byte"].dollars,
    }


MIX = {
    "not declared": 0.5,
    "in sync": 0.42,
    "comes twice": 0.05,
    "drifts": 0.01,
    "drifted as before": 0.01,
    "resolved": 0.01,
}
"""Shares of the messages of a feed, in a fleet of which half is declared; a hundredth of them show drift."""


def mixed(uses: dict[str, Use]) -> Use:
    """The average over a mix of changes."""
    return Use(*(sum(share * getattr(uses[name], field) for name, share in MIX.items()) for field in Use._fields))


def minutes(trip: float) -> float:
    """What goes on every minute of a month costs: two ticks, each a message of the least size and a query or three."""
    use = Use(reads=4, writes=0, calls=4, published=0, events=0, logged=500, cpu=0.005)
    return sum(bill(use, 2 * MONTH / 60, trip).values())


def main() -> None:
    """Measure, and print the tables."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--trip-ms", type=float, default=10.0, help="what a call to the store or a topic takes")
    trip = arguments.parse_args().trip_ms / 1000
    with running(FIRESTORE) as emulator:
        os.environ[FIRESTORE.variable] = emulator.address
        uses = measured()
        per_resource, calls = swept()
    print("| a change that | reads | writes | calls | bytes published | bytes logged | ms of CPU | $ a million |")
    print("|---|---|---|---|---|---|---|---|")
    rows = {**uses, "**the mix**": mixed(uses)}
    for name, use in rows.items():
        total = sum(bill(use, MILLION, trip).values())
        figures = f"{use.reads:.1f} | {use.writes:.1f} | {use.calls:.1f} | {use.published:,.0f} | {use.logged:,.0f}"
        print(f"| {name} | {figures} | {use.cpu * 1000:.1f} | {total:.2f} |")
    print("\n| a million changes, the mix | $ |\n|---|---|")
    for service, dollars in bill(mixed(uses), MILLION, trip).items():
        print(f"| {service} | {dollars:.2f} |")
    sweep = bill(per_resource, FLEET, trip, delivered=False)
    each = f"{per_resource.reads:.2f} reads and {per_resource.writes:.2f} writes each"
    print(f"\n| a sweep of {FLEET:,} resources, in sync and known: {each} | $ |")
    print("|---|---|")
    for service, dollars in sweep.items():
        print(f"| {service} | {dollars:.3f} |")
    print(f"| Cloud Asset Inventory, {calls:.0f} calls | 0 |")
    print(f"\na month of ticks: {minutes(trip):.2f} $; of four sweeps a day: {120 * sum(sweep.values()):.2f} $")
    totals = {name: round(sum(bill(use, MILLION, trip).values()), 2) for name, use in rows.items()}
    print(json.dumps({"million": totals, "sweep": round(sum(sweep.values()), 3)}))


if __name__ == "__main__":
    main()
