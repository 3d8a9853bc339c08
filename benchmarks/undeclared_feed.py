"""The cost of watching undeclared values for a whole event of a mixed feed: `python benchmarks/undeclared_feed.py`.

A feed of some messages a resource goes through the embedded pipeline with SQLite: parsed, the record read and decoded,
judged, written, its events published. Each message is handled once with the watch and once with
`undeclared: {report: off}`, one after the other, and the processor time of both is summed. Changes stay: a resource
with a quiet change has it in all messages after that. A change of a declared field is reverted with the next message.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from cases import Case, cases, message
from run import later
from undeclared_cost import SHARES, declared_field, server_field, undeclared_field

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.plan import DEFAULT_SOURCE, plan
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import desired
from setpoint.model.policy import Policy, Undeclared

_WARM = 2
"""Messages of each resource before the first that is measured."""


class _Feed:
    """The messages of one resource."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._live = orjson.loads(case.message)["asset"]["resource"]["data"]
        self._step = 0

    def next(self, kind: str) -> bytes:
        """The next message, of a kind of ``SHARES``."""
        declared = self._case.declaration.data
        self._step += 1
        shown = self._live
        if kind == "server field":
            shown = self._live = server_field(self._live, self._step)
        elif kind == "undeclared field":
            shown = self._live = undeclared_field(self._live, declared)
        elif kind == "declared field":
            shown = declared_field(self._live, declared)
        return message(self._case.declaration, shown, self._live)


def _in_sync(some: list[Case]) -> list[Case]:
    """The cases of different resources whose message shows what is declared."""
    by_name = {case.declaration.key: case for case in reversed(some)}
    with tempfile.TemporaryDirectory() as folder:
        context = _context(folder, "first", list(by_name.values()), Policy())
        fitting = [case for case in by_name.values() if pipeline.receive(case.message, {}, context) == "in_sync"]
        context.store.close()
    return fitting


def _context(folder: str, name: str, some: list[Case], policy: Policy) -> Context:
    store = SqliteStore(Path(folder) / f"{name}.db")
    planned = plan([desired((case.declaration,)) for case in some], (), DEFAULT_SOURCE, store, policy=policy)
    apply.apply(planned, store, datetime.now(UTC))
    return Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue())


def measure(some: list[Case], messages: int, seed: int) -> dict[str, Any]:
    """Processor time of a feed with and without the watch.

    Args:
        some: the resources.
        messages: the number of messages of each.
        seed: of the order and the kinds.
    """
    chance = random.Random(seed)  # noqa: S311 - a sample
    kinds = [kind for kind in SHARES if kind != "first"]
    weights = [SHARES[kind] for kind in kinds]
    feeds = [_Feed(case) for case in some]
    spent = {"on": 0.0, "off": 0.0}
    outcomes: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        on = _context(folder, "on", some, Policy())
        off = _context(folder, "off", some, Policy(undeclared=Undeclared(report="off")))
        count = 0
        for turn in range(messages + _WARM):
            for feed in chance.sample(feeds, len(feeds)):
                kind = chance.choices(kinds, weights)[0] if turn >= _WARM else "same"
                count += 1
                sent = later(feed.next(kind), count)
                sides = [("on", on), ("off", off)]
                for name, context in sides if count % 2 else reversed(sides):
                    started = time.process_time()
                    outcome = pipeline.receive(sent, {}, context)
                    took = time.process_time() - started
                    is_first = turn == 0 and _is_counted_first(count, messages)
                    if turn >= _WARM or is_first:
                        spent[name] += took
                        outcomes[f"{name} {outcome}"] = outcomes.get(f"{name} {outcome}", 0) + 1
        on.store.close()
        off.store.close()
    return {"ratio": spent["on"] / spent["off"] - 1, **spent, "outcomes": outcomes}


def _is_counted_first(count: int, messages: int) -> bool:
    """Whether a first observation is measured, so that their share of the feed is that of ``SHARES``."""
    return count % max(1, round(1 / (SHARES["first"] * messages))) == 0


def main() -> int:
    """Measure some rounds, and print the middle one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=25, help="messages of each resource")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    some, origin = cases()
    fitting = _in_sync(some)
    gc.freeze()
    rounds = [measure(fitting, options.messages, seed) for seed in range(options.rounds)]
    rounds.sort(key=lambda result: result["ratio"])
    middle = rounds[len(rounds) // 2]
    handled = sum(count for outcome, count in middle["outcomes"].items() if outcome.startswith("on "))
    sys.stdout.write(
        f"{handled:,} messages ({origin}): {middle['on'] / handled * 1e6:.1f} µs with, "
        f"{middle['off'] / handled * 1e6:.1f} µs without: {middle['ratio']:+.1%} "
        f"({rounds[0]['ratio']:+.1%} to {rounds[-1]['ratio']:+.1%})\n"
    )
    sys.stdout.write(json.dumps({"whole event": round(middle["ratio"], 3), **middle["outcomes"]}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
