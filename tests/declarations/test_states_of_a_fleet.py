"""The states of an organisation: what a run lists, reads and writes follows from what has changed, not from the fleet.

Seconds and memory of 3,000 states: `benchmarks/terraform_states.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from google.cloud.storage import Client

from setpoint.adapters.states.buckets import BucketStates
from setpoint.declarations import apply_states
from setpoint.declarations.apply_states import StateOptions, StateReport, StatesApplied
from setpoint.detection.pipeline import Context
from setpoint_tools.testing import terraform_fleet
from setpoint_tools.testing.storage_service import VARIABLE, StorageService, storage_service

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALL = "gs://states/**/*.tfstate"
RESOURCES_OF_A_STATE = 8


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageService]:
    with storage_service() as (running, address):
        monkeypatch.setenv(VARIABLE, address)
        yield running


class Fleet:
    """A fleet of states in the fake, and what runs over it ask of the storage and the store."""

    def __init__(self, service: StorageService, context: Context, states: int, mocker) -> None:
        self.service = service
        self.context = context
        self.paths = list(terraform_fleet.paths(states))
        self.sizes = terraform_fleet.sizes(states, states * RESOURCES_OF_A_STATE)
        self.store_calls: Counter[str] = Counter()
        self.reports: list[StateReport] = []
        for number in range(states):
            self.put(number)
        for name in ("write_records", "write_manifest", "write_control", "records"):
            mocker.patch.object(context.store, name, self._counted(name, getattr(context.store, name)))

    def _counted(self, name: str, call):
        def counted(*arguments, **options):
            self.store_calls[name] += 1
            return call(*arguments, **options)

        return counted

    def put(self, number: int, serial: int = 1) -> None:
        data = terraform_fleet.state(number, self.sizes[number], serial)
        self.service.put("states", self.paths[number], data)

    def run(self, pattern: str = ALL) -> StatesApplied:
        self.service.reads.clear()
        self.service.listings = 0
        self.store_calls.clear()
        self.reports.clear()
        storage = BucketStates(Client())
        return apply_states.sync_states(pattern, storage, self.context, NOW, StateOptions(), self.reports.append)


@pytest.fixture(params=[5, 50])
def fleet(request, service, deps, mocker) -> Fleet:
    return Fleet(service, deps, request.param, mocker)


def test_every_generated_resource_is_declared(fleet: Fleet) -> None:
    done = fleet.run()

    states = len(fleet.paths)
    assert done.counts == {"applied": states}
    assert [report.problems for report in fleet.reports if report.problems] == []
    assert done.resources >= states * RESOURCES_OF_A_STATE * 0.8  # grants on one project are one policy


def test_a_run_in_which_nothing_changed_lists_and_reads_no_object_and_writes_nothing(fleet: Fleet) -> None:
    fleet.run()

    assert fleet.run().counts == {"unchanged": len(fleet.paths)}
    assert (fleet.service.reads, fleet.service.listings) == ([], 1)
    assert not fleet.store_calls


@pytest.mark.parametrize("by_event", [False, True])
def test_a_changed_state_costs_the_same_in_a_small_and_in_a_large_fleet(fleet: Fleet, *, by_event: bool) -> None:
    fleet.run()
    fleet.put(1, serial=2)

    done = fleet.run(f"gs://states/{fleet.paths[1]}" if by_event else ALL)

    assert done.counts["applied"] == 1
    assert (fleet.service.reads, fleet.service.listings) == ([fleet.paths[1]], 1)
    assert fleet.store_calls["write_control"] == 3
    assert fleet.store_calls["write_records"] == 1
    assert fleet.store_calls["write_manifest"] == 1
