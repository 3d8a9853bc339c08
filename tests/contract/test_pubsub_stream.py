"""A stream of a subscription, by the real client on the emulator."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from setpoint.adapters.pubsub.bus import Delivered, PubSubStream, subscriber
from setpoint.errors import BadRequest
from setpoint_tools.testing.polling import LIMIT, wait_until
from setpoint_tools.testing.pubsub import PubSubProject

pytestmark = pytest.mark.emulator


@pytest.fixture
def subscription(pubsub: PubSubProject) -> str:
    topic = pubsub.topic("asset-changes")
    name = pubsub.subscription(topic, ordered=False)
    pubsub.publish(topic, [(b"%d" % number, {"number": str(number)}) for number in range(40)])
    return name


@pytest.fixture
def open_stream(at_the_end) -> Iterator[Callable[..., PubSubStream]]:
    def opened(subscription: str, messages: int = 1_000) -> PubSubStream:
        stream = PubSubStream(subscriber(), subscription, messages=messages, size=1 << 20)
        at_the_end.callback(stream.close)
        return stream

    return opened


def test_a_stream_gives_no_more_than_may_be_held_until_some_is_settled(open_stream, subscription):
    held: list[Delivered] = []
    stream = open_stream(subscription, messages=10)
    stream.open(held.append)
    wait_until(lambda: len(held) == 10, lambda: f"{len(held)} of 10 messages are held")
    time.sleep(1)
    assert len(held) == 10

    for delivered in held[:5]:
        delivered.ack()
    wait_until(lambda: len(held) == 15, lambda: f"{len(held)} of 15 messages are held")
    time.sleep(0.5)

    assert len(held) == 15
    assert len({message.data for message in held}) == 15
    assert {int(message.attributes["number"]) for message in held} == {int(message.data) for message in held}


def test_what_was_acknowledged_is_known_when_the_stream_is_closed_and_the_rest_comes_again(
    open_stream, subscription, pubsub
):
    held: list[Delivered] = []
    stream = open_stream(subscription)
    stream.open(held.append)
    wait_until(lambda: len(held) == 40, lambda: f"{len(held)} of 40 messages are held")
    given = held[:40]
    for delivered in given[:30]:
        delivered.ack()
    for delivered in given[30:]:
        delivered.nack()  # which may come again before the stream is closed, and is then leased once more
    stream.close()

    again = pubsub.receive_until(subscription, lambda messages: len({message.data for message in messages}) == 10)

    assert {message.data for message in again} == {message.data for message in given[30:]}


def test_a_subscription_that_is_not_there_is_said_to_be_missing(open_stream, subscription):
    stream = open_stream(subscription + "-misspelt")
    stream.open(lambda _: None)

    with pytest.raises(BadRequest, match="misspelt"):
        stream.wait(LIMIT)
