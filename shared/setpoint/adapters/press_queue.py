"""Presses of buttons to a Pub/Sub topic."""

from __future__ import annotations

from concurrent import futures
from typing import TYPE_CHECKING

from google.api_core import exceptions

from setpoint.core.interactions import PRESS, Interaction, encode
from setpoint.errors import Unavailable

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient

_SECONDS = 2.0
"""Slack waits for 3 seconds (https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response)."""
_FAILURES = (exceptions.GoogleAPICallError, exceptions.RetryError, futures.TimeoutError)


class PubSubPressQueue:
    """A ``PressQueue`` to a topic.

    Args:
        client: made by ``adapters.pubsub.publisher()``.
        topic: ``projects/P/topics/T``.
    """

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._client = client
        self._topic = topic

    def publish(self, interaction: Interaction) -> None:
        """See ``PressQueue.publish``."""
        try:
            self._client.publish(self._topic, encode(interaction), type=PRESS).result(timeout=_SECONDS)
        except _FAILURES as error:
            raise Unavailable(f"{self._topic} did not take a press ({type(error).__name__}); press again") from error
