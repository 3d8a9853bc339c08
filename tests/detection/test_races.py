"""Two workers with the same resource in hand, one of them anywhere in the middle of its event."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count

import pytest

from detection.crashing import stepped, tried_steps
from detection.fleet import bucket, bucket_gone, declare, deps
from detection.runs import recorded, uninterrupted
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import Conflict

RIVALS = {
    "the same message": (bucket(1, location="US"), bucket(1, location="US")),
    "a later one": (bucket(1, location="US"), bucket(2)),
    "an earlier one": (bucket(2), bucket(1, location="US")),
    "another drift": (bucket(1, location="US"), bucket(2, location="ASIA")),
    "another of the same instant": (bucket(1, location="US"), bucket(1, location="ASIA")),
    "a deletion": (bucket_gone(1), bucket(1)),
}


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("message", "rival"), RIVALS.values(), ids=RIVALS)
def test_a_rival_at_any_step_has_the_effect_of_one_order_or_the_other(new_backend, message, rival, when):
    orders = [uninterrupted([message, rival]), uninterrupted([rival, message])]
    for step in tried_steps(new_backend().name):
        backend = new_backend()
        declare(backend.open())
        bus, letters = MemoryBus(), MemoryDeadLetters()
        world = deps(backend.open(), bus, letters)
        met: list[bool] = []

        pipeline.receive(message, {}, stepped(world, step, when, meets(rival, deps(backend.open(), bus, letters), met)))

        if not met:
            assert step > 1
            return
        assert recorded(world) in orders, f"with a rival {when} step {step}"


def meets(rival: bytes, world: Context, met: list[bool]) -> Callable[[], None]:
    def meet() -> None:
        met.append(True)
        pipeline.receive(rival, {}, world)

    return meet


@pytest.mark.usefixtures("hardly_pausing")
def test_a_worker_that_always_comes_second_hands_its_message_back(store):
    declare(store)
    world = deps(store, MemoryBus(), MemoryDeadLetters())
    seconds = count(2)

    class Beaten:
        """A store in which somebody else has always written first."""

        read = store.read
        project_id = store.project_id
        stored_key = store.stored_key

        @staticmethod
        def commit(snapshot, state, observation):
            pipeline.receive(bucket(next(seconds), location="ASIA"), {}, world)
            return store.commit(snapshot, state, observation)

    with pytest.raises(Conflict, match="delivered again"):
        pipeline.receive(bucket(1000, location="US"), {}, deps(Beaten(), MemoryBus(), MemoryDeadLetters()))

    pipeline.receive(bucket(1000, location="US"), {}, world)

    assert world.bus.events[-1].type == "drift.changed"
    assert len(recorded(world).events) == 2


def test_threads_that_handle_one_feed_together_tell_every_event_once_by_id(backend):
    """Each takes all messages, in an order of its own; in the end there is one story, without a gap."""
    declare(backend.open())
    bus, letters = MemoryBus(), MemoryDeadLetters()
    locations = ["US", "EU", "ASIA", "US", "EU", "US"]
    feed = [bucket(second, location=location) for second, location in enumerate(locations)]
    orders = [feed, feed[::-1], feed[3:] + feed[:3], feed[1::2] + feed[::2]]
    failures: list[BaseException] = []

    def handle(messages: list[bytes]) -> None:
        world = deps(backend.open(), bus, letters)
        try:
            for message in messages:
                deliver(message, world)
        except BaseException as failure:  # noqa: BLE001 - whatever it is, the test has to tell
            failures.append(failure)

    threads = [threading.Thread(target=handle, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    end = recorded(deps(backend.open(), bus, letters))
    (record,) = end.records.values()
    assert record.observed_at == uninterrupted(feed).events[-1].time
    assert record.finding.status == "open"
    assert sorted(int(event.sequence) for event in end.events) == list(range(1, record.sequence + 1))
    assert len({event.id for event in end.events}) == record.sequence


def deliver(message: bytes, world: Context) -> None:
    """Until it is taken, as Pub/Sub does."""
    while True:
        try:
            pipeline.receive(message, {}, world)
        except Conflict:
            continue
        return
