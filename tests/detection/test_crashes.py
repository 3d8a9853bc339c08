"""A process that dies at any point of an event, and the message delivered again: nothing lost, nothing told twice."""

from __future__ import annotations

import pytest

from detection.crashing import Crash, stepped, tried_steps
from detection.fleet import READERS, WORLD, bucket, bucket_gone, declare, deps, foreign, grants, stray, stray_gone
from detection.runs import recorded, uninterrupted
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.detection import pipeline
from setpoint.detection.outbox import Outbox
from setpoint.detection.pipeline import Context

FEWEST_STEPS = 4
"""Read, commit, publish, mark as published."""

FEEDS = {
    "opens": [bucket(1, location="US")],
    "opens, changes, resolves": [bucket(1, location="US"), bucket(2, location="ASIA"), bucket(3)],
    "opens, goes on, returns": [bucket(1), bucket(2, versioning=False), bucket(3, versioning=False), bucket(4)],
    "is deleted and made again": [bucket(1), bucket_gone(2, with_asset=False), bucket(3), bucket_gone(4)],
    "one resource and its grants": [bucket(1, location="US"), grants(1, WORLD), bucket(2), grants(2, READERS)],
    "unmanaged and undeclared": [stray(1), foreign(1), stray_gone(2), stray(3)],
    "late and repeated": [bucket(5, location="US"), bucket(3), bucket(5, location="US"), bucket(6), bucket(4)],
    "broken": [bucket(1, location="US"), b"{broken", bucket(2)],
}


def deliver_until_done(message: bytes, world: Context, crashes: list[Context]) -> None:
    """Deliver a message, to one process after another until one lives long enough."""
    for process in crashes:
        try:
            pipeline.receive(message, {}, process)
        except Crash:
            continue
        return
    pipeline.receive(message, {}, world)


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
def test_a_crash_at_any_step_loses_no_event_and_gives_none_a_second_id(new_backend, feed, when):
    expected = uninterrupted(feed)
    for step in tried_steps(new_backend().name):
        backend = new_backend()
        declare(backend.open())
        bus, letters = MemoryBus(), MemoryDeadLetters()
        world = deps(backend.open(), bus, letters)
        doomed = stepped(world, step, when)
        crashed = False
        for message in feed:
            process = world if crashed else doomed
            try:
                pipeline.receive(message, {}, process)
            except Crash:
                crashed = True
                world = deps(backend.open(), bus, letters)
                pipeline.receive(message, {}, world)
        assert recorded(world) == expected, f"after a crash {when} step {step}"
        if not crashed:
            assert step > FEWEST_STEPS
            return


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
def test_a_second_crash_during_the_second_delivery_loses_nothing_either(feed):
    expected = uninterrupted(feed)
    places = [(step, when) for step in range(1, 6) for when in ("before", "after")]
    for first in places:
        for second in places:
            world = deps(MemoryStore(), MemoryBus(), MemoryDeadLetters())
            declare(world.store)
            for message in feed:
                deliver_until_done(message, world, [stepped(world, *first), stepped(world, *second)])
            assert recorded(world) == expected, f"after crashes at {first} and {second}"


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_a_crash_left_unpublished_is_published_by_healing_under_the_same_id(backend, when):
    expected = uninterrupted([bucket(1, location="US")])
    declare(backend.open())
    bus = MemoryBus()
    world = deps(backend.open(), bus, MemoryDeadLetters())
    with pytest.raises(Crash):
        pipeline.receive(bucket(1, location="US"), {}, stepped(world, 3, when))

    assert Outbox(backend.open(), bus, MemoryDeadLetters()).republish_pending() == 1
    assert Outbox(backend.open(), bus, MemoryDeadLetters()).republish_pending() == 0

    assert recorded(world) == expected


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_a_crash_left_unpublished_goes_out_before_what_comes_next(backend, when):
    """The message of the crash comes again only after a later one; consumers still see the events in their order."""
    expected = uninterrupted([bucket(1, location="US"), bucket(2)])
    declare(backend.open())
    world = deps(backend.open(), MemoryBus(), MemoryDeadLetters())
    with pytest.raises(Crash):
        pipeline.receive(bucket(1, location="US"), {}, stepped(world, 3, when))

    pipeline.receive(bucket(2), {}, world)
    pipeline.receive(bucket(1, location="US"), {}, world)

    assert recorded(world) == expected
