"""`functions/attribute` as functions-framework serves it, on embedded stores."""

from __future__ import annotations

import sys
from pathlib import Path

import functions_framework
import pytest

from attribution.world import ALICE, World, entry
from functions.test_detect import eventarc, message_of, push
from setpoint import bootstrap
from setpoint.errors import BadRequest, Unavailable

MAIN = Path(__file__).parents[2] / "functions/attribute/main.py"
DELIVERIES = pytest.mark.parametrize("deliver", [eventarc, push])
VARIABLES = (
    "SETPOINT_STORE",
    "SETPOINT_EVENTS_TOPIC",
    "SETPOINT_DEAD_LETTER_TOPIC",
    "SETPOINT_MASK_IP",
    "SETPOINT_OWN_ACCOUNTS",
)


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))  # functions-framework adds the function's folder
    app = functions_framework.create_app(target="attribute", source=str(MAIN), signature_type="cloudevent")
    return app.test_client()


@pytest.fixture(params=["new_memory", "new_sqlite"])
def world(request, monkeypatch) -> World:
    """A bucket that has drifted, and what stands behind the function in place of Google's services."""
    world = World(store=request.getfixturevalue(request.param)().open())
    monkeypatch.setattr(bootstrap, "attributor", lambda: world.attributor)
    world.observe()
    return world


@DELIVERIES
def test_who_changed_it_is_told(client, world, deliver):
    assert deliver(client, message_of(entry())) == 200

    assert world.actor.principal == ALICE
    assert world.event_types == ["drift.opened", "drift.attributed"]


@DELIVERIES
def test_what_is_no_entry_is_taken_and_dead_lettered_with_the_reason(client, world, deliver):
    assert deliver(client, message_of(b"{broken", origin="replay")) == 200

    (letter,) = world.dead_letters.kept
    assert (letter.message, letter.attributes) == (b"{broken", {"origin": "replay"})
    assert letter.reason.startswith("not an entry of an audit log: ")


@DELIVERIES
def test_what_fails_is_delivered_again(client, world, deliver, monkeypatch):
    def unavailable(*_: object) -> None:
        raise Unavailable("the store does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(world.store, "remember", unavailable)
        assert deliver(client, message_of(entry())) >= 500
    assert deliver(client, message_of(entry())) == 200
    assert world.actor.principal == ALICE


def test_a_function_without_its_settings_fails_and_names_them(client, monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    bootstrap.attributor.cache_clear()

    assert push(client, message_of(entry())) >= 500
    with pytest.raises(BadRequest, match=", ".join(VARIABLES)):
        bootstrap.attributor()


@pytest.fixture
def settings(monkeypatch, mocker, tmp_path):
    mocker.patch("setpoint.adapters.pubsub.bus.publisher")
    monkeypatch.setenv("SETPOINT_STORE", f"sqlite:///{tmp_path}/setpoint.db")
    monkeypatch.setenv("SETPOINT_EVENTS_TOPIC", "projects/fleet-ops/topics/drift-events")
    monkeypatch.setenv("SETPOINT_DEAD_LETTER_TOPIC", "projects/fleet-ops/topics/dead-letters")
    monkeypatch.setenv("SETPOINT_OWN_ACCOUNTS", "a@x.iam.gserviceaccount.com, b@x.iam.gserviceaccount.com")
    bootstrap.attributor.cache_clear()
    yield monkeypatch
    bootstrap.attributor.cache_clear()


@pytest.mark.parametrize(("logged_as", "masks"), [("true", True), ("false", False)])
def test_the_settings_say_whether_addresses_are_masked_and_which_accounts_are_setpoints_own(settings, logged_as, masks):
    settings.setenv("SETPOINT_MASK_IP", logged_as)

    made = bootstrap.attributor()
    assert bootstrap.attributor() is made
    assert made.mask_ip is masks
    assert made.own == {"a@x.iam.gserviceaccount.com", "b@x.iam.gserviceaccount.com"}
    made.detection.store.close()


def test_a_setting_that_is_neither_true_nor_false_is_refused(settings):
    settings.setenv("SETPOINT_MASK_IP", "yes")
    with pytest.raises(BadRequest, match="SETPOINT_MASK_IP is true or false, not `yes`"):
        bootstrap.attributor()
