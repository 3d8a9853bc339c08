"""Processes that read histories into SQLite and are really killed, again and again, each having stored an answer."""

from __future__ import annotations

import signal

import pytest

import forked
from history import killed_process
from history.past_bucket import NOW, World
from setpoint.attribution.history import read_histories
from setpoint.bootstrap import open_store
from setpoint.declarations import apply
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.testing.fleet_past import BUCKET, DECLARED, PastFleet, serve

TOTAL, PAGE_SIZE = 110, 60


def declared(fleet: PastFleet):
    keys = [ResourceKey(fleet.name(number)) for number in range(TOTAL)]
    return [desired((Declaration(key, BUCKET, dict(DECLARED)),)) for key in keys]


def histories(store) -> dict:
    return {state.key: state.finding.history for state in store.states(drifted=True)}


@pytest.fixture
def world(asset_service, cloud_logging_at, tmp_path) -> World:
    """A first sweep of the fleet, in SQLite."""
    fleet = PastFleet(TOTAL, NOW)
    world = World(asset_service, *cloud_logging_at, open_store(f"sqlite:///{tmp_path}/setpoint.db"))
    serve(fleet, asset_service, world.logs)
    apply.declare(world.store, declared(fleet), (), NOW.replace(year=2024))
    world.sweep()
    yield world
    world.store.close()


def uninterrupted(world: World, address: str):
    """What a run into a store of its own answers, and its calls."""
    other = World(world.assets, world.logs, address)
    apply.declare(other.store, declared(PastFleet(TOTAL, NOW)), (), NOW.replace(year=2024))
    other.sweep()
    assert read_histories(other.reader(page_size=PAGE_SIZE)).is_complete
    calls = len(world.assets.history_requests), len(world.logs.requests)
    world.assets.history_requests.clear()
    world.logs.requests.clear()
    return histories(other.store), calls


def test_a_run_that_is_killed_at_each_page_asks_for_no_more_than_that_page_again(world, cloud_logging_at, tmp_path):
    address = cloud_logging_at[1]
    expected, (history_calls, log_calls) = uninterrupted(world, address)
    url = f"sqlite:///{tmp_path}/setpoint.db"
    done = forked.call(killed_process.lives, url, world.assets.address, address, PAGE_SIZE)
    *killed, last = map(int, done.stdout.split())
    assert (set(killed), last) == ({-signal.SIGKILL}, 0), done.stderr.decode()
    assert len(killed) >= history_calls + log_calls - 2
    assert histories(world.store) == expected
    asked = len(world.assets.history_requests) + len(world.logs.requests)
    assert asked <= history_calls + log_calls + len(killed)
