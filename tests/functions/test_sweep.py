"""`functions/sweep` as functions-framework serves it, on embedded stores and the fake inventory."""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import functions_framework
import pytest

from detection.swept_fleet import ORG, START, bucket, declare, deps_of, populate, standing, sweeper_of, topic
from setpoint import bootstrap
from setpoint.errors import BadRequest, Unavailable
from setpoint.model.sweep_records import PendingWork, encode_message
from setpoint.remediation.deep_reads import DeepReads
from setpoint.sweep import Sweeper

MAIN = Path(__file__).parents[2] / "functions/sweep/main.py"
PATH = "/projects/fleet-ops/topics/sweeps"


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))  # functions-framework adds the function's folder
    app = functions_framework.create_app(target="sweep", source=str(MAIN), signature_type="cloudevent")
    return app.test_client()


@pytest.fixture(params=["new_memory", "new_sqlite"])
def world(request, monkeypatch, asset_service) -> Sweeper:
    """What stands behind the function, in place of Google's services."""
    store = request.getfixturevalue(request.param)().open()
    populate(asset_service)
    declare(store)
    made = sweeper_of(asset_service, deps_of(store))
    monkeypatch.setattr(bootstrap, "sweeper", lambda: made)
    return made


def push(client, data: bytes, message_id: str = "1", **attributes: str) -> int:
    """Deliver a message as a push subscription does."""
    message: dict[str, Any] = {"messageId": message_id, "publishTime": "2026-03-01T12:00:01.000Z"}
    message |= {"attributes": attributes, "data": base64.b64encode(data).decode()}
    return client.post(PATH, json={"message": message, "subscription": "projects/p/subscriptions/s"}).status_code


def push_all(client, world) -> None:
    while world.queue:
        assert push(client, encode_message(world.queue.popleft())) == 200


def logged(capsys) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_start_and_the_messages_that_follow_sweep_the_fleet(client, world, capsys):
    assert push(client, encode_message(START)) == 200
    push_all(client, world)

    assert {bucket(1), bucket(24), topic(24)} < standing(world.detection).keys()
    lines = logged(capsys)
    assert [line["done"] for line in lines] == ["begun", "ended"]
    assert lines[-1]["severity"] == "INFO"
    assert lines[-1]["summary"]["declared"] == 50


def test_a_sweep_of_which_nothing_was_listed_is_an_error_in_the_log(client, world, asset_service, capsys):
    asset_service.deny(ORG)
    push(client, encode_message(START))
    push_all(client, world)
    assert logged(capsys)[-1]["severity"] == "ERROR"
    assert standing(world.detection) == {}


def test_a_broken_message_is_taken_and_dead_lettered_with_its_attributes_and_a_reason(client, world):
    assert push(client, b'{"kind": "sweep"}', origin="replay") == 200
    (letter,) = world.detection.dead_letters.kept
    assert (letter.message, letter.attributes) == (b'{"kind": "sweep"}', {"origin": "replay"})
    assert letter.reason.startswith("not a sweep message: ")


def test_an_error_gives_a_status_that_has_pubsub_deliver_again(client, world, mocker):
    push(client, encode_message(START))
    message = encode_message(world.queue.popleft())
    mocker.patch.object(world.inventory, "pages", side_effect=Unavailable("the inventory does not answer"))
    assert push(client, message) >= 500
    mocker.stopall()
    assert push(client, message) == 200


def test_healing_publishes_what_waits_and_leaves_an_outage_to_the_next_minute(client, world, mocker, capsys):
    assert push(client, encode_message(PendingWork())) == 200
    mocker.patch.object(world.detection.store, "unpublished", side_effect=Unavailable("the store does not answer"))
    assert push(client, encode_message(PendingWork())) == 200
    assert [(line["done"], line["severity"]) for line in logged(capsys)] == [
        ("healed", "INFO"),
        ("not healed", "WARNING"),
    ]


def test_healing_reads_what_is_due_through_its_own_api(client, world, monkeypatch, capsys):
    readings = DeepReads(read=3, left=2, problems=("bigquery.datasets.get is denied",))
    monkeypatch.setattr(bootstrap, "sweeper", lambda: replace(world, read_due=lambda: readings))

    assert push(client, encode_message(PendingWork())) == 200

    (line,) = logged(capsys)
    assert (line["deep_reads"], line["deep_reads_due"], line["severity"]) == (3, 2, "WARNING")
    assert line["problems"] == ["bigquery.datasets.get is denied"]


NEEDED = (
    "SETPOINT_STORE", "SETPOINT_EVENTS_TOPIC", "SETPOINT_DEAD_LETTER_TOPIC", "SETPOINT_SWEEP_TOPIC",
    "SETPOINT_SWEEP_SECONDS", "SETPOINT_HISTORY_CALLS", "SETPOINT_MASK_IP", "SETPOINT_OWN_ACCOUNTS",
)  # fmt: skip


def test_a_function_without_its_settings_names_them(monkeypatch):
    for variable in NEEDED:
        monkeypatch.delenv(variable, raising=False)
    bootstrap.sweeper.cache_clear()
    with pytest.raises(BadRequest, match=", ".join(NEEDED)):
        bootstrap.sweeper()


@pytest.mark.usefixtures("asset_service")
def test_the_time_of_a_run_is_a_number_of_seconds(monkeypatch, tmp_path, mocker):
    mocker.patch("setpoint.adapters.pubsub.bus.publisher")
    for variable in NEEDED:
        monkeypatch.setenv(variable, "projects/p/topics/t")
    monkeypatch.setenv("SETPOINT_STORE", f"sqlite:///{tmp_path}/s.db")
    bootstrap.sweeper.cache_clear()
    with pytest.raises(BadRequest, match="SETPOINT_SWEEP_SECONDS is a number of seconds"):
        bootstrap.sweeper()
    monkeypatch.setenv("SETPOINT_SWEEP_SECONDS", "378")
    monkeypatch.setenv("SETPOINT_HISTORY_CALLS", "100")
    made = bootstrap.sweeper()
    assert (made.seconds, bootstrap.sweeper()) == (378.0, made)
    made.detection.store.close()
    bootstrap.sweeper.cache_clear()
