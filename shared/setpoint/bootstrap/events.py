"""The event bus of a process."""

from __future__ import annotations

from typing import BinaryIO

from setpoint.ports.queues import EventBus


def event_bus(events: BinaryIO | None, events_topic: str | None) -> EventBus | None:
    """The event bus: a topic, JSON Lines on a stream, or None."""
    if events_topic:
        from setpoint.adapters.pubsub.bus import PubSubBus, publisher

        return PubSubBus(publisher(), events_topic)
    if events is not None:
        from setpoint.adapters.jsonl import JsonlBus

        return JsonlBus(events)
    return None
