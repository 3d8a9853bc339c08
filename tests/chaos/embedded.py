"""Chaos without Google's emulators: worker processes on SQLite, and a disk that is full."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from chaos.broker import Broker
from chaos.truth import Heard, Report, judge
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.bootstrap import open_store
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection import batch as batching
from setpoint.detection.outbox import Outbox
from setpoint.detection.pipeline import Context
from setpoint.errors import Unavailable
from setpoint.model import events
from setpoint_tools.testing.fleet import FaultRates, Fleet


class Message(NamedTuple):
    """A message without attributes, as feeds send them."""

    data: bytes
    attributes: Mapping[str, str] = MappingProxyType({})


WRONGS = FaultRates(repeated=0.05, late=0.05, broken=0.003)


def fleet_of(messages: int, resources: int) -> Fleet:
    """A fleet of which the feed sends about so many messages."""
    return Fleet(
        resources, projects=max(resources // 16, 1), rounds=-(-messages // resources), drifting=0.2, fault_rates=WRONGS
    )


def killed_workers(folder: Path, messages: int, resources: int = 400, kill_after: int = 700) -> Report:
    """Two processes with clocks hours apart share a store and are killed; messages come late, twice and in no order."""
    fleet, url = fleet_of(messages, resources), f"sqlite:///{folder}/setpoint.db"
    store = open_store(url)
    apply.declare(store, fleet.desired(), (), datetime.now(UTC))
    broker = Broker(url, folder, kill_after=kill_after)
    started = time.monotonic()
    broker.deliver(expectation.data for expectation in fleet.feed())
    heard = Heard()
    for line in broker.events():
        heard.hear(events.decode(line))
    last = MemoryBus()
    Outbox(store, last, MemoryDeadLetters()).republish_pending()  # as a sweep does, what a killed process left
    for event in last.events:
        heard.hear(event)
    report = Report(
        "killed workers, SQLite",
        messages=broker.messages,
        deliveries=broker.deliveries,
        kills=broker.kills,
        seconds=time.monotonic() - started,
    )
    judge(report, fleet, list(store.states()), heard)
    store.close()
    return report


def full_disk(folder: Path, messages: int, resources: int = 200) -> Report:
    """Again and again the disk is full for a while: nothing is acknowledged that is not stored."""
    fleet = fleet_of(messages, resources)
    store = SqliteStore(folder / "setpoint.db")
    apply.declare(store, fleet.desired(), (), datetime.now(UTC))
    deps = Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue())
    report, started = Report("full disk, SQLite"), time.monotonic()
    rng = random.Random(0)  # noqa: S311 - chaos, no secret
    feed = (Message(expectation.data) for expectation in fleet.feed())
    again: list[Message] = []
    full = 0
    for number in itertools.count():
        fresh = list(itertools.islice(feed, 50))
        report.messages += len(fresh)
        batch = again + fresh
        if not batch:
            break
        _limit(store, is_full=number % 3 == 0 and bool(fresh))
        rng.shuffle(batch)
        results = batching.receive_many(batch, deps)
        report.deliveries += len(batch)
        again = [message for message, result in zip(batch, results, strict=True) if isinstance(result, Unavailable)]
        full += bool(again)
        report.wrong += [
            repr(result) for result in results if isinstance(result, Exception) and not isinstance(result, Unavailable)
        ]
    if not full:
        report.wrong.append("the disk was never full")
    heard = Heard()
    for event in deps.bus.events:
        heard.hear(event)
    report.seconds = time.monotonic() - started
    judge(report, fleet, list(store.states()), heard)
    store.close()
    return report


def _limit(store: SqliteStore, *, is_full: bool) -> None:
    """Let the disk have no room for another page, or for as many as there may be."""
    connection = store._connections.current()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages if is_full else 1_000_000}")
