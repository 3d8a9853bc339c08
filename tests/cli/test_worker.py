"""``setpoint worker``."""

from __future__ import annotations

import signal
import subprocess
import sys

import msgspec
import pytest

from setpoint.bootstrap import open_installation_key
from setpoint.bootstrap.settings import VARIABLES
from setpoint.operations.dead_letters import decrypted
from setpoint_tools.testing.emulators import FIRESTORE, PUBSUB
from setpoint_tools.testing.pubsub import PubSubProject

WORKER = [sys.executable, "-m", "setpoint", "worker"]
NEEDED = [VARIABLES[name] for name in ("store", "events_topic", "dead_letter_topic", "subscription")]


@pytest.fixture
def environment(monkeypatch):
    """None of what a worker is set up with."""
    for name in (*NEEDED, FIRESTORE.variable, PUBSUB.variable):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("environment")
def test_a_worker_without_its_settings_names_them(monkeypatch):
    monkeypatch.setenv(PUBSUB.variable, "127.0.0.1:1")
    done = subprocess.run(WORKER, capture_output=True, text=True, check=False, timeout=240)

    assert done.returncode == 1
    assert all(name in " ".join(done.stderr.split()) for name in NEEDED)
    assert "Traceback" not in done.stderr


@pytest.mark.emulator
@pytest.mark.usefixtures("environment")
def test_a_worker_ends_well_when_it_is_told_to(pubsub_emulator, pubsub_project, monkeypatch, tmp_path):
    monkeypatch.setenv(PUBSUB.variable, pubsub_emulator.address)
    pubsub = PubSubProject(pubsub_project)
    changes, events, dead_letters = map(pubsub.topic, ("asset-changes", "drift-events", "dead-letters"))
    subscription, dead = pubsub.subscription(changes, ordered=False), pubsub.subscription(dead_letters)
    values = (f"sqlite:///{tmp_path}/setpoint.db", events, dead_letters, subscription)
    for name, value in zip(NEEDED, values, strict=True):
        monkeypatch.setenv(name, value)
    pubsub.publish(changes, [(b"no feed message", {"origin": "replay"})])

    worker = subprocess.Popen(WORKER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    received = pubsub.receive_until(dead, bool)
    worker.send_signal(signal.SIGTERM)
    output, errors = worker.communicate(timeout=240)
    pubsub.close()

    (letter,) = received
    key = open_installation_key(values[0]).read()
    assert (decrypted(letter.data, key), letter.attributes["origin"]) == (b"no feed message", "replay")
    assert (worker.returncode, errors) == (0, "")
    lines = [msgspec.json.decode(line) for line in output.splitlines()]
    assert [line["severity"] for line in lines] == ["INFO", "INFO"]
    assert lines[-1]["outcomes"] == {"rejected": 1}
