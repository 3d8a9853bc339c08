"""The event path and comparing as ratios, measured in one run on one core.

The event path is that of a resource with a record whose last observation said the same; a message in which something
has changed, and a first observation, which takes the values that nobody declares, are figures of their own.

Takes the recorded cases where they are (SETPOINT_CORPUS, or ../shared/corpus), else a generated fleet.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import dictdiffer  # type: ignore[import-untyped]
import jsondiff  # type: ignore[import-untyped]
import jsonpatch
import orjson
from cases import Case, cases
from deepdiff import DeepDiff
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.compare import compare
from setpoint.declarations import apply
from setpoint.detection import finding_state_machine
from setpoint.detection import pipeline as flow
from setpoint.detection import verdict as judging
from setpoint.detection.pipeline import Context
from setpoint.model import events, resource_state
from setpoint.model import observation as observations
from setpoint.model.declaration import Desired, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project
from setpoint.model.resource_state import ResourceState

_NO_LIMIT = 1_000_000_000
_SIZES = ((0, 2_000), (2_000, 6_000), (6_000, _NO_LIMIT))
_NOW = datetime.now(UTC)
_NO_RULES = Rules()
_OTHERS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("dictdiffer", lambda before, other: list(dictdiffer.diff(before, other))),
    ("jsonpatch", jsonpatch.make_patch),
    ("jsondiff", jsondiff.diff),
)
"""What else tells two documents apart, by the letter."""


class Row(NamedTuple):
    """Medians over the messages of one size: microseconds, then ratios of one and the same message."""

    size: str
    messages: int
    loads: float
    parse: float
    compare: float
    event: float
    deepdiff: float
    parse_and_compare_over_loads: float
    event_over_loads: float
    deepdiff_over_compare: float
    events_per_second: float


def best(work: Callable[[], Any], rounds: int = 7, seconds: float = 0.0015) -> float:
    """The best of some rounds, in seconds a call."""
    started = time.perf_counter()
    work()
    once = max(time.perf_counter() - started, 1e-7)
    calls = max(1, int(seconds / once))
    cases = []
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(calls):
            work()
        cases.append((time.perf_counter() - started) / calls)
    return min(cases)


def measure(case: Case) -> dict[str, float]:
    """Seconds a call of each step on one case."""
    catalogue = default_catalogue()
    wanted = desired((case.declaration,))
    observation = observations.parse(case.message)
    assert observation is not None
    schema = catalogue.schema_for(case.declaration.asset_type)
    own = own_project(case.declaration.project, observation)
    declared, observed = case.declaration.data, observation.data

    known = record_before(wanted, observation)
    otherwise = replace(known, last_good=known.last_good and replace(known.last_good, steady="", in_sync=""))

    def event_path(state: ResourceState | None) -> None:
        seen = observations.parse(case.message)
        assert seen is not None
        good, home = (state.last_good, state.home) if state is not None else (None, "")
        verdict = judging.judge(wanted, _NO_RULES, seen, catalogue, home=home, good=good)
        transition = finding_state_machine.advance(state, seen, verdict, _NOW)
        if transition.state is not None:
            resource_state.encode_state(transition.state)
            for event in transition.state.pending:
                events.encode(event)

    return {
        "bytes": len(case.message),
        "loads": best(lambda: orjson.loads(case.message)),
        "parse": best(lambda: observations.parse(case.message)),
        "compare": best(lambda: compare(declared, observed, schema, own=own)),
        "event": best(lambda: event_path(known)),
        "changed": best(lambda: event_path(otherwise)),
        "first": best(lambda: event_path(None)),
        "deepdiff": best(lambda: DeepDiff(declared, observed, ignore_order=True), rounds=2, seconds=0.0),
        **{name: best(partial(diff, declared, observed), rounds=2, seconds=0.0) for name, diff in _OTHERS},
    }


def record_before(wanted: Desired | None, observation: Observation) -> ResourceState:
    """The record of a day before: in sync, and what nobody declares as it is now."""
    verdict = judging.judge(wanted, _NO_RULES, observation, default_catalogue())
    state = finding_state_machine.advance(None, observation, verdict, _NOW).state
    assert state is not None
    earlier = observation.observed_at - timedelta(days=1)
    return replace(
        state, observed_at=earlier, window_start=None, fingerprint="", sequence=0, finding=None, pending=(), onset=None
    )


def rows(measured: list[dict[str, float]]) -> Iterable[Row]:
    """One row a size class, and one for all."""
    for low, high in (*_SIZES, (0, _NO_LIMIT)):
        some = [case for case in measured if low <= case["bytes"] < high]
        if not some:
            continue
        name = (
            "all"
            if high == _NO_LIMIT and not low
            else f"{low // 1000}+ KB"
            if high == _NO_LIMIT
            else f"{low // 1000}-{high // 1000} KB"
        )
        loads, parse, compared, event, deepdiff = (
            statistics.median(case[key] for case in some) * 1e6
            for key in ("loads", "parse", "compare", "event", "deepdiff")
        )
        yield Row(
            name,
            len(some),
            loads,
            parse,
            compared,
            event,
            deepdiff,
            statistics.median(map(_parse_and_compare, some)),
            statistics.median(map(_event, some)),
            statistics.median(map(_deepdiff, some)),
            1 / statistics.median(case["event"] for case in some),
        )


def _parse_and_compare(case: dict[str, float]) -> float:
    return (case["parse"] + case["compare"]) / case["loads"]


def _event(case: dict[str, float]) -> float:
    return case["event"] / case["loads"]


def _changed(case: dict[str, float]) -> float:
    return case["changed"] / case["loads"]


def _first(case: dict[str, float]) -> float:
    return case["first"] / case["loads"]


def _deepdiff(case: dict[str, float]) -> float:
    return case["deepdiff"] / case["compare"]


def figures(measured: list[dict[str, float]]) -> dict[str, float]:
    """The budgets' figures: ratios of one message, then median and 95th percentile over all messages."""
    return {
        "parse+compare / orjson.loads, median": statistics.median(map(_parse_and_compare, measured)),
        "parse+compare / orjson.loads, p95": statistics.quantiles(map(_parse_and_compare, measured), n=20)[-1],
        "event path / orjson.loads, median": statistics.median(map(_event, measured)),
        "event path / orjson.loads, p95": statistics.quantiles(map(_event, measured), n=20)[-1],
        "message of a change / orjson.loads, median": statistics.median(map(_changed, measured)),
        "first observation / orjson.loads, median": statistics.median(map(_first, measured)),
        "DeepDiff / compare, median": statistics.median(map(_deepdiff, measured)),
        **{
            f"{name} / compare, median": statistics.median(case[name] / case["compare"] for case in measured)
            for name, _ in _OTHERS
        },
    }


def pipeline(some: list[Case]) -> dict[str, float]:
    """The embedded pipeline with SQLite: events a second, and over `orjson.loads` of the same messages."""
    messages = [case.message for case in some if 2_000 <= len(case.message) <= 6_000] or [case.message for case in some]
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "bench.db")
        apply.declare(store, [desired((case.declaration,)) for case in some], (), datetime.now(UTC))
        deps = Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue())
        took, parsed, count = 0.0, 0.0, 0
        while took < 2.0:
            batch = [later(message, count + second) for second, message in enumerate(messages)]
            started = time.perf_counter()
            for message in batch:
                flow.receive(message, {}, deps)
            took += time.perf_counter() - started
            started = time.perf_counter()
            for message in batch:
                orjson.loads(message)
            parsed += time.perf_counter() - started
            count += len(batch)
        store.close()
    return {"pipeline with SQLite, events/s": count / took, "pipeline with SQLite / orjson.loads": took / parsed}


def later(message: bytes, step: int) -> bytes:
    """The same message, observed later, so that it is neither late nor repeated."""
    stamp = b'"updateTime":"2030-%02d-%02dT%02d:%02d:%02d.%06dZ"' % (
        step // 2_000_000 % 12 + 1,
        step // 80_000 % 28 + 1,
        step // 3_600 % 24,
        step // 60 % 60,
        step % 60,
        step % 1_000_000,
    )
    return message.replace(b'"updateTime":"2025-01-01T00:00:00.000001Z"', stamp, 1)


def main() -> None:
    """Measure, print a table and one line of JSON."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cases", type=int, default=0, help="at most so many; 0 for all")
    options = arguments.parse_args()
    some, origin = cases()
    some = some[: options.cases or None]
    gc.freeze()
    measured = [measure(case) for case in some]
    results = {**figures(measured), **pipeline(some)}
    console = Console(width=150)
    title = f"medians over {len(some)} messages ({origin}); µs a message, then ratios of the same message"
    table = Table(title=title, title_justify="left")
    for column in Row._fields:
        table.add_column(column.replace("_", " "), justify="left" if column == "size" else "right")
    for row in rows(measured):
        table.add_row(row.size, str(row.messages), *(f"{value:,.1f}" for value in row[2:-1]), f"{row[-1]:,.0f}")
    console.print(table)
    for name, value in results.items():
        console.print(f"{name:45} {value:12,.2f}", highlight=False)
    print(json.dumps({name: round(value, 3) for name, value in results.items()}))


if __name__ == "__main__":
    main()
