"""Events and dead letters to Pub/Sub, and messages from a subscription."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent import futures
from typing import TYPE_CHECKING, NamedTuple

from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.publisher.exceptions import PublishToPausedOrderingKeyException

from setpoint.core import events
from setpoint.core.events import CloudEvent
from setpoint.errors import Unavailable

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

_PUBLISH_SECONDS = 60.0
_PULL_SECONDS = 5.0
_FAILURES = (
    exceptions.GoogleAPICallError,
    exceptions.RetryError,
    futures.TimeoutError,
)
_FAILED_BEFORE = (PublishToPausedOrderingKeyException, RuntimeError, AssertionError)
"""What the client raises for a resource of which another thread's event has just failed: paused, cancelled, or (in the
moment between the failure and the pause) an assertion of its own."""
_RESUME_TRIES = 20
_RESUME_SECONDS = 0.01
_ATTRIBUTE_BYTES = 1024
_LARGEST_LETTER = 9_900_000
"""A message takes 10 MB with its attributes (https://cloud.google.com/pubsub/quotas)."""


def publisher() -> PublisherClient:
    """A client that keeps the order of messages with one ordering key."""
    return pubsub_v1.PublisherClient(publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True))


class PubSubBus:
    """An ``EventBus`` to a topic, as CloudEvents in structured mode, ordered by resource.

    Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md for the
    content type, which travels as an attribute; the other attributes are for subscription filters.

    Args:
        client: made by ``publisher()``.
        topic: ``projects/P/topics/T``.
    """

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    def publish(self, events_of_one: Sequence[CloudEvent]) -> None:
        """See ``EventBus.publish``."""
        try:
            for one in [self._send(event) for event in events_of_one]:
                one.result(timeout=_PUBLISH_SECONDS)
        except (*_FAILURES, *_FAILED_BEFORE) as error:
            self._resume(events_of_one[0])
            raise Unavailable(f"{self._topic} did not take an event ({type(error).__name__}); try again") from error

    def _resume(self, event: CloudEvent) -> None:
        """Let the resource be published again.

        The client pauses a resource shortly after it has told of the failure; it does not after a timeout, and another
        thread may have resumed it already.
        """
        for _ in range(_RESUME_TRIES):
            try:
                self._client.resume_publish(self._topic, _ordering_key(event))
            except RuntimeError:  # not paused
                time.sleep(_RESUME_SECONDS)
            else:
                return

    def _send(self, event: CloudEvent) -> futures.Future[str]:
        data = event.data
        return self._client.publish(  # type: ignore[no-any-return]
            self._topic,
            events.encode(event),
            ordering_key=_ordering_key(event),
            **{
                "content-type": "application/cloudevents+json",
                "type": event.type,
                "asset_type": data.asset_type,
                "project": data.project,
                "team": data.owner.team,
                "severity": data.severity,
            },
        )


class PubSubDeadLetters:
    """``DeadLetters`` to a topic: the message as it came, with the attribute ``reason`` beside its own.

    Args:
        client: made by ``publisher()``.
        topic: ``projects/P/topics/T``.
    """

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """See ``DeadLetters.put``; of a message so large that the reason has no room beside it, the end is cut off."""
        short = reason.encode()[:_ATTRIBUTE_BYTES].decode(errors="ignore")
        own = {key: value for key, value in attributes.items() if not key.startswith("goog")}
        if len(message) > _LARGEST_LETTER:
            message, own = message[:_LARGEST_LETTER], {"cut_from_bytes": str(len(message))}
        try:
            self._client.publish(self._topic, message, **{**own, "reason": short}).result(timeout=_PUBLISH_SECONDS)
        except _FAILURES as error:
            raise Unavailable(
                f"{self._topic} did not take a dead letter ({type(error).__name__}); try again"
            ) from error


class Received(NamedTuple):
    """A message pulled from a subscription."""

    data: bytes
    attributes: Mapping[str, str]
    ack_id: str


class PubSubFeed:
    """Pulls the messages of a subscription.

    Args:
        client: kept for the life of the process.
        subscription: ``projects/P/subscriptions/S``.
    """

    def __init__(self, client: SubscriberClient, subscription: str) -> None:
        self._client = client
        self._subscription = subscription

    def pull(self, most: int = 100) -> list[Received]:
        """Up to ``most`` messages; none when nothing came for some seconds.

        Raises:
            Unavailable: Pub/Sub did not answer.
        """
        try:
            response = self._client.pull(
                subscription=self._subscription, max_messages=most, timeout=_PULL_SECONDS, retry=None
            )
        except exceptions.DeadlineExceeded:
            return []
        except exceptions.GoogleAPICallError as error:
            raise Unavailable(
                f"{self._subscription} cannot be pulled ({type(error).__name__}: {error.message})"
            ) from error
        return [
            Received(one.message.data, dict(one.message.attributes), one.ack_id) for one in response.received_messages
        ]

    def settle(self, done: Sequence[Received], again: Sequence[Received] = ()) -> None:
        """Acknowledge what is done, and have delivered again what is not.

        Raises:
            Unavailable: Pub/Sub did not answer; the messages will come again.
        """
        try:
            if done:
                self._client.acknowledge(subscription=self._subscription, ack_ids=[one.ack_id for one in done])
            if again:
                self._client.modify_ack_deadline(
                    subscription=self._subscription,
                    ack_ids=[one.ack_id for one in again],
                    ack_deadline_seconds=0,
                )
        except exceptions.GoogleAPICallError as error:
            raise Unavailable(f"{self._subscription} did not take acknowledgements ({type(error).__name__})") from error


def _ordering_key(event: CloudEvent) -> str:
    """The resource name; the finding's id where that is too long for Pub/Sub (1 KiB)."""
    return event.subject if len(event.subject.encode()) <= _ATTRIBUTE_BYTES else event.data.finding_id
