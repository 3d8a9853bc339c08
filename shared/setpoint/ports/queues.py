"""Where messages go: events, dead letters, and what one function asks of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from setpoint.model.events import CloudEvent
from setpoint.model.slack_interaction import Interaction
from setpoint.model.sweep_records import SweepMessage


class EventBus(Protocol):
    """Where events go."""

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """Hand over events, those of one resource in their order, and return when all have been taken.

        Raises:
            Unavailable: some may not have been taken; publish all of them again.
        """


class DeadLetters(Protocol):
    """Where messages go that can never be handled, for a person to look at and to replay."""

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """Keep a message with the reason, and return when it is safe.

        Raises:
            Unavailable: it may not have been kept; let the message be delivered again.
        """


class SweepQueue(Protocol):
    """Where messages go that tell what a sweep has to do next."""

    def publish(self, messages: Sequence[SweepMessage]) -> None:
        """Hand over messages in any order, and return when all have been taken.

        Raises:
            Unavailable: some may not have been taken; publish all of them again.
        """


class InteractionQueue(Protocol):
    """Where it is handed on that somebody has pressed a button."""

    def publish(self, interaction: Interaction) -> None:
        """Hand it over, and return when it was taken; somebody is waiting for the answer.

        Raises:
            Unavailable: it may not have been taken; whoever pressed is told to press again.
        """
