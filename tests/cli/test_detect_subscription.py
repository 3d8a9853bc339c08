"""`setpoint detect --subscription`, as a process of its own on the Pub/Sub emulator."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from detection.fleet import BUCKET, BUCKET_TYPE, bucket, foreign, moment
from setpoint.cli import app
from setpoint.model import events
from setpoint.model.events import CloudEvent
from setpoint_tools.testing.messages import resource

pytestmark = pytest.mark.emulator

SETPOINT = Path(sys.executable).with_name("setpoint")
DECLARATION = """
apiVersion: setpoint.dev/v1
kind: Declaration
metadata:
  name: //storage.googleapis.com/billing-exports
  project: billing
  owner: {team: billing}
spec:
  assetType: storage.googleapis.com/Bucket
  data: {location: EU}
"""


@pytest.fixture
def changes(pubsub) -> str:
    return pubsub.topic("asset-changes")


@pytest.fixture
def subscription(pubsub, changes) -> str:
    return pubsub.subscription(changes)


@pytest.fixture
def detect(tmp_path, subscription):
    declarations = tmp_path / "fleet.yaml"
    declarations.write_text(DECLARATION)
    options = ["--declarations", str(declarations), "--subscription", subscription, "--output", "jsonl"]

    def start(*more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(SETPOINT), "detect", *options, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )

    return start


def decoded(output: str) -> list[CloudEvent]:
    return [events.decode(line) for line in output.splitlines()]


def test_a_subscription_is_read_until_nothing_comes_any_more(pubsub, changes, subscription, detect, tmp_path):
    store = f"sqlite:///{tmp_path}/setpoint.db"
    feed = [bucket(1, location="US"), foreign(1), b"{broken", bucket(1, location="US"), bucket(2)]
    pubsub.publish(changes, [(message, {"n": str(number)}) for number, message in enumerate(feed)])

    output, errors = detect("--until-idle", "--store", store).communicate(timeout=240)

    assert [event.type for event in decoded(output)] == ["drift.opened", "drift.resolved"]
    assert "5 messages" in errors
    assert pubsub.received(subscription) == []
    (letter,) = map(json.loads, (tmp_path / "setpoint-dead-letters.jsonl").read_text().splitlines())
    assert b"{broken" not in base64.b64decode(letter["message"])
    assert letter["attributes"] == {"encrypted": "1", "n": "2"}
    kept = ["dead-letters", "decrypt", str(tmp_path / "setpoint-dead-letters.jsonl"), "--store", store]
    assert CliRunner().invoke(app, kept).stdout == "{broken\n"
    assert letter["reason"] in errors


def test_events_go_to_a_topic_as_soon_as_it_takes_them(pubsub, changes, detect):
    """Until then messages are handed back; what is interrupted has been acknowledged or will be delivered again."""
    topic = f"projects/{pubsub.project}/topics/drift-events"
    pubsub.publish(changes, [(bucket(1, location="US"), {}), (bucket(2), {})])

    with detect("--events-topic", topic) as process:
        assert any(line.startswith("again: ") and "drift-events" in line for line in process.stderr)
        process.send_signal(signal.SIGSTOP)  # what is published before anybody subscribes is lost
        heard = pubsub.subscription(pubsub.topic("drift-events"))
        process.send_signal(signal.SIGCONT)
        received = pubsub.receive_until(heard, lambda messages: len(messages) >= 2)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=240)

    assert [events.decode(message.data).type for message in received] == ["drift.opened", "drift.resolved"]
    assert (output, process.returncode) == ("", 0)
    assert "stopped; Pub/Sub will deliver unacknowledged messages again" in errors


def test_a_process_that_is_killed_half_way_loses_nothing(pubsub, changes, detect, tmp_path):
    """What it had not acknowledged comes again when the acknowledgement deadline is over."""
    names = [f"//storage.googleapis.com/bucket-{number}" for number in range(80)]
    more = tmp_path / "more.yaml"
    more.write_text("---".join(DECLARATION.replace(BUCKET.name, name) for name in names))
    options = ["--declarations", str(more), "--store", f"sqlite:///{tmp_path}/setpoint.db"]
    pubsub.publish(changes, [(resource(name, BUCKET_TYPE, {"location": "US"}, moment(1)), {}) for name in names])

    with detect(*options) as process:
        output = process.stdout.readline()
        process.kill()
        output += process.stdout.read()
    heard = {event.subject: event.id for event in decoded(output)}
    assert len(heard) < len(names), "nothing is left to lose"

    with detect(*options) as process:
        for line in process.stdout:
            event = events.decode(line)
            assert heard.setdefault(event.subject, event.id) == event.id
            if len(heard) == len(names):
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=240)

    assert heard.keys() == set(names)
