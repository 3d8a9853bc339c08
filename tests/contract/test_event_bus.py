"""The contract of `EventBus` and of `DeadLetters`, over every backend that the product has."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable
from typing import NamedTuple

import pytest

from contract.records import KEY, OTHER, event
from setpoint.adapters.jsonl import JsonlBus, JsonlDeadLetters
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, StoredDeadLetter
from setpoint.adapters.pubsub.bus import PubSubBus, PubSubDeadLetters
from setpoint.errors import Unavailable
from setpoint.model import events
from setpoint.model.events import CloudEvent
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.queues import DeadLetters, EventBus

EVENT_BUSES = ["memory", "jsonl", pytest.param("pubsub", marks=pytest.mark.emulator)]


class Listened(NamedTuple):
    """A bus, and all that a consumer has heard on it since."""

    bus: EventBus
    heard: Callable[[], list[CloudEvent]]


class Kept(NamedTuple):
    """Dead letters, and what a person finds there."""

    port: DeadLetters
    dead_letters: Callable[[], list[StoredDeadLetter]]


@pytest.fixture(params=EVENT_BUSES)
def listened(request) -> Listened:
    return request.getfixturevalue(f"{request.param}_bus")


@pytest.fixture
def memory_bus():
    bus = MemoryBus()
    return Listened(bus, lambda: bus.events)


@pytest.fixture
def jsonl_bus():
    stream = io.BytesIO()
    return Listened(JsonlBus(stream), lambda: [events.decode(line) for line in stream.getvalue().splitlines()])


@pytest.fixture
def pubsub_bus(pubsub):
    topic = pubsub.topic("drift-events")
    subscription = pubsub.subscription(topic)
    return Listened(
        PubSubBus(pubsub.publisher, topic),
        lambda: [events.decode(message.data) for message in pubsub.received(subscription)],
    )


@pytest.fixture(params=EVENT_BUSES)
def kept(request) -> Kept:
    return request.getfixturevalue(f"{request.param}_letters")


@pytest.fixture
def memory_letters():
    dead_letters = MemoryDeadLetters()
    return Kept(dead_letters, lambda: dead_letters.kept)


@pytest.fixture
def jsonl_letters():
    stream = io.BytesIO()

    def dead_letters():
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [
            StoredDeadLetter(base64.b64decode(line["message"]), line["attributes"], line["reason"]) for line in lines
        ]

    return Kept(JsonlDeadLetters(stream), dead_letters)


@pytest.fixture
def pubsub_letters(pubsub):
    topic = pubsub.topic("dead-letters")
    subscription = pubsub.subscription(topic)

    def dead_letters():
        received = [(message.data, dict(message.attributes)) for message in pubsub.received(subscription)]
        return [StoredDeadLetter(data, attributes, attributes.pop("reason")) for data, attributes in received]

    return Kept(PubSubDeadLetters(pubsub.publisher, topic), dead_letters)


def test_events_arrive_as_they_were_published(listened):
    published = event(KEY, 1, observed={"ünï": [1, 2.5, None, "✓"]})

    listened.bus.publish([published])

    assert listened.heard() == [published]


def test_events_of_one_resource_keep_their_order(listened):
    sent = [event(KEY, number) for number in range(1, 41)]
    listened.bus.publish(sent[:1])
    listened.bus.publish(sent[1:30])
    listened.bus.publish(sent[30:])

    assert listened.heard() == sent


def test_events_of_each_resource_keep_their_order_among_others(listened):
    for number in range(1, 11):
        for key in (KEY, OTHER):
            listened.bus.publish([event(key, number)])

    heard = listened.heard()

    for key in (KEY, OTHER):
        assert [message for message in heard if message.subject == key.name] == [
            event(key, number) for number in range(1, 11)
        ]


def test_events_of_many_resources_are_published_at_once(listened):
    keys = [ResourceKey(f"//storage.googleapis.com/bucket-{number}") for number in range(30)]
    sent = [event(key, number) for number in (1, 2, 3) for key in keys]

    listened.bus.publish(sent)

    heard = listened.heard()
    for key in keys:
        assert [message for message in heard if message.subject == key.name] == [
            event(key, number) for number in (1, 2, 3)
        ]


def test_an_event_that_is_published_again_keeps_its_id(listened):
    listened.bus.publish([event(KEY, 1)])
    listened.bus.publish([event(KEY, 1), event(KEY, 2)])

    assert {message.id for message in listened.heard()} == {event(KEY, 1).id, event(KEY, 2).id}


def test_publishing_nothing_is_heard_by_nobody(listened):
    listened.bus.publish([])

    assert listened.heard() == []


def test_a_resource_name_longer_than_an_ordering_key_is_published_too(listened):
    long = ResourceKey("//storage.googleapis.com/" + "ü" * 600)
    listened.bus.publish([event(long, 1), event(long, 2)])

    assert listened.heard() == [event(long, 1), event(long, 2)]


def test_a_dead_letter_keeps_message_attributes_and_reason(kept):
    kept.port.put(b"\x00\xff not json", {"a": "1", "ü": "✓"}, "not a feed message: ünreadable (byte 0)")

    assert kept.dead_letters() == [
        StoredDeadLetter(b"\x00\xff not json", {"a": "1", "ü": "✓"}, "not a feed message: ünreadable (byte 0)")
    ]


def test_an_empty_message_without_attributes_is_kept(kept):
    kept.port.put(b"", {}, "not a feed message")

    assert kept.dead_letters() == [StoredDeadLetter(b"", {}, "not a feed message")]


@pytest.mark.emulator
def test_pubsub_messages_carry_what_subscriptions_filter_by(pubsub):
    topic = pubsub.topic("drift-events")
    subscription = pubsub.subscription(topic)

    PubSubBus(pubsub.publisher, topic).publish([event(KEY, 1)])

    (message,) = pubsub.received(subscription)
    assert message.ordering_key == KEY.name
    assert dict(message.attributes) == {
        "content-type": "application/cloudevents+json",
        "type": "drift.opened",
        "asset_type": "storage.googleapis.com/Bucket",
        "project": "billing",
        "team": "billing",
        "severity": "high",
    }


@pytest.mark.emulator
def test_a_reason_longer_than_an_attribute_is_cut_between_characters(pubsub):
    topic = pubsub.topic("dead-letters")
    subscription = pubsub.subscription(topic)

    PubSubDeadLetters(pubsub.publisher, topic).put(b"x", {"googclient_schemaname": "a"}, "a" + "ü" * 2000)

    (message,) = pubsub.received(subscription)
    assert dict(message.attributes) == {"reason": "a" + "ü" * 511}


@pytest.mark.emulator
def test_a_topic_that_does_not_take_events_is_unavailable_until_it_does(pubsub):
    bus = PubSubBus(pubsub.publisher, f"projects/{pubsub.project}/topics/drift-events")
    with pytest.raises(Unavailable, match="drift-events did not accept an event"):
        bus.publish([event(KEY, 1), event(KEY, 2)])
    with pytest.raises(Unavailable):
        bus.publish([event(KEY, 1), event(KEY, 2)])

    subscription = pubsub.subscription(pubsub.topic("drift-events"))
    bus.publish([event(KEY, 1), event(KEY, 2)])

    assert [events.decode(message.data) for message in pubsub.received(subscription)] == [event(KEY, 1), event(KEY, 2)]


@pytest.mark.emulator
def test_threads_that_publish_of_one_resource_to_a_missing_topic_all_hear_that_it_is_unavailable(pubsub):
    bus = PubSubBus(pubsub.publisher, f"projects/{pubsub.project}/topics/drift-events")
    failures: list[Exception] = []

    def publish():
        for _ in range(5):
            try:
                bus.publish([event(KEY, 1)])
            except Exception as failure:  # noqa: BLE001 - the test looks at which it is
                failures.append(failure)

    threads = [threading.Thread(target=publish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [type(failure) for failure in failures] == [Unavailable] * 40


@pytest.mark.emulator
def test_a_dead_letter_topic_that_is_missing_is_unavailable(pubsub):
    dead_letters = PubSubDeadLetters(pubsub.publisher, f"projects/{pubsub.project}/topics/dead-letters")

    with pytest.raises(Unavailable, match="dead-letters did not accept a dead letter"):
        dead_letters.put(b"x", {}, "because")
