"""What a sweep asks of a store, and what it makes of what is gone: over several runs, and counted alike each time."""

from __future__ import annotations

from dataclasses import replace as with_fields

import pytest

from detection.swept_fleet import (
    BUCKET,
    LONG_AGO,
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
from setpoint.adapters.memory.store import MemoryStore
from setpoint.declarations import apply
from setpoint.errors import CorruptState, Unavailable
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sweep_records import PendingWork

READS = {"read", "read_many", "records", "last_observation", "last_observations", "changes", "changes_of"}
CALLS = READS | {"commit", "commit_many", "mark_published", "write_project_ids"}


class Counted:
    """Counts the calls of a port; each takes a second."""

    def __init__(self, port):
        self._port, self.calls = port, 0

    def __getattr__(self, name):
        attribute = getattr(self._port, name)
        if name not in CALLS:
            return attribute

        def call(*args):
            self.calls += 1
            return attribute(*args)

        return call


def sweeper_with(store: Counted, service, **how):
    return sweeper_of(service, deps_of(store), clock=lambda: float(store.calls), **how)


@pytest.fixture
def torn_down(asset_service):
    """Four resources are there, and of 602 that are declared 598 are not."""
    populate(asset_service, 2)
    store = Counted(MemoryStore())
    declare(store, 300)
    return sweeper_with(store, asset_service, page_size=100)


def declare_buckets(store, ats, **how) -> None:
    declarations = [
        Declaration(ResourceKey(bucket(number)), BUCKET, {"location": "EU"}, project="shop", **how) for number in ats
    ]
    apply.declare(store, [desired((declaration,)) for declaration in declarations], (), LONG_AGO)


def test_what_is_gone_costs_some_calls_a_hundred(torn_down):
    deliver(START, torn_down)
    before = torn_down.detection.store.calls

    summary = ended(work_off(torn_down))

    assert (summary.deleted, summary.drifted, summary.in_sync) == (598, 599, 3)
    assert torn_down.detection.store.calls - before <= 12 * 7


def test_what_is_listed_and_known_costs_a_read_a_hundred(asset_service):
    populate(asset_service, 150)
    store = Counted(MemoryStore())
    declare(store, 149)
    sweeper = sweeper_with(store, asset_service, page_size=1000)
    for run in ("1", "2"):
        deliver(START, sweeper, run)
        before = store.calls
        work_off(sweeper)

    assert store.calls - before == 3


def test_an_end_that_takes_several_runs_comes(torn_down):
    sweeper = with_fields(torn_down, seconds=20.0)
    deliver(START, sweeper)

    results = work_off(sweeper)

    assert [result.done for result in results][-1] == "ended"
    assert 1 <= [result.done for result in results].count("handed over") <= 4
    summary = ended(results)
    assert (summary.deleted, summary.drifted, summary.in_sync, summary.unknown) == (598, 599, 3, 0)
    assert len(standing(sweeper.detection)) == 599


def test_while_the_end_is_handed_over_nobody_sends_a_message_of_his_own(torn_down):
    sweeper = with_fields(torn_down, seconds=10.0)
    deliver(START, sweeper)
    assert deliver(sweeper.queue.popleft(), sweeper).done == "handed over"
    (waiting,) = sweeper.queue
    for _ in range(3):
        assert deliver(PendingWork(), sweeper).done == "healed"
    assert list(sweeper.queue) == [waiting]

    much_later = later(sweeper, 2)
    for _ in range(3):
        deliver(PendingWork(), much_later)

    assert list(sweeper.queue) == [waiting, waiting]  # nobody has shown life for two hours, then somebody has


def test_what_is_gone_is_counted_alike_when_the_end_comes_twice(asset_service, mocker):
    put(asset_service, topic(0), TOPIC, {})  # tells what the project is called
    put(asset_service, bucket(0), BUCKET, {"location": "EU"})
    store = MemoryStore()
    declare_buckets(store, (0, 1), settle=3600.0)
    sweeper = sweeper_of(asset_service, deps_of(store))
    deliver(START, sweeper)
    write = store.sweeps.write_sweep
    failing = iter([Unavailable("away")])

    def write_sweep(sweep, version):
        if sweep.summary is not None and (error := next(failing, None)):
            raise error
        return write(sweep, version)

    mocker.patch.object(store.sweeps, "write_sweep", write_sweep)
    (message,) = sweeper.queue
    with pytest.raises(Unavailable):
        deliver(message, sweeper)

    summary = ended(work_off(sweeper))

    assert (summary.deleted, summary.in_sync, summary.drifted) == (1, 2, 0)  # gone, and not yet for long enough


def test_what_a_rule_keeps_quiet_about_is_in_sync_whether_there_ever_was_a_finding_or_not(asset_service):
    for number in (0, 1):
        put(asset_service, bucket(number), BUCKET, {"location": "US"})
    store = MemoryStore()
    sweeper = sweeper_of(asset_service, deps_of(store))
    declare_buckets(store, [0])
    deliver(START, sweeper)
    assert ended(work_off(sweeper)).drifted == 1
    declare_buckets(store, (0, 1), ignore=("location",))

    for run in ("2", "3"):
        deliver(START, sweeper, run)
        summary = ended(work_off(sweeper))
        assert (summary.declared, summary.in_sync, summary.drifted) == (2, 2, 0)
    assert standing(sweeper.detection) == {}


def test_a_record_that_cannot_be_read_is_unknown_and_keeps_no_other_from_being_gone(asset_service, mocker):
    put(asset_service, topic(0), TOPIC, {})
    put(asset_service, bucket(0), BUCKET, {"location": "EU"})
    store = MemoryStore()
    declare_buckets(store, range(3))
    read = store.read

    def broken(key):
        if key.name == bucket(1):
            raise CorruptState("a stored finding cannot be read")
        return read(key)

    mocker.patch.object(store, "read", broken)
    sweeper = sweeper_of(asset_service, deps_of(store))
    deliver(START, sweeper)

    summary = ended(work_off(sweeper))

    assert (summary.deleted, summary.unknown, summary.drifted) == (1, 1, 1)
