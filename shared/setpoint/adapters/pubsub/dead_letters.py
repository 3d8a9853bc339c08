"""Dead letters in a Pub/Sub subscription."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent import futures
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from google.api_core import exceptions

from setpoint.adapters.pubsub.bus import not_pulled
from setpoint.errors import BadRequest, Unavailable
from setpoint.operations.dead_letters import DeadLetter
from setpoint.util.external_sort import batches

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

_PULL_SECONDS = 2.0
_PUBLISH_SECONDS = 60.0
_HOLD_SECONDS = 600
_BATCH = 100


class PubSubDeadLetterQueue:
    """A ``DeadLetterQueue`` over Pub/Sub.

    Args:
        subscriber: made by ``adapters.pubsub.subscriber()``.
        publisher: made by ``adapters.pubsub.publisher()``.
        subscription: ``projects/P/subscriptions/S``.
    """

    def __init__(self, subscriber: SubscriberClient, publisher: PublisherClient, subscription: str) -> None:
        self._subscriber = subscriber
        self._publisher = publisher
        self._subscription = subscription
        self._project = subscription.split("/subscriptions/", maxsplit=1)[0]
        self._topics: dict[str, str] = {}

    def pull(self, most: int) -> Iterator[DeadLetter]:
        """See ``DeadLetterQueue.pull``; a redelivery of a held message is skipped."""
        seen: set[str] = set()
        while len(seen) < most:
            try:
                response = self._subscriber.pull(
                    subscription=self._subscription,
                    max_messages=min(_BATCH, most - len(seen)),
                    timeout=_PULL_SECONDS,
                    retry=None,
                )
            except exceptions.DeadlineExceeded:
                return
            except exceptions.GoogleAPICallError as error:
                raise not_pulled(self._subscription, error) from error
            fresh = [received for received in response.received_messages if received.message.message_id not in seen]
            if not fresh:
                return
            self._deadline([received.ack_id for received in fresh], _HOLD_SECONDS)
            for received in fresh:
                message = received.message
                seen.add(message.message_id)
                yield DeadLetter(
                    message.message_id,
                    message.data,
                    dict(message.attributes),
                    datetime.fromtimestamp(message.publish_time.timestamp(), UTC),
                    message.ordering_key,
                    received.ack_id,
                )

    def topic_of(self, subscription: str) -> str:
        """See ``DeadLetterQueue.topic_of``."""
        if subscription not in self._topics:
            name = f"{self._project}/subscriptions/{subscription}"
            try:
                self._topics[subscription] = self._subscriber.get_subscription(subscription=name).topic
            except exceptions.NotFound:
                raise BadRequest(f"it came from {name}, which no longer exists; --drop discards it") from None
            except exceptions.GoogleAPICallError as error:
                raise Unavailable(f"{name} cannot be looked up ({type(error).__name__}); try again") from error
        return self._topics[subscription]

    def send(self, topic: str, letter: DeadLetter, attributes: Mapping[str, str]) -> None:
        """See ``DeadLetterQueue.send``."""
        try:
            sent = self._publisher.publish(topic, letter.data, ordering_key=letter.ordering_key, **attributes)
            sent.result(timeout=_PUBLISH_SECONDS)
        except (exceptions.GoogleAPICallError, exceptions.RetryError, futures.TimeoutError) as error:
            raise Unavailable(f"{topic} did not accept a message ({type(error).__name__}); try again") from error

    def ack(self, letter: DeadLetter) -> None:
        """See ``DeadLetterQueue.ack``."""
        try:
            self._subscriber.acknowledge(subscription=self._subscription, ack_ids=[letter.handle])
        except exceptions.GoogleAPICallError as error:
            raise Unavailable(
                f"{self._subscription} took no acknowledgement ({type(error).__name__}); it delivers the message again"
            ) from error

    def release(self, dead_letters: list[DeadLetter]) -> None:
        """See ``DeadLetterQueue.release``."""
        for batch in batches(dead_letters, _BATCH):
            self._deadline([dead_letter.handle for dead_letter in batch], 0)

    def _deadline(self, handles: list[str], seconds: int) -> None:
        try:
            self._subscriber.modify_ack_deadline(
                subscription=self._subscription, ack_ids=handles, ack_deadline_seconds=seconds
            )
        except exceptions.GoogleAPICallError as error:
            raise Unavailable(f"{self._subscription} did not respond ({type(error).__name__}); try again") from error
