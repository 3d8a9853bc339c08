"""Sweeps over many runs: messages that come twice, in any order or never, runs that end early, processes that die."""

from __future__ import annotations

import random
from dataclasses import replace as with_fields
from itertools import count

import grpc
import pytest
from msgspec.structs import replace

from detection.crashing import Crash
from detection.swept_fleet import (
    BUCKET,
    LONG_AGO,
    ORG,
    SHOP,
    START,
    TOPIC,
    bucket,
    declare,
    deliver,
    deps_of,
    ended,
    later,
    populate,
    put,
    standing,
    sweeper_of,
    topic,
    work_off,
)
from setpoint import sweep
from setpoint.adapters.memory.store import MemoryStore
from setpoint.declarations import apply
from setpoint.errors import Unavailable
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sweep_records import PendingWork, ShardWork, SweepStart
from setpoint.sweep import conclude, list_shard

PROJECTS = ("cloudresourcemanager.googleapis.com/Project",)

EXPECTED = {
    **{bucket(number): "modified" for number in range(24) if number % 7 == 1},
    bucket(24): "deleted",
    topic(24): "deleted",
}


@pytest.fixture
def fleet(asset_service):
    populate(asset_service)
    return asset_service


@pytest.fixture
def sweeper(fleet, store):
    declare(store)
    return sweeper_of(fleet, deps_of(store), shard_size=30)


def kinds(sweeper) -> dict[str, str]:
    return {name: kind for name, (kind, _) in standing(sweeper.detection).items()}


def in_haste(sweeper):
    """A run has time for two pages."""
    return with_fields(sweeper, seconds=1.0, clock=count().__next__)


def begin(sweeper, message_id="1", start=START):
    return deliver(start, sweeper, message_id)


def split(sweeper) -> None:
    """Sweep once, so that the next sweep knows how to split."""
    begin(sweeper, "0")
    work_off(sweeper)


def test_a_sweep_that_messages_drive_finds_what_a_sweep_in_one_process_finds(sweeper):
    assert begin(sweeper).done == "begun"
    summary = ended(work_off(sweeper))

    assert kinds(sweeper) == EXPECTED
    assert (summary.listed, summary.declared, summary.seen, summary.deleted) == (48, 50, 48, 2)
    assert (summary.in_sync, summary.drifted, summary.unknown, summary.unchecked) == (44, 6, 0, 0)


def test_the_next_sweep_has_shards_of_the_size_that_the_last_one_saw(sweeper, fleet):
    split(sweeper)
    fleet.requests.clear()
    begin(sweeper, "2")
    assert len(sweeper.queue) == 2

    summary = ended(work_off(sweeper))

    assert (summary.listed, summary.seen, kinds(sweeper)) == (48, 48, EXPECTED)
    assert len({tuple(request.asset_types) for request in fleet.requests} - {PROJECTS}) == 2


def test_a_type_that_the_last_sweep_did_not_see_is_in_a_shard_of_the_next(sweeper, fleet):
    split(sweeper)
    put(fleet, "//run.googleapis.com/projects/shop/locations/eu/services/s", "run.googleapis.com/Service", {})
    begin(sweeper, "2")
    assert ended(work_off(sweeper)).listed == 49


def test_a_run_that_has_no_more_time_hands_over_and_another_goes_on_from_its_page(sweeper, fleet):
    brief = in_haste(sweeper)
    begin(brief)
    results = work_off(brief)

    assert [result.done for result in results] == ["handed over"] * 5 + ["ended"]
    assert kinds(sweeper) == EXPECTED
    assert len([request for request in fleet.requests if tuple(request.asset_types) != PROJECTS]) == 10


def test_messages_may_come_twice_and_in_any_order(fleet):
    for seed in range(8):
        store = MemoryStore()
        declare(store)
        sweeper = sweeper_of(fleet, deps_of(store), shard_size=30)
        split(sweeper)
        rng = random.Random(seed)  # noqa: S311 - an order, not a secret
        begin(sweeper, "2")
        sweeper.queue.extend(list(sweeper.queue) * 2)

        def drawn(queue, rng=rng):
            index = rng.randrange(len(queue))
            queue.rotate(-index)
            return queue.popleft()

        results = work_off(sweeper, drawn)
        assert ended(results).listed == 48
        assert kinds(sweeper) == EXPECTED
        assert begin(sweeper, "2").done == "out of date"


def test_the_message_that_begins_a_sweep_may_come_again(sweeper):
    begin(sweeper)
    begin(sweeper)
    assert ended(work_off(sweeper)).listed == 48


def test_a_sweep_that_is_under_way_is_left_to_go_on(sweeper):
    begin(sweeper)
    assert begin(sweeper, "2").done == "under way"
    assert ended(work_off(sweeper)).listed == 48


def test_two_runs_at_one_shard_do_its_work_once(sweeper, fleet, mocker):
    begin(sweeper)
    (message,) = sweeper.queue
    real = sweeper.inventory.pages
    between = mocker.Mock(side_effect=lambda: None)

    def pages(*args, **named):
        for index, page in enumerate(real(*args, **named)):
            if index == 1 and not between.called:
                between()
                other = sweeper_of(fleet, sweeper.detection)
                assert deliver(message, other).done == "ended"
            yield page

    mocker.patch.object(sweeper.inventory, "pages", pages)
    assert deliver(message, sweeper).done == "overtaken"
    assert kinds(sweeper) == EXPECTED


def test_a_shard_that_never_comes_back_is_unknown_and_what_is_left_of_the_sweep_ends(sweeper):
    split(sweeper)
    begin(sweeper, "2")
    lost = sweeper.queue.pop()
    work_off(sweeper)

    assert deliver(PendingWork(), sweeper).done == "healed"
    assert sweeper.records.sweep(START.name).value.summary is None
    assert deliver(PendingWork(), later(sweeper, 2)).done == "healed"

    summary = sweeper.records.sweep(START.name).value.summary
    assert list(summary.failed.values()) == ["it never came back; see the log of the sweep function"]
    assert (summary.seen, summary.unknown) == (24, 25)
    assert summary.in_sync + summary.drifted + summary.unknown + summary.unchecked == summary.declared
    assert deliver(lost, sweeper).done == "out of date"


def test_the_next_start_ends_what_has_stopped_and_begins_anew(sweeper):
    begin(sweeper)
    sweeper.queue.clear()
    assert begin(later(sweeper, 2), "2").done == "begun"
    assert ended(work_off(sweeper)).listed == 48


def test_a_shard_that_is_denied_or_refused_makes_its_part_unknown_and_stops_nothing_else(fleet, store):
    declare(store)
    put(fleet, "//storage.googleapis.com/other", BUCKET, {})
    sweeper = sweeper_of(fleet, deps_of(store))
    start = SweepStart((SHOP[0], "projects/nobody", "folders/918177713511"), ("resource",))
    fleet.fail(grpc.StatusCode.INVALID_ARGUMENT, times=2, scope="folders/918177713511", message="no such folder")
    begin(sweeper, start=start)
    summary = ended(work_off(sweeper))

    assert list(summary.denied) == ["projects/nobody"]
    assert list(summary.failed) == ["folders/918177713511 resource"]
    assert (summary.listed, kinds(sweeper)) == (49, EXPECTED)


def test_of_a_shard_that_was_not_listed_nothing_is_gone(sweeper, fleet):
    split(sweeper)
    fleet.remove(topic(3))
    begin(sweeper, "2")
    run = sweeper.records.sweep(START.name).value.run
    pubsub = next(shard for shard in sweeper.records.shards(run) if shard.value.covers(TOPIC))
    fleet.fail(grpc.StatusCode.PERMISSION_DENIED, times=1, page=2)
    work = next(queued for queued in sweeper.queue if queued.shard == pubsub.value.number)
    deliver(work, sweeper)
    work_off(sweeper)

    assert topic(3) not in kinds(sweeper)


def test_a_page_token_that_has_expired_begins_the_shard_anew(sweeper, fleet):
    brief = in_haste(sweeper)
    begin(brief)
    deliver(brief.queue.popleft(), brief)
    fleet.expire_tokens()

    summary = ended(work_off(sweeper))

    assert (summary.listed, summary.seen, kinds(sweeper)) == (48, 48, EXPECTED)


def test_what_was_declared_after_it_was_listed_is_not_gone(sweeper, fleet, store):
    put(fleet, bucket(30), BUCKET, {"location": "EU"})
    begin(sweeper)
    brief = in_haste(sweeper)
    for _ in range(5):
        deliver(brief.queue.popleft(), brief)
    declare(store, 30)
    summary = ended(work_off(sweeper))

    assert bucket(30) not in kinds(sweeper)
    assert summary.unknown >= 1
    assert summary.in_sync + summary.drifted + summary.unknown + summary.unchecked == summary.declared


def test_a_listing_that_breaks_off_goes_on_with_the_next_delivery(sweeper, fleet):
    begin(sweeper)
    (message,) = sweeper.queue
    fleet.fail(grpc.StatusCode.UNAVAILABLE, times=10_000, page=3)
    with pytest.raises(Unavailable):
        deliver(message, sweeper)
    fleet.faults.clear()
    fleet.requests.clear()

    assert deliver(message, sweeper).done == "ended"
    assert len(fleet.requests) == 7  # not the three pages before
    assert kinds(sweeper) == EXPECTED


JUDGING = {"read", "read_many", "commit", "commit_many"}
STEPS = JUDGING | {"publish", "mark_published", "write_sweep", "write_shard", "drop_run", "records"}


class Doomed:
    """Passes calls on, and ends the process at one of them, before or after it has had its effect."""

    def __init__(self, port, steps, step, when):
        self._port, self._steps, self._step, self._when = port, steps, step, when

    def __getattr__(self, name):
        attribute = getattr(self._port, name)
        if name == "sweeps" and not callable(attribute):
            return Doomed(attribute, self._steps, self._step, self._when)
        return self._call(attribute) if name in STEPS else attribute

    def _call(self, method):
        def call(*args):
            here = next(self._steps) == self._step
            if here and self._when == "before":
                raise Crash
            result = method(*args)
            if here:
                raise Crash
            return result

        return call


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_step_and_the_message_again_come_to_the_same_end(asset_service, when, monkeypatch):
    for part in (list_shard, conclude):
        monkeypatch.setattr(part, "_BATCH", 2)  # so that a page has more than one batch
    populate(asset_service, 8)
    expected = {bucket(1): "modified", bucket(8): "deleted", topic(8): "deleted"}
    for step in count(1):
        store = MemoryStore()
        declare(store, 8)
        healthy = sweeper_of(asset_service, deps_of(store), page_size=3, shard_size=10)
        steps = count(1)
        deps = healthy.detection
        doomed_deps = type(deps)(
            Doomed(store, steps, step, when), Doomed(deps.bus, steps, step, when), deps.dead_letters, deps.schemas
        )
        doomed = with_fields(healthy, detection=doomed_deps, queue=Doomed(healthy.queue, steps, step, when))
        crashed = run_until_crash(doomed, healthy)
        assert kinds(healthy) == expected, f"after a crash {when} step {step}"
        assert healthy.records.sweep(START.name).value.summary.seen == 16
        assert not list(store.unpublished())
        if not crashed:
            assert step > 40
            return


def run_until_crash(doomed, healthy) -> bool:
    """Deliver each message, again where the process has died; whether it has."""
    crashed = False
    waiting = [START]
    while waiting:
        message = waiting.pop(0)
        try:
            deliver(message, healthy if crashed else doomed)
        except Crash:
            crashed = True
            deliver(message, healthy)
        waiting += healthy.queue
        healthy.queue.clear()
    deliver(PendingWork(), healthy)
    return crashed


def test_an_interrupted_sweep_of_one_process_goes_on_where_it_stopped(fleet, store):
    declare(store)
    deps = deps_of(store)
    inventory = sweeper_of(fleet, deps).inventory
    fleet.fail(grpc.StatusCode.UNAVAILABLE, times=10_000, page=3)
    with pytest.raises(Unavailable):
        sweep.sweep([ORG], ["resource"], [], inventory, deps, resume=True)
    fleet.faults.clear()
    fleet.requests.clear()

    swept = sweep.sweep([ORG], ["resource"], [], inventory, deps, resume=True)
    assert (swept.resumed, swept.listed, len(fleet.requests)) == (True, 48, 7)

    assert not sweep.sweep([ORG], ["resource"], [], inventory, deps, resume=True).resumed


def test_a_sweep_begun_anew_lists_all_again(fleet, store):
    declare(store)
    deps = deps_of(store)
    inventory = sweeper_of(fleet, deps).inventory
    fleet.fail(grpc.StatusCode.UNAVAILABLE, times=10_000, page=3)
    with pytest.raises(Unavailable):
        sweep.sweep([ORG], ["resource"], [], inventory, deps, resume=True)
    fleet.faults.clear()
    fleet.requests.clear()

    sweep.sweep([ORG], ["resource"], [], inventory, deps)

    assert len([request for request in fleet.requests if tuple(request.asset_types) != PROJECTS]) == 10


def test_a_message_that_no_sweep_knows_is_dead_lettered_with_the_reason(sweeper):
    for message in (
        b"",
        b"{",
        b'{"kind": "stop"}',
        b'{"kind": "start", "scopes": ["everything"]}',
        b'{"kind": "shard"}',
    ):
        assert sweep.receive(message, {"a": "b"}, "1", sweeper).done == "rejected"
    dead_letters = sweeper.detection.dead_letters.kept
    assert len(dead_letters) == 5
    assert all(
        letter.reason.startswith("not a sweep message: ") and letter.attributes == {"a": "b"} for letter in dead_letters
    )


def test_a_message_of_a_run_that_nobody_knows_is_out_of_date(sweeper):
    begin(sweeper)
    (message,) = sweeper.queue
    assert deliver(replace(message, run="other"), sweeper).done == "out of date"
    assert deliver(ShardWork("nothing", "1", 0), sweeper).done == "out of date"
    assert deliver(replace(message, shard=99), sweeper).done == "out of date"


def test_a_process_that_lists_knows_the_projects_that_another_has_just_learnt(asset_service, store):
    name, kind = "//secretmanager.googleapis.com/projects/{}/secrets/key", "secretmanager.googleapis.com/Secret"
    declaration = Declaration(ResourceKey(name.format("shop-prod")), kind, {"labels": {"a": "b"}}, project="shop-prod")
    apply.declare(store, [desired((declaration,))], (), LONG_AGO)
    put(asset_service, name.format("111111111111"), kind, {"labels": {"a": "b"}})
    itself = "//cloudresourcemanager.googleapis.com/projects/111111111111"
    put(asset_service, itself, PROJECTS[0], {"projectId": "shop-prod"})
    starting, listing = (sweeper_of(asset_service, deps_of(store)) for _ in range(2))
    assert listing.detection.projects.id_of("111111111111") == ""  # and so it believes for a while

    deliver(START, starting, "1")
    listing.queue.publish(starting.queue)
    summary = ended(work_off(listing))

    assert (summary.seen, summary.deleted, kinds(listing)) == (1, 0, {})
