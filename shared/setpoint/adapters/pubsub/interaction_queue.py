"""Queue clicks on buttons in a Pub/Sub topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setpoint.adapters.pubsub.bus import PubSubTopic
from setpoint.model.slack_interaction import INTERACTION, Interaction, encode

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient

_SECONDS = 2.0
"""Slack waits for 3 seconds (https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response)."""


class PubSubInteractionQueue:
    """An ``InteractionQueue`` to a topic.

    Args:
        client: made by ``adapters.pubsub.publisher()``.
        topic: ``projects/P/topics/T``.
    """

    def __init__(self, client: PublisherClient, topic: str) -> None:
        self._topic = PubSubTopic(client, topic)

    def publish(self, interaction: Interaction) -> None:
        """See ``InteractionQueue.publish``."""
        self._topic.publish([(encode(interaction), {"type": INTERACTION})], "a click", _SECONDS, "click again")
