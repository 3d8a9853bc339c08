"""A fleet of buckets and topics in the fake inventory, and a sweep of it that messages drive."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from setpoint import sweep
from setpoint.adapters.google.asset_inventory import AssetInventory, QuotaRetryPolicy
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sweep_records import SweepMessage, SweepStart, encode_message
from setpoint.sweep import MessageResult, Sweeper

BUCKET = "storage.googleapis.com/Bucket"
TOPIC = "pubsub.googleapis.com/Topic"
ORG = "organizations/566099688680"
SHOP = ["projects/111111111111", "folders/918177713511", ORG]
LONG_AGO = datetime(2025, 6, 17, 15, 0, tzinfo=UTC)
START = SweepStart((ORG,), ("resource",))
QUICK = QuotaRetryPolicy(first=0.001, first_of_quota=0.001, longest=0.01, in_all=0.3, call=5)


class Queue(deque[SweepMessage]):
    """Messages that wait in memory."""

    def publish(self, messages: Sequence[SweepMessage]) -> None:
        self.extend(messages)


def bucket(number: int) -> str:
    return f"//storage.googleapis.com/b{number:03d}"


def topic(number: int) -> str:
    return f"//pubsub.googleapis.com/projects/shop/topics/t{number:03d}"


def populate(service: Any, total: int = 24) -> None:
    """So many buckets and topics; every seventh bucket is elsewhere than declared."""
    for number in range(total):
        place = "US" if number % 7 == 1 else "EU"
        put(service, bucket(number), BUCKET, {"location": place})
        put(service, topic(number), TOPIC, {"messageRetentionDuration": "600s"})


def put(service: Any, name: str, kind: str, data: dict[str, Any]) -> None:
    fields = {"name": name, "assetType": kind, "ancestors": SHOP, "updateTime": "2025-06-17T15:00:00Z"}
    service.put({**fields, "resource": {"version": "v1", "data": data}})


def declare(store: Any, total: int = 24) -> None:
    """Buckets and topics as they are to be, and one of each that is not there."""
    declarations = [
        Declaration(ResourceKey(bucket(number)), BUCKET, {"location": "EU"}, project="shop")
        for number in range(total + 1)
    ]
    declarations += [
        Declaration(ResourceKey(topic(number)), TOPIC, {"messageRetentionDuration": "600s"}, project="shop")
        for number in range(total + 1)
    ]
    apply.declare(store, [desired((declaration,)) for declaration in declarations], (), LONG_AGO)


def deps_of(store: Any, clock: Callable[[], datetime] | None = None) -> Context:
    more = {"clock": clock} if clock else {}
    return Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue(), **more)


def sweeper_of(service: Any, deps: Context, *, page_size: int = 5, **how: Any) -> Sweeper:
    inventory = AssetInventory(service.client(), QUICK, page_size=page_size)
    return Sweeper(deps, inventory, Queue(), **how)


def deliver(message: SweepMessage, sweeper: Sweeper, message_id: str = "1") -> MessageResult:
    return sweep.receive(encode_message(message), {}, message_id, sweeper)


def work_off(sweeper: Sweeper, order: Callable[[Queue], SweepMessage] = Queue.popleft) -> list[MessageResult]:
    """Deliver all that waits, and what that brings, in some order."""
    results = []
    while sweeper.queue:
        results.append(deliver(order(sweeper.queue), sweeper))
    return results


def ended(results: list[MessageResult]) -> Any:
    """The summary of the one sweep that has ended, less its time."""
    (summary,) = [result.summary for result in results if result.summary is not None]
    return summary


def standing(deps: Context) -> dict[str, tuple[str, str]]:
    """The open findings."""
    return {
        state.key.name: (state.finding.kind, state.fingerprint)
        for state in deps.store.states(drifted=True)
        if state.finding.status == "open"
    }


def later(sweeper: Sweeper, hours: float) -> Sweeper:
    """The same installation, so many hours later."""
    now = datetime.now(UTC) + timedelta(hours=hours)
    old = sweeper.detection
    return replace(sweeper, detection=Context(old.store, old.bus, old.dead_letters, old.schemas, lambda: now))
