"""What an event asks of its store: docs/cost.md multiplies these calls, so that they are not to grow unseen."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detection import fleet
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.detection import pipeline


class Counting:
    """A store that counts how often it is asked for what."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._store, name)
        if not callable(attribute):
            return attribute

        def counted(*arguments: Any, **named: Any) -> Any:
            self.calls[name] += 1
            return attribute(*arguments, **named)

        return counted


EVENTS = [
    ("in_sync", fleet.bucket(2), {"read": 1, "commit": 1}),
    ("opened", fleet.bucket(3, location="US"), {"read": 1, "commit": 1, "mark_published": 1, "changes": 1}),
    ("drifted", fleet.bucket(4, location="US"), {"read": 1, "commit": 1}),
    ("repeated", fleet.bucket(4, location="US"), {"read": 1}),
    ("resolved", fleet.bucket(5), {"read": 1, "commit": 1, "mark_published": 1}),
]


@pytest.fixture(scope="module")
def counted() -> dict[str, dict[str, int]]:
    """The calls of each event, one after the other; the first one of a project asks for its id besides."""
    context = fleet.deps(MemoryStore(), MemoryBus(), MemoryDeadLetters())
    fleet.declare(context.store)
    store = Counting(context.store)
    counting = replace(context, store=store)
    pipeline.receive(fleet.bucket(1), {}, counting)
    by_outcome = {}
    for _, message, _ in EVENTS:
        store.calls.clear()
        outcome = pipeline.receive(message, {}, counting)
        by_outcome[outcome] = dict(store.calls)
    return by_outcome


@pytest.mark.parametrize(("outcome", "calls"), [(outcome, calls) for outcome, _, calls in EVENTS])
def test_an_event_asks_its_store_for_no_more_than_before(counted, outcome, calls):
    assert counted[outcome] == calls


def test_an_event_is_one_read_and_at_most_one_commit(counted):
    assert all(calls["read"] == 1 and calls.get("commit", 0) <= 1 for calls in counted.values())


def test_the_sums_of_the_sizing_table_follow_from_the_figures_of_the_page():
    page = (Path(__file__).parents[2] / "docs/cost.md").read_text()
    a_change = float(re.search(r"\*\*the mix\*\*.*\*\*([\d.]+)\*\* \|", page)[1]) / 1e6
    figures = [
        [float(cell.replace(",", "").strip("* ")) for cell in line.split("|")[1:-1]]
        for line in re.findall(r"^\| [\d,]+ \| [\d,]+ \| [\d,.]+ \| .*\*\* \|$", page, re.MULTILINE)
    ]
    assert {row[0] for row in figures} == {1_000, 50_000, 1_000_000}
    for resources, changes, of_changes, of_sweeps, fixed, total in figures:
        assert of_changes == pytest.approx(changes * a_change, abs=0.01)
        assert of_sweeps == pytest.approx(120 * resources * 0.092 / 50_000, abs=0.01)
        assert total == pytest.approx(of_changes + of_sweeps + fixed, abs=0.51)
