"""The time from an observation that shows drift to the write that remediates it, embedded.

    python benchmarks/remediation.py [--count 2000]

Each bucket drifts; its feed message is handled, the drift event that follows is handed to remediation, and the clock
stops when the write reaches the API. The API is in memory, and the time that it takes itself is taken off. Printed
are percentiles for each store; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.bootstrap import open_store
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model import events
from setpoint.model.declaration import Declaration, desired
from setpoint.model.policy import Limits, Policy, Rule
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import Call, Done, Started, WritePlan, Written
from setpoint.remediation import engine
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.live_resources import LiveResources
from setpoint_tools.testing import messages

TYPE = "storage.googleapis.com/Bucket"
MANY = 10**9
POLICY = Policy(
    rules=(Rule("all", mode="auto"),),
    dry_run=False,
    limits=Limits(
        per_project=MANY, per_fleet=MANY, per_source=MANY, source_share=1.0, surge=MANY, within=1.0, rollout=0.0
    ),
)


class Api:
    """Buckets in memory, behind the port; notes when a write comes, and how long it was busy itself."""

    def __init__(self) -> None:
        self.buckets: dict[str, Any] = {}
        self.busy = 0.0
        self.written_at = 0.0

    def read(self, call: Call) -> Any:
        """The bucket."""
        began = time.perf_counter()
        body = json.loads(json.dumps(self.buckets[call.url.rpartition("/")[2]]))
        self.busy += time.perf_counter() - began
        return body

    def write(self, plan: WritePlan) -> Written:
        """Change the bucket."""
        self.written_at = time.perf_counter()
        self.buckets[plan.call.url.rpartition("/")[2]].update(plan.call.body)
        return Written()

    def operation(self, started: Started) -> Done:
        """Buckets have none."""
        raise AssertionError(started)


def times(store: str, count: int) -> list[float]:
    """Seconds from observation to write, of as many drifts, sorted."""
    api, bus, schemas = Api(), MemoryBus(), default_catalogue()
    deps = Context(open_store(store), bus, MemoryDeadLetters(), schemas)
    context = RemediationContext(deps, LiveResources(api, schemas))
    names = [f"bucket-{number}" for number in range(count)]
    wanted = [
        desired((Declaration(key, TYPE, {"versioning": {"enabled": True}}, project="shop"),))
        for key in map(_key, names)
    ]
    now = datetime.now(UTC)
    deps.projects.record({messages.ANCESTORS[0].removeprefix("projects/"): "shop"})
    apply.sync(LoadResult(wanted, policy=POLICY), ApplyRequest("bench"), deps, now - timedelta(hours=1))
    seconds = []
    for name in names:
        live = {"name": name, "location": "EU", "metageneration": "3", "versioning": {"enabled": False}}
        api.buckets[name], api.busy = live, 0.0
        message = messages.resource(_key(name).name, TYPE, live, datetime.now(UTC))
        began = time.perf_counter()
        pipeline.receive(message, {}, deps)
        engine.receive(events.encode(bus.events[-1]), {}, context)
        seconds.append(api.written_at - began - api.busy)
        assert api.buckets[name]["versioning"] == {"enabled": True}
        bus.events.clear()
    deps.store.close()
    return sorted(seconds)


def _key(name: str) -> ResourceKey:
    return ResourceKey(f"//storage.googleapis.com/{name}")


def main(arguments: Sequence[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    count = parser.parse_args(arguments).count
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, store in (("memory", "memory:"), ("sqlite", f"sqlite:///{Path(folder).as_posix()}/bench.db")):
            seconds = times(store, count)
            percentiles = {
                part: seconds[min(len(seconds) - 1, int(len(seconds) * part / 100))] * 1000 for part in (50, 95, 99)
            }
            print(f"{name:7} " + "  ".join(f"p{part} {value:6.2f} ms" for part, value in percentiles.items()))
            figures[name] = {f"p{part}_ms": round(value, 3) for part, value in percentiles.items()}
    print(json.dumps({"count": count, "observation_to_write": figures}))


if __name__ == "__main__":
    main(sys.argv[1:])
