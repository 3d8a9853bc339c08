"""What a run of the flow leaves behind, and how runs are compared."""

from __future__ import annotations

from typing import NamedTuple

from detection.fleet import declare, deps, records
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.events import CloudEvent
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState


class Recorded(NamedTuple):
    """What a run has left behind: events by id, with a consumer that drops what it has seen; records; dead letters."""

    events: list[CloudEvent]
    records: dict[ResourceKey, ResourceState]
    dead: set[tuple[bytes, str]]


def recorded(world: Context) -> Recorded:
    bus, dead_letters = world.bus, world.dead_letters
    assert isinstance(bus, MemoryBus)
    assert isinstance(dead_letters, MemoryDeadLetters)
    once = list({event.id: event for event in bus.events}.values())
    for event in bus.events:
        assert event in once, "one id, two different events"
    assert list(world.store.unpublished()) == []
    return Recorded(once, records(world.store), {(letter.message, letter.reason) for letter in dead_letters.kept})


def uninterrupted(feed: list[bytes]) -> Recorded:
    world = deps(MemoryStore(), MemoryBus(), MemoryDeadLetters())
    declare(world.store)
    for message in feed:
        pipeline.receive(message, {}, world)
    return recorded(world)
