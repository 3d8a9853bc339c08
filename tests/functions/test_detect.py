"""`functions/detect` as functions-framework serves it, on embedded stores."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import functions_framework
import pytest

from detection.fleet import BUCKET, bucket, declare, deps, foreign, records
from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, StoredDeadLetter
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, Unavailable

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "functions/detect/main.py"
TOPIC = "projects/fleet-ops/topics/asset-changes"
EVENTARC_HEADERS = {
    "ce-id": "9876543210",
    "ce-source": f"//pubsub.googleapis.com/{TOPIC}",
    "ce-specversion": "1.0",
    "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
    "ce-time": "2026-03-01T12:00:01.000Z",
}


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))  # functions-framework adds the function's folder
    app = functions_framework.create_app(target="detect", source=str(MAIN), signature_type="cloudevent")
    return app.test_client()


@pytest.fixture(params=["new_memory", "new_sqlite"])
def world(request, monkeypatch) -> Context:
    """What stands behind the function, in place of Google's services."""
    store = request.getfixturevalue(request.param)().open()
    declare(store)
    made = deps(store, MemoryBus(), MemoryDeadLetters())
    monkeypatch.setattr(bootstrap, "detector", lambda: made)
    return made


def message_of(data: bytes, **attributes: str) -> dict[str, Any]:
    message = {"messageId": "9876543210", "publishTime": "2026-03-01T12:00:01.000Z", "attributes": attributes}
    return {**message, "data": base64.b64encode(data).decode()} if data else message


def eventarc(client, message: dict[str, Any]) -> int:
    """Deliver a message as Eventarc does: a CloudEvent in binary mode."""
    body = {
        "message": {**message, "orderingKey": "a"},
        "subscription": "projects/fleet-ops/subscriptions/detect",
        "deliveryAttempt": 1,
    }
    return client.post("/", json=body, headers=EVENTARC_HEADERS).status_code


def push(client, message: dict[str, Any]) -> int:
    """Deliver a message as a push subscription does; functions-framework makes a CloudEvent of it."""
    body = {"message": message, "subscription": "projects/fleet-ops/subscriptions/detect"}
    return client.post(f"/{TOPIC}", json=body).status_code


DELIVERIES = pytest.mark.parametrize("deliver", [eventarc, push])


@DELIVERIES
def test_a_change_that_drifts_is_published(client, world, deliver):
    assert deliver(client, message_of(bucket(1, location="US"))) == 200

    assert [event.type for event in world.bus.events] == ["drift.opened"]
    assert records(world.store)[BUCKET].finding.status == "open"


@DELIVERIES
def test_the_same_message_again_is_taken_and_tells_nothing_new(client, world, deliver):
    assert deliver(client, message_of(bucket(1, location="US"))) == 200
    assert deliver(client, message_of(bucket(1, location="US"))) == 200

    assert [event.type for event in world.bus.events] == ["drift.opened"]


@DELIVERIES
def test_a_change_of_what_nobody_declares_is_taken(client, world, deliver):
    assert deliver(client, message_of(foreign(1), any_attribute="x")) == 200

    assert world.bus.events == []
    assert world.dead_letters.kept == []


@DELIVERIES
def test_a_broken_message_is_taken_and_dead_lettered_with_its_attributes_and_a_reason(client, world, deliver):
    assert deliver(client, message_of(b"{broken", origin="replay")) == 200

    (letter,) = world.dead_letters.kept
    assert (letter.message, letter.attributes) == (b"{broken", {"origin": "replay"})
    assert letter.reason.startswith("not a feed message: ")
    assert "broken" not in letter.reason


def test_a_message_of_attributes_only_is_dead_lettered(client, world):
    assert eventarc(client, message_of(b"", origin="replay")) == 200

    (letter,) = world.dead_letters.kept
    assert isinstance(letter, StoredDeadLetter)
    assert (letter.message, letter.attributes) == (b"", {"origin": "replay"})


def test_a_raw_push_of_attributes_only_is_refused_by_the_framework_so_that_pubsub_dead_letters_it(client, world):
    assert push(client, message_of(b"", origin="replay")) == 400

    assert world.dead_letters.kept == []


@DELIVERIES
def test_an_error_gives_a_status_that_has_pubsub_deliver_again(client, world, deliver, mocker):
    mocker.patch.object(world.bus, "publish", side_effect=Unavailable("the topic did not accept an event"))
    assert deliver(client, message_of(bucket(1, location="US"))) >= 500
    mocker.stopall()

    assert deliver(client, message_of(bucket(1, location="US"))) == 200
    assert [event.type for event in world.bus.events] == ["drift.opened"]


@DELIVERIES
def test_a_dead_letter_that_cannot_be_kept_is_delivered_again(client, world, deliver, mocker):
    mocker.patch.object(world.dead_letters, "put", side_effect=Unavailable("the topic did not accept a dead letter"))

    assert deliver(client, message_of(b"{broken")) >= 500


def test_a_function_without_its_settings_fails_and_names_them(client, monkeypatch, mocker):
    mocker.patch("setpoint.adapters.pubsub.bus.publisher")
    for variable in ("SETPOINT_STORE", "SETPOINT_EVENTS_TOPIC", "SETPOINT_DEAD_LETTER_TOPIC"):
        monkeypatch.delenv(variable, raising=False)
    bootstrap.detector.cache_clear()

    assert push(client, message_of(bucket(1))) >= 500
    with pytest.raises(BadRequest, match="SETPOINT_STORE, SETPOINT_EVENTS_TOPIC, SETPOINT_DEAD_LETTER_TOPIC"):
        bootstrap.detector()


def test_the_ports_are_made_once_for_the_life_of_an_instance(monkeypatch, mocker, tmp_path):
    made = mocker.patch("setpoint.adapters.pubsub.bus.publisher")
    monkeypatch.setenv("SETPOINT_STORE", f"sqlite:///{tmp_path}/setpoint.db")
    monkeypatch.setenv("SETPOINT_EVENTS_TOPIC", "projects/fleet-ops/topics/drift-events")
    monkeypatch.setenv("SETPOINT_DEAD_LETTER_TOPIC", "projects/fleet-ops/topics/dead-letters")
    bootstrap.detector.cache_clear()

    first = bootstrap.detector()
    assert bootstrap.detector() is first
    assert made.call_count == 1
    first.store.close()
    bootstrap.detector.cache_clear()


WATCHED_IMPORT = """
import os, sys
import functions_framework                      # what it needs at import is its own affair

class Watched(dict):
    def _seen(self, key):
        if key.startswith(("SETPOINT_", "GOOGLE_", "PUBSUB_", "FIRESTORE_", "K_")):
            sys.exit(f"read {key} at import")
    def __getitem__(self, key):
        self._seen(key)
        return super().__getitem__(key)
    def get(self, key, default=None):
        self._seen(key)
        return super().get(key, default)
    def __contains__(self, key):
        self._seen(key)
        return super().__contains__(key)

def hook(name, args):
    if name in ("socket.connect", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen"):
        sys.exit(f"{name} at import")

os.environ = Watched(os.environ)
os.getenv = os.environ.get
sys.addaudithook(hook)
before = set(sys.modules)
import runpy
runpy.run_path(sys.argv[1])
clients = sorted(name for name in sys.modules if name.startswith(("google.", "grpc")) and name not in before)
if clients:
    sys.exit(f"loads {clients[:3]} at import")
"""

FUNCTIONS = sorted(ROOT.glob("functions/*/main.py"))


@pytest.mark.parametrize("main", FUNCTIONS, ids=lambda path: path.parent.name)
def test_importing_a_function_reads_no_environment_opens_no_connection_and_loads_no_client(main):
    command = [sys.executable, "-c", WATCHED_IMPORT, str(main)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("main", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_is_no_more_than_its_entry(main):
    assert len(main.read_text().splitlines()) < 40
