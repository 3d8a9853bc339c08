"""Messages of sweeps to a Pub/Sub topic."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent import futures
from typing import TYPE_CHECKING

from google.api_core import exceptions

from setpoint import telemetry
from setpoint.core.sweeps import SweepMessage, encode_message
from setpoint.errors import Unavailable

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient

_PUBLISH_SECONDS = 60.0
_FAILURES = (exceptions.GoogleAPICallError, exceptions.RetryError, futures.TimeoutError)


class PubSubSweepQueue:
    """A ``SweepQueue`` to a topic.

    Args:
        client: made by ``adapters.pubsub.publisher()``.
        topic: ``projects/P/topics/T``.
    """

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    def publish(self, messages: Sequence[SweepMessage]) -> None:
        """See ``SweepQueue.publish``."""
        try:
            sent = [
                self._client.publish(self._topic, encode_message(message), **telemetry.carried())
                for message in messages
            ]
            for one in sent:
                one.result(timeout=_PUBLISH_SECONDS)
        except _FAILURES as error:
            raise Unavailable(f"{self._topic} did not take a message ({type(error).__name__}); try again") from error
