"""`functions/remediate` as functions-framework serves it, on embedded stores and the fake of Google's APIs."""

from __future__ import annotations

import sys
from pathlib import Path

import functions_framework
import pytest

from functions.test_detect import eventarc, message_of, push
from remediation.fleet import KEY, URL, World
from setpoint import bootstrap
from setpoint.adapters.google.rest import open_apis
from setpoint.errors import BadRequest, Unavailable
from setpoint.model import events
from setpoint_tools.testing.google_faults import Fault

MAIN = Path(__file__).parents[2] / "functions/remediate/main.py"
DELIVERIES = pytest.mark.parametrize("deliver", [eventarc, push])


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))  # functions-framework adds the function's folder
    app = functions_framework.create_app(target="remediate", source=str(MAIN), signature_type="cloudevent")
    return app.test_client()


@pytest.fixture(params=["new_memory", "new_sqlite"])
def world(request, monkeypatch, google_apis, google_rest) -> World:
    """A drifted bucket, and what stands behind the function in place of Google's services."""
    world = World(google_apis, google_rest, request.getfixturevalue(request.param)().open())
    monkeypatch.setattr(bootstrap, "remediator", lambda: world.context)
    world.declare()
    world.drift()
    return world


def drift_event(world: World) -> dict:
    (opened,) = [event for event in world.bus.events if event.type == "drift.opened"]
    return message_of(events.encode(opened), type=opened.type, asset_type="storage.googleapis.com/Bucket")


@DELIVERIES
def test_a_drift_is_put_back(client, world, deliver):
    assert deliver(client, drift_event(world)) == 200

    assert world.google.get(URL)["versioning"] == {"enabled": True}
    assert world.event_types[-1] == "remediation.succeeded"


@DELIVERIES
def test_a_tick_goes_on_with_what_is_due(client, world, deliver):
    world.google.fail(Fault(lost="before"), verb="PATCH")
    assert deliver(client, drift_event(world)) == 200
    for _ in range(4):
        world.clock.forward(minutes=1)
        assert deliver(client, message_of(b"tick", type="tick")) == 200

    assert (world.writes, world.event_types[-1]) == (1, "remediation.succeeded")


@DELIVERIES
def test_a_tick_says_what_it_could_not_go_on_with(client, world, deliver, capsys):
    world.google.fail(Fault(lost="before"), verb="PATCH")
    deliver(client, drift_event(world))
    world.google.fail(Fault(503), verb="GET", times=-1)
    world.clock.forward(minutes=1)

    assert deliver(client, message_of(b"tick", type="tick")) == 200
    assert "storage.buckets.get" in capsys.readouterr().out


@DELIVERIES
def test_what_is_no_event_is_taken_and_dead_lettered_with_the_reason(client, world, deliver):
    assert deliver(client, message_of(b"{broken", origin="replay")) == 200

    (letter,) = world.deps.dead_letters.kept
    assert (letter.message, letter.attributes) == (b"{broken", {"origin": "replay"})
    assert letter.reason.startswith("not an event of Setpoint's: ")


@DELIVERIES
def test_what_fails_is_delivered_again(client, world, deliver, mocker):
    message = drift_event(world)
    mocker.patch.object(type(world.store), "safety_state", side_effect=Unavailable("no answer"))
    assert deliver(client, message) >= 500
    mocker.stopall()

    assert deliver(client, drift_event(world)) == 200
    assert world.store.read(KEY).state.remediation.step == "done"


def test_a_function_without_its_settings_fails_and_names_them(client, monkeypatch):
    for variable in ("SETPOINT_STORE", "SETPOINT_EVENTS_TOPIC", "SETPOINT_DEAD_LETTER_TOPIC"):
        monkeypatch.delenv(variable, raising=False)
    bootstrap.remediator.cache_clear()

    assert push(client, message_of(b"tick", type="tick")) >= 500
    with pytest.raises(BadRequest, match="SETPOINT_STORE, SETPOINT_EVENTS_TOPIC, SETPOINT_DEAD_LETTER_TOPIC"):
        bootstrap.remediator()


def test_the_ports_are_made_once_and_nobody_shows_credentials_to_what_is_in_place_of_google(
    monkeypatch, mocker, tmp_path
):
    mocker.patch("setpoint.adapters.pubsub.bus.publisher")
    credentials = mocker.patch("google.auth.default")
    monkeypatch.setenv("SETPOINT_STORE", f"sqlite:///{tmp_path}/setpoint.db")
    monkeypatch.setenv("SETPOINT_EVENTS_TOPIC", "projects/fleet-ops/topics/drift-events")
    monkeypatch.setenv("SETPOINT_DEAD_LETTER_TOPIC", "projects/fleet-ops/topics/dead-letters")
    monkeypatch.setenv("SETPOINT_GOOGLE_APIS", "http://127.0.0.1:1/")
    bootstrap.remediator.cache_clear()

    first = bootstrap.remediator()
    assert bootstrap.remediator() is first
    assert not credentials.called
    first.store.close()
    bootstrap.remediator.cache_clear()


def test_without_that_setting_the_credentials_of_the_environment_are_used(mocker):
    credentials = mocker.patch("google.auth.default", return_value=(mocker.Mock(), None))
    open_apis()
    assert credentials.called
