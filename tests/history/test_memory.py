"""The memory of a run does not grow with the number of findings."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
import pytest

from history.past_bucket import NOW
from setpoint.adapters.memory.store import MemoryDeadLetters
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.attribution.history import HistoryReader, read_histories
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection import batch
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, desired
from setpoint.model.drift_history import AssetVersion
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.services import Histories, LogPage
from setpoint_tools.testing.fleet_past import BUCKET, DECLARED, PastFleet

FEW, MANY, ROUND = 200, 800, 100


class Pasts:
    """Both histories of a fleet, made when they are asked for."""

    def __init__(self, fleet: PastFleet) -> None:
        self.fleet = fleet

    def observation(self, number: int, values: Mapping[str, object], time: datetime) -> Observation:
        name, ancestors = self.fleet.name(number), tuple(self.fleet.ancestors(number))
        return Observation(ResourceKey(name), BUCKET, time, data={"name": name, **values}, ancestors=ancestors)

    def versions(self, number: int) -> list[AssetVersion]:
        values: dict[str, object] = {}
        versions: list[AssetVersion] = []
        for change in self.fleet.changes(number):
            values = {**values, **change.values}
            versions.append(AssetVersion(self.observation(number, values, change.time), change.time))
        return versions

    def histories(self, parent: str, content: str, names: Sequence[str], since: datetime) -> Histories:
        del parent, content, since
        return Histories({name: self.versions(int(name.rpartition("-")[2])) for name in names})

    def pages(self, windows: Mapping[str, object]) -> Iterator[LogPage]:
        for container in windows:
            yield LogPage((container,), [msgspec.json.encode(entry) for entry in self.fleet.entries(container)])


def peak(total: int, path) -> int:
    fleet = PastFleet(total, NOW)
    pasts = Pasts(fleet)
    context = Context(SqliteStore(path), None, MemoryDeadLetters(), default_catalogue(), clock=lambda: NOW)
    declared = (
        desired((Declaration(ResourceKey(fleet.name(number)), BUCKET, dict(DECLARED)),)) for number in range(total)
    )
    apply.declare(context.store, list(declared), (), NOW.replace(year=2024))
    context.projects.record({str(700_000_000_000 + index): fleet.project_id(index) for index in range(fleet.projects)})
    for start in range(0, total, 100):
        batch.handle_many([pasts.versions(number)[-1].observation for number in range(start, start + 100)], context)
    gc.collect()
    tracemalloc.start()
    result = read_histories(HistoryReader(context, pasts, pasts, round_size=ROUND))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    context.store.close()
    assert (result.dated, result.is_complete) == (total, True)
    return most


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_memory_is_that_of_a_round_whatever_the_number_of_findings(tmp_path):
    few, many = peak(FEW, tmp_path / "few.db"), peak(MANY, tmp_path / "many.db")
    print(f"\n{few / 1e6:.1f} MB for {FEW:,}, {many / 1e6:.1f} MB for {MANY:,} findings")  # noqa: T201 - figures
    assert many <= 1.3 * few
