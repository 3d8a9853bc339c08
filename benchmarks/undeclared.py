"""The rate of false reports of undeclared changes: `python benchmarks/undeclared.py`.

Resources of recorded cases, where they are, and of the generated fleet are declared in part, and observed each day, as
services answer when nobody changes anything. What is reported at the default settings is a false alarm. Then an author
changes recorded resources: what is reported must be what has changed.

    python benchmarks/undeclared.py                     # 100,000 resource-days, some minutes
    python benchmarks/undeclared.py --days 5000
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from setpoint.catalog.schemas import default_catalogue
from setpoint.detection.finding_state_machine import advance
from setpoint.detection.verdict import Verdict, judge
from setpoint.model import resource_state
from setpoint.model.declaration import Declaration, desired
from setpoint.model.difference import Difference
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey, project_of
from setpoint.model.resource_state import ResourceState
from setpoint.model.secrecy import THIS_PROCESS
from setpoint_tools.testing.fleet import Fleet
from setpoint_tools.testing.server_changes import a_day

START = datetime(2026, 1, 1, tzinfo=UTC)
MONTH = 30
"""Days for which each resource is observed."""
BUDGET = 1 / 10_000
"""False alarms for each resource and day."""
SHARE = 0.4
"""Of its fields, what a declaration names."""
_ROOT = Path(__file__).resolve().parents[1]


class Resource(NamedTuple):
    """A resource, as its author declares it, as it is, and as it is after a change of the author.

    Args:
        declaration: the declaration of some of its fields.
        live: the resource.
        changed: the resource after a change, and the undeclared paths that changed; None where none is recorded.
    """

    declaration: Declaration
    live: dict[str, Any]
    changed: tuple[dict[str, Any], tuple[str, ...]] | None = None


class Alarm(NamedTuple):
    """A reported undeclared change."""

    resource: str
    asset_type: str
    path: str
    declared: Any
    observed: Any


class Watch:
    """One resource under watch, with its record.

    Args:
        resource: the resource.
    """

    def __init__(self, resource: Resource) -> None:
        self.declaration = resource.declaration
        self.state: ResourceState | None = None
        self._desired = desired((resource.declaration,))

    def see(self, data: dict[str, Any], now: datetime) -> list[Difference]:
        """Observe the resource; the undeclared changes that are reported."""
        observation = Observation(self.declaration.key, self.declaration.asset_type, now, data=data)
        good = self.state.last_good if self.state is not None else None
        verdict = judge(self._desired, Rules(), observation, default_catalogue(), good=good, secrecy=THIS_PROCESS)
        if not isinstance(verdict, Verdict):
            return []
        self.state = advance(self.state, observation, verdict, now).state or self.state
        return [difference for difference in verdict.differences if difference.kind == "undeclared_change"]

    @property
    def added_bytes(self) -> int:
        """The bytes that the last known good values add to the record."""
        if self.state is None:
            return 0
        without = replace(self.state, last_good=None)
        return len(resource_state.encode_state(self.state)) - len(resource_state.encode_state(without))


def recorded() -> Iterator[Resource]:
    """The resources of recorded cases; none where there are no cases."""
    folder = Path(os.environ.get("SETPOINT_CORPUS", _ROOT.parent / "shared" / "corpus"))
    file = folder / "api.jsonl"
    for line in file.read_text().splitlines() if file.is_file() else ():
        record = json.loads(line)
        name = record["full_name"]
        declaration = Declaration(
            ResourceKey(name), record["asset_type"], record["declared"], project_of(name) or "fleet-prod-123"
        )
        changed = (record["live_after_update"], tuple(record["unmanaged_changed_paths"] or ()))
        yield Resource(declaration, record["live_after_create"], changed if record["live_after_update"] else None)


def generated(count: int, rng: random.Random) -> Iterator[Resource]:
    """Resources of the generated fleet, each declared in part."""
    fleet = Fleet(count, projects=40)
    for sample, wanted in zip(fleet.declared(), fleet.desired(), strict=True):
        (declaration, *_) = wanted.declarations
        if sample.key.content != "resource" or not isinstance(declaration.data, dict):
            continue
        names = [name for name in declaration.data if rng.random() < SHARE] or list(declaration.data)[:1]
        yield Resource(replace(declaration, data={name: declaration.data[name] for name in names}), sample.live)


def alarms(resource: Resource, days: int, rng: random.Random, sizes: list[int]) -> Iterator[Alarm]:
    """The undeclared changes that are reported while nobody changes anything."""
    schema = default_catalogue().fitting(resource.declaration.asset_type, resource.live)
    watch, live = Watch(resource), resource.live
    watch.see(live, START)
    sizes.append(watch.added_bytes)
    known: set[tuple[str, str]] = set()
    for day in range(1, days + 1):
        now = START + timedelta(days=day)
        live = a_day(live, schema, rng, now)
        for difference in watch.see(live, now):
            if (difference.path, str(difference.observed)) not in known:
                known.add((difference.path, str(difference.observed)))
                declaration = resource.declaration
                yield Alarm(
                    declaration.key.name,
                    declaration.asset_type,
                    difference.path,
                    difference.declared,
                    difference.observed,
                )


def false_reports(resource: Resource) -> list[str]:
    """Paths that are reported after an author's change, and that have not changed."""
    if resource.changed is None:
        return []
    after, changed = resource.changed
    watch = Watch(resource)
    watch.see(resource.live, START)
    reported = watch.see(after, START + timedelta(days=1))
    return [
        difference.path
        for difference in reported
        if not any(_is_of(difference.path, path) for path in changed) and _same(resource.live, after, difference.path)
    ]


def _is_of(path: str, other: str) -> bool:
    short, long = sorted((path, other), key=len)
    return long.startswith(short) and long[len(short) : len(short) + 1] in ("", ".", "[")


def _same(before: Any, after: Any, path: str) -> bool:
    """Whether the top field of a path is equal in both."""
    top = path.partition(".")[0].partition("[")[0]
    return bool(before.get(top) == after.get(top))


def measure(resource_days: int, seed: str = "undeclared") -> dict[str, Any]:
    """Measure false alarms.

    Args:
        resource_days: how many resources, each for a month, make so many days.
        seed: another one gives other days.

    Returns:
        The figures: days, alarms, their share, the paths with the most, and the median of the added bytes.
    """
    rng = random.Random(seed)  # noqa: S311 - a sample, no secret
    resources = list(recorded())
    wanted = max(1, resource_days // MONTH)
    resources = resources[:wanted]
    resources += list(generated(max(0, wanted - len(resources)), rng))[: max(0, wanted - len(resources))]
    paths: Counter[str] = Counter()
    sizes: list[int] = []
    shown: list[Alarm] = []
    for resource in resources:
        for alarm in alarms(resource, MONTH, rng, sizes):
            paths[f"{alarm.asset_type} {alarm.path}"] += 1
            shown.append(alarm)
    days = len(resources) * MONTH
    wrong = [path for resource in resources for path in false_reports(resource)]
    return {
        "resource_days": days,
        "alarms": len(shown),
        "share": len(shown) / days,
        "most": paths.most_common(20),
        "reported_unchanged": wrong,
        "record_bytes_median": statistics.median(sizes) if sizes else 0,
    }


def main() -> int:
    """Measure, and print a line of JSON; 1 where the budget is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=100_000, help="resource-days")
    parser.add_argument("--seed", default="undeclared")
    options = parser.parse_args()
    figures = measure(options.days, options.seed)
    sys.stdout.write(json.dumps(figures) + "\n")
    return int(figures["share"] > BUDGET or bool(figures["reported_unchanged"]))


if __name__ == "__main__":
    sys.exit(main())
