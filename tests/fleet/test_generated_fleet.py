"""The generated fleet: the same each time, in little memory, and its truth is what the flow finds."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.readers.load import load
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model import observation
from setpoint.model.declaration import Source, desired
from setpoint_tools.demo import files
from setpoint_tools.testing.fleet import FaultRates, Fleet
from setpoint_tools.testing.resource_templates import TEMPLATES
from sizes import size

FLEET = Fleet(400, projects=60, rounds=6, drifting=0.3)


def world_of(fleet: Fleet) -> Context:
    world = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue())
    apply.declare(world.store, fleet.desired(), (), datetime.now(UTC))
    return world


@pytest.mark.parametrize("seed", range(3))
def test_the_flow_finds_what_the_fleet_says_and_nothing_else(seed):
    fleet = Fleet(400, projects=60, rounds=6, drifting=0.3, seed=seed)
    world = world_of(fleet)

    for told in fleet.feed():
        assert pipeline.receive(told.data, {}, world) == told.outcome, told.standing

    states = {state.key: state for state in world.store.states()}
    for standing in fleet.standings():
        state = states.pop(standing.key)
        finding = state.finding
        assert state.observed_at == standing.at
        assert (finding is not None and finding.status == "open") == (standing.kind is not None)
        if standing.kind is not None:
            assert finding.kind == standing.kind
            assert all(difference.path.startswith(standing.field) for difference in finding.differences)
    assert not states, "records of what nobody declared"


@settings(max_examples=size(8, 25))
@given(
    st.builds(
        Fleet,
        resources=st.integers(1, 40),
        projects=st.integers(1, 20),
        rounds=st.integers(1, 9),
        seed=st.integers(0, 1000),
        drifting=st.floats(0, 1),
        wrongs=st.builds(FaultRates, st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 1)),
    )
)
def test_the_truth_holds_for_a_fleet_of_any_shape(fleet):
    world = world_of(fleet)

    for told in fleet.feed():
        assert pipeline.receive(told.data, {}, world) == told.outcome, told.standing


def test_a_fleet_is_the_same_each_time_and_another_with_another_seed():
    again = Fleet(400, projects=60, rounds=6, drifting=0.3)
    other = Fleet(400, projects=60, rounds=6, drifting=0.3, seed=1)

    assert list(again.feed()) == list(FLEET.feed())
    assert list(again.desired()) == list(FLEET.desired())
    assert list(again.assets()) == list(FLEET.assets())
    assert [told.data for told in other.feed()] != [told.data for told in FLEET.feed()]


def test_a_feed_has_all_that_goes_wrong_on_the_way_and_payloads_of_all_sizes():
    told = list(FLEET.feed())
    outcomes = Counter(one.outcome for one in told)
    sizes = sorted(len(one.data) for one in told if one.standing)

    assert outcomes.keys() >= {"opened", "changed", "drifted", "resolved", "in_sync", "stale", "repeated", "undeclared"}
    assert outcomes.keys() >= {"welcome", "rejected"}
    assert sizes[0] < 2_000
    assert 15_000 < sizes[-1] < 25_000
    assert len({(one.key, one.kind) for one in FLEET.declared()}) == len({one.key for one in FLEET.declared()})
    assert len({one.kind for one in FLEET.declared()}) >= len(TEMPLATES) - 1


def test_the_names_of_a_fleet_are_all_different():
    keys = [FLEET.sample(number).key for number in range(FLEET.resources)]

    assert len(set(keys)) == len(keys)


def test_documents_declare_what_is_desired(tmp_path):
    (tmp_path / "fleet.yaml").write_text(files.as_yaml(FLEET.documents()))

    loaded = load([str(tmp_path)])

    assert not loaded.problems
    read = {one.declarations[0].key: nowhere(one) for one in loaded.desired}
    assert read == {one.declarations[0].key: nowhere(one) for one in FLEET.desired()}


def nowhere(one):
    """What is desired, less where it is written."""
    return desired(tuple(replace(part, source=Source()) for part in one.declarations))


def test_the_inventory_lists_what_the_last_round_told():
    last = {one.standing.key: one for one in FLEET.feed() if one.standing and one.outcome != "stale"}
    listed = {}
    for asset in FLEET.assets():
        observed = observation.parse(json.dumps({"asset": asset}).encode())
        listed[observed.key] = observed

    assert listed.keys() == {key for key, one in last.items() if one.standing.kind != "deleted"}
    for key, observed in listed.items():
        assert observed.observed_at == last[key].standing.at
        assert observed.data == observation.parse(last[key].data).data


def test_a_fleet_of_a_million_takes_the_memory_of_a_small_one():
    fleet = Fleet(1_000_000)
    list(islice(Fleet(1_000).feed(), 100))  # what is made once is made
    tracemalloc.start()
    for _ in islice(fleet.feed(), 2_000):
        pass
    for _ in islice(fleet.desired(), 500):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 3_000_000
