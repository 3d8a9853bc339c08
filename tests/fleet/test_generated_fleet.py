"""The generated fleet: the same each time, in little memory, and its truth is what the flow finds."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from functools import cache
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
from setpoint_tools.testing.fleet import FaultRates, FeedExpectation, Fleet
from setpoint_tools.testing.resource_templates import TEMPLATES
from sizes import size

FLEET = Fleet(400, projects=60, rounds=6, drifting=0.3)


def world_of(fleet: Fleet) -> Context:
    world = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue())
    apply.declare(world.store, fleet.desired(), (), datetime.now(UTC))
    return world


@cache
def fed() -> tuple[FeedExpectation, ...]:
    """All that the feed of the fleet tells."""
    return tuple(FLEET.feed())


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(3))
def test_the_flow_finds_what_the_fleet_says_and_nothing_else(seed):
    fleet = Fleet(size(150, 400), projects=60, rounds=6, drifting=0.3, seed=seed)
    world = world_of(fleet)

    for expectation in fleet.feed():
        assert pipeline.receive(expectation.data, {}, world) == expectation.outcome, expectation.expected_state

    states = {state.key: state for state in world.store.states()}
    for expected_state in fleet.expected_states():
        state = states.pop(expected_state.key)
        finding = state.finding
        assert state.observed_at == expected_state.time
        assert (finding is not None and finding.status == "open") == (expected_state.kind is not None)
        if expected_state.kind is not None:
            assert finding.kind == expected_state.kind
            assert all(difference.path.startswith(expected_state.field) for difference in finding.differences)
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
        fault_rates=st.builds(FaultRates, st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 1)),
    )
)
def test_the_truth_holds_for_a_fleet_of_any_shape(fleet):
    world = world_of(fleet)

    for expectation in fleet.feed():
        assert pipeline.receive(expectation.data, {}, world) == expectation.outcome, expectation.expected_state


@pytest.mark.thorough
def test_a_fleet_is_the_same_each_time_and_another_with_another_seed():
    first, again, other = (Fleet(size(100, 400), projects=60, rounds=6, drifting=0.3, seed=seed) for seed in (0, 0, 1))

    expectations = list(first.feed())
    assert list(again.feed()) == expectations
    assert list(again.desired()) == list(first.desired())
    assert list(again.assets()) == list(first.assets())
    assert [expectation.data for expectation in other.feed()] != [expectation.data for expectation in expectations]


def test_a_feed_has_all_that_goes_wrong_on_the_way_and_payloads_of_all_sizes():
    expectations = fed()
    outcomes = Counter(expectation.outcome for expectation in expectations)
    sizes = sorted(len(expectation.data) for expectation in expectations if expectation.expected_state)

    assert outcomes.keys() >= {"opened", "changed", "drifted", "resolved", "in_sync", "stale", "repeated", "undeclared"}
    assert outcomes.keys() >= {"welcome", "rejected"}
    assert sizes[0] < 2_000
    assert 15_000 < sizes[-1] < 25_000
    assert len({(sample.key, sample.kind) for sample in FLEET.declared()}) == len(
        {sample.key for sample in FLEET.declared()}
    )
    assert len({sample.kind for sample in FLEET.declared()}) >= len(TEMPLATES) - 1


def test_the_names_of_a_fleet_are_all_different():
    keys = [FLEET.sample(number).key for number in range(FLEET.resources)]

    assert len(set(keys)) == len(keys)


def test_documents_declare_what_is_desired(tmp_path):
    (tmp_path / "fleet.yaml").write_text(files.as_yaml(FLEET.documents()))

    loaded = load([str(tmp_path)])

    assert not loaded.problems
    read = {wanted.declarations[0].key: nowhere(wanted) for wanted in loaded.desired}
    assert read == {wanted.declarations[0].key: nowhere(wanted) for wanted in FLEET.desired()}


def nowhere(wanted):
    """What is desired, less where it is written."""
    return desired(tuple(replace(part, source=Source()) for part in wanted.declarations))


def test_the_inventory_lists_what_the_last_round_told():
    last = {
        expectation.expected_state.key: expectation
        for expectation in fed()
        if expectation.expected_state and expectation.outcome != "stale"
    }
    listed = {}
    for asset in FLEET.assets():
        observed = observation.parse(json.dumps({"asset": asset}).encode())
        listed[observed.key] = observed

    assert listed.keys() == {key for key, expectation in last.items() if expectation.expected_state.kind != "deleted"}
    for key, observed in listed.items():
        assert observed.observed_at == last[key].expected_state.time
        assert observed.data == observation.parse(last[key].data).data


@pytest.mark.thorough
def test_a_fleet_of_a_million_takes_the_memory_of_a_small_one():
    fleet = Fleet(1_000_000)
    list(islice(Fleet(1_000).feed(), 100))  # what is made once is made
    tracemalloc.start()
    for _ in islice(fleet.feed(), size(700, 2_000)):
        pass
    for _ in islice(fleet.desired(), size(200, 500)):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 3_000_000
