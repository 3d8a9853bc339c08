"""Where events go."""

from __future__ import annotations

from typing import BinaryIO

from setpoint.ports.queues import EventBus


def event_bus(events: BinaryIO | None, events_topic: str | None) -> EventBus | None:
    """Where events go: to a topic, as JSON Lines to a stream, or nowhere."""
    if events_topic:
        from setpoint.adapters.pubsub.bus import PubSubBus, publisher

        return PubSubBus(publisher(), events_topic)
    if events is not None:
        from setpoint.adapters.jsonl import JsonlBus

        return JsonlBus(events)
    return None
