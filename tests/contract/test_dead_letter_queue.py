"""Dead letters on Google's Pub/Sub emulator, by the command line, and in memory."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1.types import DeadLetterPolicy, ReceivedMessage, Subscription
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from setpoint.adapters.pubsub.bus import PubSubDeadLetters
from setpoint.cli import app
from setpoint.errors import BadRequest, Unavailable
from setpoint.operations import dead_letter_replay
from setpoint.operations.dead_letters import DeadLetter, EncryptedDeadLetters
from setpoint.util import telemetry
from setpoint_tools.testing.polling import wait_until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GIVEN_UP = {
    "CloudPubSubDeadLetterSourceDeliveryCount": "100",
    "CloudPubSubDeadLetterSourceSubscription": "detect",
    "CloudPubSubDeadLetterSourceSubscriptionProject": "fleet-ops",
    "CloudPubSubDeadLetterSourceTopicPublishTime": "2026-03-01T12:00:00Z",
}


class Box:
    """A ``DeadLetterQueue`` in memory; what it is told to break breaks once."""

    def __init__(self, *dead_letters: DeadLetter) -> None:
        self.kept = list(dead_letters)
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []
        self.given_back: list[DeadLetter] = []
        self.breaks = ""

    def pull(self, most):
        yield from self.kept[:most]

    def topic_of(self, subscription):
        if subscription == "gone":
            raise BadRequest("it came from a subscription that is there no longer")
        return {"detect": "projects/p/topics/asset-changes", "remediate": "projects/p/topics/drift-events"}[
            subscription
        ]

    def _break(self, what):
        if self.breaks == what:
            self.breaks = ""
            raise Unavailable(what)

    def send(self, topic, letter, attributes):
        self._break("send")
        self.sent.append((topic, letter.data, attributes))

    def ack(self, letter):
        self._break("ack")
        self.kept.remove(letter)

    def release(self, dead_letters):
        self.given_back = list(dead_letters)


def letter(number: int, data: bytes = b"{}", **attributes: str) -> DeadLetter:
    return DeadLetter(str(number), data, attributes, NOON, handle=f"h{number}")


def test_what_pubsub_gave_up_goes_back_to_its_topic_as_it_was_and_only_then_is_taken_off():
    box = Box(letter(1, origin="feed", original_topic="mine", **GIVEN_UP))
    (done,) = dead_letter_replay.replay(box, 10)
    assert (done.done, done.about) == ("sent", "projects/p/topics/asset-changes")
    assert box.sent == [
        ("projects/p/topics/asset-changes", b"{}", {"origin": "feed", "topic": "mine", "replayed": "1"})
    ]
    assert (box.kept, box.given_back) == ([], [])


def test_what_a_function_rejected_is_left_unless_its_reason_is_named():
    rejected = letter(1, reason="not a feed message: byte 3", rejected_by="detect")
    box = Box(rejected)
    (done,) = dead_letter_replay.replay(box, 10)
    assert (done.done, box.kept, box.given_back, box.sent) == ("left", [rejected], [rejected], [])

    (done,) = dead_letter_replay.replay(box, 10, "not a feed message")
    assert (done.done, box.kept) == ("sent", [])
    assert box.sent[0][2] == {"replayed": "1"}


def test_what_was_cut_comes_from_nowhere_or_from_what_is_gone_is_left_with_the_reason_and_can_be_dropped():
    cut = letter(1, cut_from_bytes="11000000", **GIVEN_UP)
    lost, gone = letter(2), letter(3, CloudPubSubDeadLetterSourceSubscription="gone")
    box = Box(cut, lost, gone)
    done = dead_letter_replay.replay(box, 10)
    assert [replayed.done for replayed in done] == ["left"] * 3
    assert ["cut off" in done[0].about, "is not recorded" in done[1].about, "no longer" in done[2].about] == [True] * 3
    assert [replayed.done for replayed in dead_letter_replay.replay(box, 10, drop=True)] == ["dropped"] * 3
    assert (box.kept, box.sent) == ([], [])


@pytest.mark.parametrize("breaks", ["send", "ack"])
def test_whatever_breaks_no_letter_is_lost_and_one_is_sent_twice_at_worst(breaks):
    dead_letters = [letter(number, b"%d" % number, **GIVEN_UP) for number in range(3)]
    box = Box(*dead_letters)
    box.breaks = breaks
    with pytest.raises(Unavailable):
        dead_letter_replay.replay(box, 10)
    assert box.kept == dead_letters
    dead_letter_replay.replay(box, 10)
    assert {data for _, data, _ in box.sent} == {b"0", b"1", b"2"}
    assert len(box.sent) <= 4
    assert box.kept == []


def test_a_trial_sends_and_takes_nothing():
    box = Box(letter(1, **GIVEN_UP))
    (done,) = dead_letter_replay.replay(box, 10, try_only=True)
    assert (done.done, len(box.kept), box.sent) == ("sent", 1, [])
    assert len(dead_letter_replay.show(box, 10)) == len(box.given_back) == 1


KEY = b"k" * 32


class Taken:
    """``DeadLetters`` that keeps what it takes."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, dict[str, str], str]] = []

    def put(self, message, attributes, reason) -> None:
        self.kept.append((message, dict(attributes), reason))


def encrypted_letter(message: bytes, **attributes: str):
    taken = Taken()
    EncryptedDeadLetters(taken, lambda: KEY).put(message, attributes, "not a feed message")
    ((data, kept, reason),) = taken.kept
    return letter(1, data, **kept, reason=reason, rejected_by="detect")


def test_a_letter_is_encrypted_and_replayed_as_it_was():
    secret = b'{"password": "hunter2"}'
    kept = encrypted_letter(secret, origin="feed", encrypted="by the publisher")
    assert b"hunter2" not in kept.data
    box = Box(kept)
    (done,) = dead_letter_replay.replay(box, 10, "not a feed", key=lambda: KEY)
    assert done.done == "sent"
    ((_, data, attributes),) = box.sent
    assert data == secret
    assert attributes == {"origin": "feed", "encrypted": "by the publisher", "replayed": "1"}


@pytest.mark.parametrize(("key", "reason"), [(None, "give --store"), (lambda: b"x" * 32, "key of another store")])
def test_a_letter_that_cannot_be_decrypted_is_left(key, reason):
    box = Box(encrypted_letter(b"secret"))
    (done,) = dead_letter_replay.replay(box, 10, "not a feed", key=key)
    assert done.done == "left"
    assert reason in done.about
    assert (len(box.kept), box.sent) == (1, [])


def test_a_letter_that_was_changed_is_not_sent():
    kept = encrypted_letter(b"secret")
    box = Box(letter(1, kept.data[:-1] + bytes([kept.data[-1] ^ 1]), **kept.attributes))
    (done,) = dead_letter_replay.replay(box, 10, "not a feed", key=lambda: KEY)
    assert done.done == "left"


def test_one_message_is_encrypted_otherwise_each_time():
    assert encrypted_letter(b"secret").data != encrypted_letter(b"secret").data


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=20)))
def test_any_attributes_can_be_read_and_restored(attributes):
    restored_letter = letter(1).__class__("1", b"", attributes, NOON)
    assert restored_letter.attempts >= 0
    assert restored_letter.why
    restored = restored_letter.restored()
    assert int(restored.pop("replayed")) >= 1
    assert not any(name.startswith("CloudPubSub") for name in restored)


@pytest.mark.emulator
def test_on_pubsub_letters_are_listed_and_replayed(pubsub, pubsub_project):
    changes, dead = pubsub.topic("asset-changes"), pubsub.topic("dead-letters")
    pubsub.subscription(dead)
    name = f"projects/{pubsub_project}/subscriptions/detect"
    client = SubscriberClient()
    policy = DeadLetterPolicy(dead_letter_topic=dead, max_delivery_attempts=5)
    client.create_subscription(
        Subscription(name=name, topic=changes, dead_letter_policy=policy, ack_deadline_seconds=10)
    )
    pubsub.publish(changes, [(b'{"secret": "hunter2"}', {"origin": "feed"})])

    def given_up() -> list[str]:
        for message in pulled(client, name):
            client.modify_ack_deadline(subscription=name, ack_ids=[message.ack_id], ack_deadline_seconds=0)
        return lines("list", "--project", pubsub_project, "--output", "jsonl")

    shown = wait_until(given_up, "the emulator does not give the message up")
    assert [json.loads(line)["subscription"] for line in shown] == ["detect"]
    assert "hunter2" not in "".join(shown)
    with telemetry.running("detect", telemetry.begun(None, "1")):
        PubSubDeadLetters(pubsub.publisher, dead).put(b"{broken", {"origin": "x"}, "not a feed message: byte 1")

    result = CliRunner().invoke(app, ["dead-letters", "replay", "--project", pubsub_project])
    assert result.exit_code == 1  # one was left
    assert "1 of 2 sent or dropped" in result.stderr
    (again,) = wait_until(lambda: pulled(client, name), "the message is not delivered again")
    assert (again.message.data, dict(again.message.attributes)) == (
        b'{"secret": "hunter2"}', {"origin": "feed", "replayed": "1"},
    )  # fmt: skip
    (left,) = [json.loads(line) for line in lines("list", "--project", pubsub_project, "--output", "jsonl")]
    assert (left["reason"], left["subscription"]) == ("not a feed message: byte 1", "detect")
    dropped = ["dead-letters", "replay", "--project", pubsub_project, "--reason", "byte 1", "--drop"]
    assert CliRunner().invoke(app, dropped).exit_code == 0
    assert lines("list", "--project", pubsub_project, "--output", "jsonl") == []
    client.close()


def pulled(client: SubscriberClient, subscription: str) -> list[ReceivedMessage]:
    """What comes within a second."""
    try:
        return list(client.pull(subscription=subscription, max_messages=10, timeout=1, retry=None).received_messages)
    except DeadlineExceeded:
        return []


def lines(*arguments: str) -> list[str]:
    result = CliRunner().invoke(app, ["dead-letters", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


@pytest.mark.emulator
@pytest.mark.usefixtures("pubsub")
def test_a_subscription_that_is_not_there_is_said(pubsub_project):
    result = CliRunner().invoke(app, ["dead-letters", "list", "--project", pubsub_project])
    assert isinstance(result.exception, BadRequest)
    assert "there is no projects/" in str(result.exception)
