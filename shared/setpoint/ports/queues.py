"""Ports of messages: the event bus, the dead letters, and the queues between functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from setpoint.model.events import CloudEvent
from setpoint.model.slack_interaction import Interaction
from setpoint.model.sweep_records import SweepMessage


class EventBus(Protocol):
    """Publishes events."""

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """Publish events, those of one resource in their order, and return when all were accepted.

        Raises:
            Unavailable: some may not have been taken; publish all of them again.
        """


class DeadLetters(Protocol):
    """Keeps messages that can never be handled, for a person to inspect and replay."""

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """Keep a message with the reason, and return when it is stored.

        Raises:
            Unavailable: it may not have been stored; deliver the message again.
        """


class SweepQueue(Protocol):
    """Queues the next steps of a sweep."""

    def publish(self, messages: Sequence[SweepMessage]) -> None:
        """Publish messages in any order, and return when all were accepted.

        Raises:
            Unavailable: some may not have been taken; publish all of them again.
        """


class InteractionQueue(Protocol):
    """Queues clicks on buttons."""

    def publish(self, interaction: Interaction) -> None:
        """Publish a click, and return when it was accepted; the user is waiting for the answer.

        Raises:
            Unavailable: it may not have been accepted; ask the user to click again.
        """
