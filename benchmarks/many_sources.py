"""The cost of an event and of an unchanged apply with 10,000 sources with one scope each, and with one source."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.bootstrap import open_store
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, Scope, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import Control, SourceState
from setpoint_tools.testing import messages

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TYPE = "storage.googleapis.com/Bucket"
KEY = ResourceKey("//storage.googleapis.com/billing-exports")
EVENTS = 2_000
APPLIES = 9


def main() -> None:
    """Print the medians, three times each, alternating."""
    for sources in (1, 10_000) * 3:
        event, applied = measured(sources)
        sys.stdout.write(f"{sources:6,} sources: an event {event:6.1f} us, an unchanged apply {applied:6.1f} ms\n")


def measured(sources: int) -> tuple[float, float]:
    """Medians with so many sources: two changes in microseconds, an apply in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/s.db")
        context = Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue())
        loaded = LoadResult(desired=[desired((Declaration(KEY, TYPE, {"location": "EU"}, project="billing"),))])
        apply.sync(loaded, ApplyRequest("git"), context, NOON)
        stored = store.control()
        others = {f"gs://states/team-{number}/default.tfstate": _source(number) for number in range(sources)}
        store.write_control(Control(stored.value.sources | others, sources + 1), stored.version)
        events = [_timed(partial(_changes, number, context)) for number in range(EVENTS)]
        applies = [_timed(lambda: apply.sync(loaded, ApplyRequest("git"), context, NOON)) for _ in range(APPLIES)]
        store.close()
    return statistics.median(events) * 1e6, statistics.median(applies) * 1e3


def _source(number: int) -> SourceState:
    scope = Scope(f"scope-{number}", projects=(f"project-{number}",), asset_types=(TYPE,))
    return SourceState(generation=number + 1, judged=number + 1, applied_at=NOON, declared=7, scopes=(scope,))


def _changes(number: int, context: Context) -> None:
    moment = NOON + timedelta(seconds=number)
    data = {"location": "EU", "labels": {"n": str(number)}}
    pipeline.receive(messages.resource(KEY.name, TYPE, data, moment), {}, context)
    undeclared = f"//storage.googleapis.com/undeclared-{number % 100}"
    pipeline.receive(messages.resource(undeclared, TYPE, data, moment), {}, context)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
