"""Queue messages of sweeps in a Pub/Sub topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from setpoint.adapters.pubsub.bus import PubSubTopic
from setpoint.model.sweep_records import SweepMessage, encode_message
from setpoint.util import telemetry

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient


class PubSubSweepQueue:
    """A ``SweepQueue`` to a topic.

    Args:
        client: made by ``adapters.pubsub.publisher()``.
        topic: ``projects/P/topics/T``.
    """

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._topic = PubSubTopic(client, topic)

    def publish(self, messages: Sequence[SweepMessage]) -> None:
        """See ``SweepQueue.publish``."""
        trace = telemetry.trace_attributes()
        self._topic.publish(((encode_message(message), trace) for message in messages), "a message of a sweep")
