"""History as work of functions/sweep, and on a click on Why?."""

from __future__ import annotations

import pytest

from detection.swept_fleet import Queue
from history.past_bucket import ALICE, World, ago, asset, declared, entry, name_of
from setpoint.alerting import interactions
from setpoint.alerting.interactions import InteractionHandler
from setpoint.alerting.rendering import ephemeral_replies
from setpoint.attribution.history import read_histories, read_history_of
from setpoint.bootstrap.histories import history_run
from setpoint.errors import Unavailable
from setpoint.model.alerting_config import Alerting
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sweep_records import HistoryRequest, decode_message, encode_message
from setpoint.sweep import Sweeper, receive

KEY = ResourceKey(name_of("b"))


@pytest.fixture
def world(asset_service, cloud_logging_at, monkeypatch) -> World:
    world = World(asset_service, *cloud_logging_at)
    for time, place in ((ago(30), "EU"), (ago(7), "US")):
        asset_service.put(asset("b", time, {"location": place}))
    world.logs.put(entry("b", ago(7, seconds=20)))
    world.declare(declared("b", location="EU"))
    world.sweep()
    monkeypatch.setenv("SETPOINT_GOOGLE_APIS", cloud_logging_at[1])
    return world


def sweeper(world, calls) -> Sweeper:
    return Sweeper(world.context, None, Queue(), read_history=history_run(world.context, calls))


def test_the_scheduler_has_a_budget_of_calls_read(world):
    done = receive(b'{"kind":"history"}', {}, "1", sweeper(world, 10))
    assert (done.done, done.dated, done.searched) == ("history read", 1, 1)
    assert world.finding("b").actor.principal == ALICE


def test_a_budget_of_one_call_dates_and_the_next_hour_names(world):
    assert receive(encode_message(HistoryRequest()), {}, "1", sweeper(world, 1)).dated == 1
    assert world.finding("b").actor is None
    assert receive(encode_message(HistoryRequest()), {}, "2", sweeper(world, 1)).searched == 1
    assert world.finding("b").actor.principal == ALICE


def test_where_it_is_switched_off_nothing_is_asked(world):
    assert receive(encode_message(HistoryRequest()), {}, "1", sweeper(world, 0)).about == "switched off"
    assert world.assets.history_requests == []


def test_an_error_waits_for_the_next_hour(world, mocker):
    mocker.patch("setpoint.attribution.history.read_histories", side_effect=Unavailable("no answer"))
    done = receive(encode_message(HistoryRequest()), {}, "1", sweeper(world, 10))
    assert (done.done, done.severity) == ("not healed", "WARNING")


def handler(world, queue) -> InteractionHandler:
    return InteractionHandler(world.context, None, lambda _: (), lambda _: Alerting(), queue)


def test_why_asks_sweep_for_a_history_that_is_not_known_and_then_tells_it(world):
    queue = Queue()
    first = interactions._explanation(KEY, handler(world, queue))
    assert ephemeral_replies.READING in first
    (message,) = queue
    assert decode_message(encode_message(message)) == HistoryRequest(KEY.name, KEY.content)
    receive(encode_message(message), {}, "1", sweeper(world, 10))
    second = interactions._explanation(KEY, handler(world, queue))
    assert len(queue) == 1
    assert ALICE in second
    assert "by hand" in second
    assert "2026-10-27 12:00" in second


def test_why_answers_without_a_queue_too(world):
    assert "not known yet who changed it" in interactions._explanation(KEY, handler(world, None))


def test_a_finding_that_resolved_or_has_no_record_is_left_alone(world):
    assert read_history_of(ResourceKey(name_of("nobody")), world.reader()).dated == 0
    world.assets.put(asset("b", ago(1), {"location": "EU"}))
    world.sweep()
    assert read_histories(world.reader()).dated == 0
