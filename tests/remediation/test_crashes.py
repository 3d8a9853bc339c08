"""A process that dies at any call of a remediation: put back once, told once, nothing lost."""

from __future__ import annotations

from contextlib import suppress
from itertools import count

import pytest

from detection.crashing import STEPS, Crash, Stepped, crash
from remediation.fleet import FIREWALL, KEY, URL, World
from remediation.test_faults import PUT_BACK, assert_put_back_once, opened_firewall
from setpoint.adapters.memory.store import MemoryDeadLetters
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection.pipeline import Context
from setpoint.errors import Unavailable
from setpoint.model import events
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.engine import receive, resume_due
from setpoint.remediation.live_resources import LiveResources

OF_REMEDIATION = {
    *STEPS,
    "claim",
    "note",
    "safety_state",
    "write",
    "operation",
    "last_observation",
    "control",
    "records",
}

FEWEST_CALLS = 20
"""Less than a remediation takes; of a write that hears no answer nobody hears either."""


@pytest.fixture(params=["new_memory", "new_sqlite"])
def new_world(request, apis_in_process, rest_in_process):
    def fresh() -> World:
        apis_in_process.journal.clear()
        return World(apis_in_process, rest_in_process, request.getfixturevalue(request.param)().open())

    return fresh


def no_answer() -> None:
    raise Unavailable("no answer, as far as anybody knows")


TROUBLES = pytest.mark.parametrize("trouble", [crash, no_answer])


def doomed(world: World, step: int, when: str, trouble=crash) -> RemediationContext:
    """A worker that dies, or hears no answer, at a call of a port of its."""
    steps = count(1)

    def port(real):
        return Stepped(real, steps, step, when, trouble, OF_REMEDIATION)

    deps = Context(port(world.store), port(world.bus), MemoryDeadLetters(), default_catalogue(), world.clock)
    return RemediationContext(
        deps, LiveResources(port(world.context.live_resources.api), default_catalogue()), worker="doomed"
    )


def opened(world: World) -> bytes:
    (event,) = [event for event in world.bus.events if event.type == "drift.opened"]
    return events.encode(event)


@pytest.mark.parametrize("delivered_again", [True, False], ids=["delivered again", "not delivered again"])
@pytest.mark.parametrize("when", ["before", "after"])
@TROUBLES
def test_a_crash_at_any_call_ends_with_one_write_and_every_event_told_once(new_world, trouble, when, delivered_again):
    for step in count(1):
        world = new_world()
        world.declare()
        world.drift()
        message, crashed = opened(world), False
        worker = doomed(world, step, when, trouble)
        try:
            receive(message, {}, worker)
        except (Crash, Unavailable):
            crashed = True
        if delivered_again or world.state.remediation is None:  # Pub/Sub does, and before a first record nothing is due
            receive(message, {}, world.context)
        world.ticks(30)

        assert_put_back_once(world)
        assert list(dict.fromkeys(event.id for event in world.bus.events)) == [
            event.id for event in sorted({event.id: event for event in world.bus.events}.values(), key=by_sequence)
        ]
        ends = {"remediation.failed"}  # of an attempt whose worker never told what came of it
        assert {event.type for event in world.bus.events} - ends == set(PUT_BACK), f"{when} {step}"
        assert "act" in world.trail or world.writes == 0
        if not crashed and step > FEWEST_CALLS:
            return


@pytest.mark.parametrize("when", ["before", "after"])
@TROUBLES
def test_a_crash_at_any_call_of_a_round_loses_no_operation(new_world, trouble, when):
    for step in count(1):
        world = opened_firewall(new_world())
        world.google.polls = 1
        receive(opened(world), {}, world.context)
        crashed = False
        for _ in range(3):
            world.clock.forward(minutes=1)
            try:
                crashed |= bool(resume_due(doomed(world, step, when, trouble)).problems)
            except (Crash, Unavailable):
                crashed = True
        world.ticks(30)

        assert world.writes == 1, f"{when} {step}"
        assert world.store.read(FIREWALL).state.remediation.step == "done"
        assert {event.type for event in world.bus.events} == set(PUT_BACK)
        if not crashed and step > FEWEST_CALLS:
            return


def test_a_write_is_never_made_that_the_trail_does_not_tell_of(new_world):
    """Whoever dies right after the claim has written nothing; the entry comes before the write."""
    for step in count(1):
        world = new_world()
        world.declare()
        world.drift()
        try:
            receive(opened(world), {}, doomed(world, step, "after"))
        except Crash:
            assert world.writes <= world.trail.count("act")
            continue
        return


def test_a_crash_in_the_same_place_again_and_again_ends_with_a_person(new_world):
    """A write that kills whoever sends it is not sent for ever."""
    world = new_world()
    world.declare()
    world.drift()

    class Deadly:
        read = world.context.live_resources.api.read
        write = staticmethod(lambda _: crash())

    deadly = RemediationContext(world.deps, LiveResources(Deadly(), default_catalogue()))
    for _ in range(60):
        with suppress(Crash):
            receive(opened(world), {}, deadly)
        world.clock.forward(minutes=6)
    world.deps.outbox.republish_pending()

    assert world.state.remediation.step == "stopped"
    assert "the worker reported no outcome" in world.state.remediation.reason
    assert world.google.get(URL)["versioning"] == {"enabled": False}
    assert world.store.read(KEY).state.remediation.attempts == 4


def by_sequence(event):
    return event.sequence
