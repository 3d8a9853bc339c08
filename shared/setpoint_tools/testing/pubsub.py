"""Topics and subscriptions of a project on the Pub/Sub emulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from google.api_core import exceptions
from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1.types import PubsubMessage, PushConfig, RetryPolicy, Subscription

from setpoint.adapters.pubsub.bus import publisher
from setpoint_tools.testing.polling import LIMIT, poll

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient

_PULL_SECONDS = 1.0
_SOON = RetryPolicy(minimum_backoff=timedelta(milliseconds=100), maximum_backoff=timedelta(seconds=1))


class PubSubProject:
    """What a test sets up in a project, publishes and receives.

    Args:
        project: the project; ``PUBSUB_EMULATOR_HOST`` says where.
    """

    def __init__(self, project: str) -> None:
        self.project = project
        self.publisher: PublisherClient = publisher()
        self._subscriber = SubscriberClient()

    def topic(self, name: str) -> str:
        """Make a topic; its full name."""
        topic = f"projects/{self.project}/topics/{name}"
        self.publisher.create_topic(name=topic)
        return topic

    def subscription(self, topic: str, *, name: str = "", push_to: str = "", ordered: bool = True) -> str:
        """Subscribe to a topic, in the order of ordering keys; or have its messages pushed, in no order.

        Args:
            topic: full name of the topic.
            name: short name of the subscription; that of the topic where empty.
            push_to: address to push to; pull where empty.
            ordered: whether what is pulled comes in the order of ordering keys.

        Returns:
            The full name of the subscription.
        """
        subscription = f"projects/{self.project}/subscriptions/{name or topic.rpartition('/')[2]}"
        wanted = Subscription(name=subscription, topic=topic, ack_deadline_seconds=10)
        if push_to:
            wanted.push_config = PushConfig(push_endpoint=push_to)
            wanted.retry_policy = _SOON
        else:
            wanted.enable_message_ordering = ordered
        self._subscriber.create_subscription(wanted)
        return subscription

    def unsubscribe(self, subscription: str) -> None:
        """Delete a subscription; nothing more is pushed."""
        self._subscriber.delete_subscription(subscription=subscription)

    def publish(self, topic: str, messages: Iterable[tuple[bytes, Mapping[str, str]]]) -> None:
        """Publish messages, each with its attributes, and wait until all are taken."""
        published = [self.publisher.publish(topic, data, **attributes) for data, attributes in messages]
        for future in published:
            future.result(timeout=LIMIT)

    def received(self, subscription: str) -> list[PubsubMessage]:
        """All messages that a subscription has now, acknowledged; none where nothing comes for a second."""
        messages: list[PubsubMessage] = []
        while batch := self._pull(subscription):
            messages += batch
        return messages

    def receive_until(
        self, subscription: str, enough: Callable[[list[PubsubMessage]], object], seconds: float = LIMIT
    ) -> list[PubsubMessage]:
        """All messages of a subscription, acknowledged, until they are enough or time is over."""
        messages: list[PubsubMessage] = []

        def receive() -> object:
            if not enough(messages):
                messages.extend(self._pull(subscription))
            return enough(messages)

        poll(receive, seconds, 0.0)
        return messages

    def _pull(self, subscription: str) -> list[PubsubMessage]:
        try:
            response = self._subscriber.pull(
                subscription=subscription, max_messages=1000, timeout=_PULL_SECONDS, retry=None
            )
        except exceptions.DeadlineExceeded:
            return []
        if response.received_messages:
            ids = [message.ack_id for message in response.received_messages]
            self._subscriber.acknowledge(subscription=subscription, ack_ids=ids)
        return [message.message for message in response.received_messages]

    def close(self) -> None:
        """Stop publishing and let go of connections."""
        self.publisher.stop()
        self.publisher.transport.close()
        self._subscriber.close()
