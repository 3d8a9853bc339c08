"""A generated fleet with a month of history: since when and who, against the truth, within the quotas."""

from __future__ import annotations

import os
import time

import pytest

from history.past_bucket import NOW, World
from setpoint.attribution.history import read_histories
from setpoint.declarations import apply
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.testing.fleet_past import BUCKET, DECLARED, PastFleet, serve
from setpoint_tools.testing.rate_quotas import Quota
from sizes import size

TOTAL = int(os.environ.get("SETPOINT_HISTORY_FLEET", size(600, 2_000)))
SIMULATED = 600


@pytest.fixture
def fleet() -> PastFleet:
    return PastFleet(TOTAL, NOW)


@pytest.fixture
def world(fleet, asset_service, cloud_logging_at) -> World:
    world = World(asset_service, *cloud_logging_at)
    serve(fleet, asset_service, world.logs)
    asset_service.limit(histories=Quota(100, lambda: world.seconds))
    world.logs.quota = Quota(60, lambda: world.seconds)
    declarations = (
        desired((Declaration(ResourceKey(fleet.name(number)), BUCKET, dict(DECLARED)),)) for number in range(TOTAL)
    )
    apply.declare(world.store, list(declarations), (), NOW.replace(year=2024))
    world.sweep()
    return world


@pytest.mark.thorough
def test_since_when_and_who_are_right_within_the_quotas(world, fleet):
    started = time.perf_counter()
    result = read_histories(world.reader())
    took = time.perf_counter() - started
    assert result.is_complete
    counts = dict.fromkeys(("fields", "dated", "logged", "named", "wrong", "certainly wrong"), 0)
    for number in range(TOTAL):
        history = world.store.read(ResourceKey(fleet.name(number))).state.finding.history
        began = {field.path: field for field in history.fields}
        for path, truth in fleet.truth(number).items():
            field = began[path]
            counts["fields"] += 1
            if truth.since is None:
                counts["dated"] += field.at_least
            else:
                counts["dated"] += field.since is not None and abs((field.since - truth.since).total_seconds()) < 60
            if truth.principal:
                counts["logged"] += 1
                counts["named"] += field.actor is not None and field.actor.principal == truth.principal
            if field.actor is not None and field.actor.principal != truth.principal:
                counts["wrong"] += 1
                counts["certainly wrong"] += field.actor.confidence != "possible"
    calls = len(world.assets.history_requests), len(world.logs.requests)
    print(f"\n{counts}; {calls} calls, {world.seconds:.0f} s simulated, {took:.0f} s of work")  # noqa: T201 - figures
    assert counts["dated"] >= 0.99 * counts["fields"]
    assert counts["named"] >= 0.98 * counts["logged"]
    assert counts["wrong"] == 0
    assert world.seconds <= SIMULATED * max(TOTAL / 50_000, 0.2)
    assert world.assets._listings.history_quota.refused == 0
    assert world.logs.quota.refused == 0
