"""Drifts that have to last before they are findings, through the flow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from setpoint.declarations import apply
from setpoint.detection import pipeline
from setpoint.errors import CorruptState
from setpoint.model.declaration import Declaration, desired
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

KEY = ResourceKey("//container.googleapis.com/projects/shop/locations/europe-west1/clusters/web")
TYPE = "container.googleapis.com/Cluster"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(deps, clock):
    wanted = Declaration(KEY, TYPE, {"networkPolicy": {"enabled": True}}, project="shop")
    apply.declare(deps.store, [desired((wanted,))], (), NOON)
    return replace(deps, clock=clock)


def seen(second: int, *, enabled: bool, status: str = "RECONCILING") -> Observation:
    data = {"networkPolicy": {"enabled": enabled}, "status": status}
    return Observation(KEY, TYPE, NOON + timedelta(seconds=second), data=data, ancestors=("projects/12",))


def test_what_lasts_becomes_a_finding_by_the_clock_alone(timed, clock):
    assert pipeline.handle_observation(seen(0, enabled=False), timed) == "settling"
    assert pipeline.promote_settled(timed) == {}
    assert timed.bus.events == []

    clock.now += timedelta(seconds=30)

    assert pipeline.promote_settled(timed) == {"opened": 1}
    assert [event.type for event in timed.bus.events] == ["drift.opened"]
    assert pipeline.promote_settled(timed) == {}


def test_a_controller_that_writes_in_two_steps_raises_no_alarm(timed, clock):
    pipeline.handle_observation(seen(0, enabled=False), timed)
    pipeline.handle_observation(seen(10, enabled=True, status="RUNNING"), timed)
    clock.now += timedelta(hours=1)

    assert pipeline.promote_settled(timed) == {}
    assert timed.bus.events == []


def test_a_repeated_message_opens_what_is_due(timed, clock):
    pipeline.handle_observation(seen(0, enabled=False), timed)
    clock.now += timedelta(seconds=31)

    assert pipeline.handle_observation(seen(0, enabled=False), timed) == "opened"
    assert pipeline.handle_observation(seen(0, enabled=False), timed) == "repeated"
    assert len(timed.bus.events) == 1


def test_a_declaration_that_takes_the_drift_away_while_it_settles_ends_it(timed, clock):
    pipeline.handle_observation(seen(0, enabled=False), timed)
    other = Declaration(KEY, TYPE, {"networkPolicy": {"enabled": False}}, project="shop")
    apply.declare(timed.store, [desired((other,))], (), NOON)
    clock.now += timedelta(seconds=30)

    assert pipeline.promote_settled(timed) == {"in_sync": 1}
    assert pipeline.promote_settled(timed) == {}
    assert timed.bus.events == []


def test_a_record_that_cannot_be_read_keeps_no_other_from_settling(timed, clock, monkeypatch):
    pipeline.handle_observation(seen(0, enabled=False), timed)
    other = ResourceKey("//container.googleapis.com/projects/shop/locations/europe-west1/clusters/another")
    wanted = Declaration(other, TYPE, {"networkPolicy": {"enabled": True}}, project="shop")
    apply.declare(timed.store, [desired((wanted,))], (), NOON)
    data = {"networkPolicy": {"enabled": False}, "status": "RECONCILING"}
    pipeline.handle_observation(Observation(other, TYPE, NOON, data=data, ancestors=("projects/12",)), timed)
    read = timed.store.last_observation

    def broken(key):
        if key == KEY:
            raise CorruptState("unreadable")
        return read(key)

    monkeypatch.setattr(timed.store, "last_observation", broken)
    clock.now += timedelta(seconds=30)

    problems = []
    assert pipeline.promote_settled(timed, problems) == {"opened": 1, "unreadable": 1}
    assert list(map(str, problems)) == ["unreadable"]
