"""A batch has the effect of its messages one after the other, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.crashing import STEPS, Crash, Stepped, crash, tried_steps
from detection.fleet import BUCKET, EPOCH, bucket, bucket_gone, declare, deps, foreign, grants, stray
from detection.runs import recorded, uninterrupted
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.declarations import apply
from setpoint.detection import batch as batching
from setpoint.detection import ownership, pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import CorruptState, Unavailable
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.testing import messages
from setpoint_tools.testing.fleet import FaultRates, Fleet
from sizes import size

FEED = [
    bucket(1, location="US"),
    grants(1, []),
    bucket(2, location="ASIA"),
    stray(2),
    b"{broken",
    bucket(3),
    foreign(3),
    bucket(2, location="ASIA"),
    bucket_gone(4),
    bucket(5, location="US"),
]


class Message(NamedTuple):
    data: bytes
    attributes: Mapping[str, str]


def batch(feed: Sequence[bytes]) -> list[Message]:
    return [Message(data, {}) for data in feed]


def world(store=None) -> Context:
    made = deps(store or MemoryStore(), MemoryBus(), MemoryDeadLetters())
    declare(made.store)
    return made


@settings(max_examples=size(12, 30))
@given(
    fleet=st.builds(
        Fleet,
        resources=st.integers(1, 25),
        projects=st.integers(1, 9),
        rounds=st.integers(1, 6),
        seed=st.integers(0, 1000),
        drifting=st.floats(0, 1),
        fault_rates=st.builds(FaultRates, st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 0.3)),
    ),
    sizes=st.lists(st.integers(1, 60), min_size=1),
)
def test_a_feed_in_batches_of_any_size_has_the_effect_of_its_messages(fleet, sizes):
    feed = list(fleet.feed())
    batched, alone = (deps(MemoryStore(), MemoryBus(), MemoryDeadLetters()) for _ in range(2))
    for item in (batched, alone):
        apply.declare(item.store, fleet.desired(), (), EPOCH)

    outcomes = []
    start = 0
    for number in count():
        some = feed[start : start + sizes[number % len(sizes)]]
        if not some:
            break
        outcomes += batching.receive_many(batch([message.data for message in some]), batched)
        start += len(some)
    for item in feed:
        pipeline.receive(item.data, {}, alone)

    assert outcomes == [expectation.outcome for expectation in feed]
    assert recorded(batched).records == recorded(alone).records
    assert {event.id: event for event in batched.bus.events} == {event.id: event for event in alone.bus.events}
    for subject in {event.subject for event in alone.bus.events}:
        ours = [event for event in batched.bus.events if event.subject == subject]
        assert ours == [event for event in alone.bus.events if event.subject == subject]


def test_a_batch_is_one_read_one_write_one_publishing_and_one_marking(store):
    made = world(store)
    batching.receive_many(batch([bucket(0)]), made)  # the project is known now
    calls: list[str] = []
    counted = deps(Recorded(made.store, calls), Recorded(made.bus, calls), made.dead_letters)
    counted.projects._ids.update(made.projects._ids)

    batching.receive_many(
        batch([bucket(1, location="US"), grants(1, []), stray(1), bucket(2, location="ASIA")]), counted
    )

    assert calls == ["read_many", "commit_many", "publish", "commit_many", "changes_of"]  # the last: who did it?
    calls.clear()
    batching.receive_many(batch([bucket(3, location="ASIA"), grants(3, [])]), counted)
    assert calls == ["read_many", "commit_many"]


class Recorded:
    """Passes every call on to a port, and writes it down."""

    def __init__(self, port, calls):
        self._port, self._calls = port, calls

    def __getattr__(self, name):
        def call(*arguments):
            self._calls.append(name)
            return getattr(self._port, name)(*arguments)

        return call


NAMES = STEPS | {"read_many", "commit_many", "write_project_ids", "changes_of"}


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_step_of_a_batch_loses_nothing(new_backend, when):
    expected = uninterrupted(FEED)
    for step in tried_steps(new_backend().name):
        made = world(new_backend().open())
        try:
            batching.receive_many(batch(FEED), stepped(made, step, when, crash))
        except Crash:
            batching.receive_many(batch(FEED), made)
        else:
            assert step > len(NAMES) - 2
            return
        assert same(recorded(made), expected), f"with a crash {when} step {step}"


@pytest.mark.thorough
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_rival_at_any_step_of_a_batch_has_the_effect_of_one_order_or_the_other(new_backend, when):
    """The rival's message falls between two of the batch's, or before or after them."""
    rival = bucket(2, location="NAM4")
    orders = [uninterrupted([*FEED[:number], rival, *FEED[number:]]) for number in range(len(FEED) + 1)]
    for step in tried_steps(new_backend().name):
        made = world(new_backend().open())
        met = []

        def meet(made=made, met=met):
            met.append(pipeline.receive(rival, {}, made))

        results = batching.receive_many(batch(FEED), stepped(made, step, when, meet))

        assert not [result for result in results if isinstance(result, Exception)]
        if not met:
            assert step > len(NAMES) - 2
            return
        assert any(same(recorded(made), order) for order in orders), f"with a rival {when} step {step}"


def stepped(made: Context, step: int, when: str, do) -> Context:
    steps = count(1)
    ports = (Stepped(port, steps, step, when, do, NAMES) for port in (made.store, made.bus, made.dead_letters))
    return Context(*ports, made.schemas, made.clock, secret_key=made.secret_key)


def same(first, other) -> bool:
    events = ({event.id: event for event in record.events} for record in (first, other))
    return (first.records, first.dead) == (other.records, other.dead) and next(events) == next(events)


def test_a_store_that_does_not_answer_has_all_of_a_batch_delivered_again(mocker):
    made = world()
    mocker.patch.object(made.store, "read_many", side_effect=Unavailable("away"))
    results = batching.receive_many(batch(FEED), made)

    assert [str(result) for result in results if not isinstance(result, str)] == ["away"] * (len(FEED) - 1)
    assert results[FEED.index(b"{broken")] == "rejected"


def test_a_commit_that_does_not_answer_has_only_what_was_to_be_written_delivered_again(mocker):
    made = world()
    batching.receive_many(batch([bucket(1)]), made)
    mocker.patch.object(made.store, "commit_many", side_effect=Unavailable("away"))

    results = batching.receive_many(batch([bucket(1), grants(1, []), foreign(1)]), made)

    assert results[::2] == ["repeated", "undeclared"]
    assert isinstance(results[1], Unavailable)
    mocker.stopall()
    assert batching.receive_many(batch([grants(1, [])]), made) == ["opened"]


def test_a_project_whose_name_cannot_be_stored_troubles_no_other(mocker):
    made = world()
    mocker.patch.object(made.store, "write_project_ids", side_effect=Unavailable("away"))
    results = batching.receive_many(batch([bucket(1), foreign(1), grants(1, [])]), made)

    assert [type(result) for result in results] == [str, Unavailable, str]


def test_what_waits_for_a_number_is_judged_although_the_first_try_to_do_so_failed(mocker):
    made = world()
    judged = mocker.patch.object(pipeline, "evaluate_deferred", side_effect=Unavailable("away"))
    (first,) = batching.receive_many(batch([foreign(1)]), made)
    mocker.stop(judged)
    judged = mocker.spy(pipeline, "evaluate_deferred")

    (again,) = batching.receive_many(batch([foreign(1)]), made)

    assert isinstance(first, Unavailable)
    assert again == "undeclared"
    assert judged.call_count == 1


@pytest.mark.parametrize("step", ["write_project_ids", "read_many", "publish"])
def test_an_error_that_nobody_foresaw_in_what_is_done_together_ends_no_batch(mocker, step):
    made = world()
    mocker.patch.object(made.bus if step == "publish" else made.store, step, side_effect=ZeroDivisionError)

    results = batching.receive_many(batch([bucket(1), foreign(1), grants(1, [])]), made)

    of_project, of_drift = [str, ZeroDivisionError, str], [str, str, ZeroDivisionError]
    assert [type(result) for result in results] == (of_drift if step == "publish" else of_project)


def test_an_ancestor_that_is_no_project_tells_of_none(mocker):
    made = world()
    learnt = mocker.spy(made.store, "write_project_ids")
    odd = foreign(1).replace(b'"projects/20318464073"', b'"projects/1/2"')
    assert odd != foreign(1)

    assert batching.receive_many(batch([odd]), made) == ["undeclared"]
    assert learnt.call_count == 0


def test_a_record_that_cannot_be_read_troubles_no_other(mocker):
    made = world()

    def read(key):
        if key == BUCKET:
            raise CorruptState("a stored finding cannot be read")
        return mocker.DEFAULT

    mocker.patch.object(made.store, "read", side_effect=read, wraps=made.store.read)
    results = batching.receive_many(batch([bucket(1), grants(1, []), stray(1)]), made)

    assert isinstance(results[0], CorruptState)
    assert results[1:] == ["opened", "opened"]


def test_an_error_that_nobody_foresaw_is_of_one_message_alone(mocker):
    made = world()
    judge = ownership.judging.judge

    def fail(desired, rules, observation, *others, **more):
        if observation.key == BUCKET:
            raise ZeroDivisionError
        return judge(desired, rules, observation, *others, **more)

    mocker.patch.object(ownership.judging, "judge", fail)
    results = batching.receive_many(batch([bucket(1), grants(1, []), bucket(2)]), made)

    assert [type(result) for result in results] == [ZeroDivisionError, str, ZeroDivisionError]
    assert list(made.store.unpublished()) == []


def test_a_resource_whose_events_are_not_taken_troubles_no_other(mocker):
    made = world()
    publish = made.bus.publish

    def refuse(events):
        if any(event.subject == BUCKET.name and event.data.content == "resource" for event in events):
            raise Unavailable("not taken")
        publish(events)

    mocker.patch.object(made.bus, "publish", refuse)
    results = batching.receive_many(batch([bucket(1, location="US"), grants(1, []), stray(1)]), made)

    assert [type(result) for result in results] == [Unavailable, str, str]
    assert list(made.store.unpublished()) == [BUCKET]
    mocker.stopall()
    assert batching.receive_many(batch([bucket(1, location="US")]), made) == ["repeated"]
    assert list(made.store.unpublished()) == []


def test_a_bus_that_takes_nothing_is_not_asked_for_every_resource(mocker):
    keys = [ResourceKey(f"//storage.googleapis.com/bucket-{number}") for number in range(50)]
    made = world()
    apply.declare(
        made.store,
        [desired((Declaration(key, "storage.googleapis.com/Bucket", {"location": "EU"}),)) for key in keys],
        (),
        datetime.now(UTC),
    )
    publish = mocker.patch.object(made.bus, "publish", side_effect=Unavailable("not taken"))
    feed = [messages.resource(key.name, "storage.googleapis.com/Bucket", {"location": "US"}, EPOCH) for key in keys]

    results = batching.receive_many(batch(feed), made)

    assert {type(result) for result in results} == {Unavailable}
    assert publish.call_count == 4
    mocker.stopall()
    assert set(batching.receive_many(batch(feed), made)) == {"repeated"}
    assert {event.subject for event in made.bus.events} == {key.name for key in keys}


def test_a_resource_kept_under_another_name_is_found_as_it_is_alone():
    """A service account is observed by its number, and declared by its address."""
    kind = "iam.googleapis.com/ServiceAccount"
    account = "//iam.googleapis.com/projects/elsewhere/serviceAccounts/a@elsewhere.iam.gserviceaccount.com"
    by_number = "//iam.googleapis.com/projects/elsewhere/serviceAccounts/1234567890"
    wanted = [desired((Declaration(ResourceKey(account), kind, {"disabled": False}, project="elsewhere"),))]
    data = {"email": account.rpartition("/")[2], "disabled": True}
    feed = [messages.resource(by_number, kind, data, EPOCH), bucket(1), messages.resource(account, kind, data, EPOCH)]
    batched, alone = world(), world()
    for context in (batched, alone):
        apply.declare(context.store, wanted, (), EPOCH)

    assert batching.receive_many(batch(feed), batched) == [pipeline.receive(data, {}, alone) for data in feed]
    assert same(recorded(batched), recorded(alone))
