"""A fleet of buckets and a feed of their changes with everything that a feed does wrong, the same in every run."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.apply import declare
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, Desired, Owner, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint_tools.testing import messages

BUCKET_TYPE = "storage.googleapis.com/Bucket"
BROKEN = [b"", b"not json", b"{", b"[]", b'{"asset": {}}', b"\xff\xfe", b'{"asset": {"name": "//a.b/c"}}']
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Traffic(NamedTuple):
    """A feed in the order of its arrival.

    Args:
        desired: what is declared.
        feed: all messages: changes, some of them again, some late, some broken.
        broken: those that are not a feed messages.
    """

    desired: list[Desired]
    feed: list[bytes]
    broken: set[bytes]


def traffic(total: int) -> Traffic:
    """A feed of so many messages; one in ten comes again, one in fifty is broken, and many come late."""
    rng = random.Random(total)  # noqa: S311 - a feed, not a secret
    broken = [b"%b %d" % (rng.choice(BROKEN), number) for number in range(total // 50)]
    repeated = total // 10
    names = [f"//storage.googleapis.com/bucket-{number}" for number in range(total // 8)]
    changes = [_change(rng, rng.choice(names), second) for second in range(total - len(broken) - repeated)]
    feed = changes + broken + rng.sample(changes, repeated)
    late = sorted(range(len(feed)), key=lambda place: _place(rng, place, len(changes)))
    return Traffic([_declared(name) for name in names], [feed[place] for place in late], set(broken))


def _change(rng: random.Random, name: str, second: int) -> bytes:
    time = NOON + timedelta(seconds=second)
    if rng.random() < 0.1:
        return messages.deletion(name, BUCKET_TYPE, time, with_asset=rng.random() < 0.5)
    location = rng.choice(["EU", "eu", "US", "ASIA"])
    labels = {f"label-{number}": "x" * rng.randrange(40) for number in range(20)}
    return messages.resource(name, BUCKET_TYPE, {"location": location, "labels": labels}, time)


def _place(rng: random.Random, place: int, changes: int) -> float:
    """Where a message arrives: near its place, or anywhere if it is broken or comes again."""
    return place + rng.uniform(-30, 30) if place < changes else rng.uniform(0, changes)


def _declared(name: str) -> Desired:
    key = ResourceKey(name)
    return desired((Declaration(key, BUCKET_TYPE, {"location": "EU"}, project="fleet", owner=Owner(team="storage")),))


def embedded(what: Traffic) -> dict[ResourceKey, ResourceState]:
    """The records that the same feed leaves in the memory of one process."""
    world = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue())
    declare(world.store, what.desired, (), datetime.now(UTC))
    for message in what.feed:
        pipeline.receive(message, {}, world)
    assert {letter.message for letter in world.dead_letters.kept} == what.broken
    return {state.key: state for state in world.store.states()}
