"""The contract of `SweepStore`, over every backend that the product has."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from contract.records import NOON
from setpoint.errors import Conflict
from setpoint.model.sweep_records import Shard, ShardPart, Summary, Sweep, SweepStart
from setpoint.ports.stores import StoredShard, StoredSweep

ORG = "organizations/566099688680"
SWEEP = Sweep("0123456789abcdef", "run-1", SweepStart((ORG,)), NOON, {"fleet": 7}, shards=2, open=(0, 1))
SHARD = Shard("run-1", 0, ORG, "resource", NOON)


@pytest.fixture
def sweeps(store):
    return store.sweeps


def test_what_was_never_written_reads_as_nothing(sweeps):
    assert sweeps.sweep("nothing") == StoredSweep(None, None)
    assert sweeps.shard("run-1", 0) == StoredShard(None, None)
    assert (list(sweeps.sweeps()), list(sweeps.shards("run-1")), list(sweeps.parts("run-1", 0))) == ([], [], [])


def test_a_sweep_that_was_written_is_read_again(backend):
    written = backend.open().sweeps.write_sweep(SWEEP, None)

    assert backend.open().sweeps.sweep(SWEEP.name) == written == StoredSweep(SWEEP, written.version)
    assert list(backend.open().sweeps.sweeps()) == [written]


def test_a_sweep_is_written_in_place_of_the_one_that_was_read(sweeps):
    first = sweeps.write_sweep(SWEEP, None)
    ended = replace(SWEEP, open=(), summary=Summary(NOON, listed=3, outcomes={"in_sync": 3}))
    second = sweeps.write_sweep(ended, first.version)

    with pytest.raises(Conflict, match="0123456789abcdef"):
        sweeps.write_sweep(SWEEP, first.version)
    with pytest.raises(Conflict):
        sweeps.write_sweep(SWEEP, None)
    assert sweeps.sweep(SWEEP.name) == second == StoredSweep(ended, second.version)


def test_each_sweep_has_a_record_of_its_own(sweeps):
    for name in ("a", "b"):
        sweeps.write_sweep(replace(SWEEP, name=name), None)

    assert [sweep.value.name for sweep in sweeps.sweeps()] == ["a", "b"]


def test_a_shard_is_written_in_place_of_the_one_that_was_read(sweeps):
    first = sweeps.write_shard(SHARD, None)
    went_on = replace(SHARD, listed=1000, outcomes={"opened": 1}, counts={"x/Y": 1000}, read_at=NOON)
    second = sweeps.write_shard(went_on, first.version)

    with pytest.raises(Conflict, match=ORG):
        sweeps.write_shard(SHARD, first.version)
    with pytest.raises(Conflict):
        sweeps.write_shard(SHARD, None)
    assert sweeps.shard("run-1", 0) == second == StoredShard(went_on, second.version)


def test_a_part_is_there_with_its_record_or_neither_is(sweeps):
    parts = [ShardPart(seen=bytes([number]) * 8, projects=(f"p{number}",)) for number in range(3)]
    stored = sweeps.write_shard(SHARD, None)
    for index, part in enumerate(parts):
        stored = sweeps.write_shard(replace(SHARD, parts=index + 1), stored.version, part)

    with pytest.raises(Conflict):
        sweeps.write_shard(replace(SHARD, parts=9), None, ShardPart(b"x" * 8))
    assert list(sweeps.parts("run-1", 0)) == parts


def test_parts_are_of_one_shard_and_come_in_their_order(sweeps):
    for number in (0, 1, 11):
        shard = replace(SHARD, number=number)
        stored = sweeps.write_shard(shard, None)
        for index in range(12):
            part = ShardPart(projects=(f"{number}.{index}",))
            stored = sweeps.write_shard(replace(shard, parts=index + 1), stored.version, part)

    assert [part.projects[0] for part in sweeps.parts("run-1", 1)] == [f"1.{number}" for number in range(12)]
    assert [shard.value.number for shard in sweeps.shards("run-1")] == [0, 1, 11]


def test_a_part_of_some_hundred_kilobytes_is_taken(sweeps):
    stored = sweeps.write_shard(SHARD, None)
    sweeps.write_shard(replace(SHARD, parts=1), stored.version, ShardPart(seen=b"12345678" * 50_000))

    assert len(next(sweeps.parts("run-1", 0)).seen) == 400_000


def test_a_run_that_is_dropped_leaves_nothing_and_others_stay(sweeps):
    for run in ("run-1", "run-2"):
        stored = sweeps.write_shard(replace(SHARD, run=run), None)
        sweeps.write_shard(replace(SHARD, run=run, parts=1), stored.version, ShardPart(b"12345678"))

    sweeps.drop_run("run-1")
    sweeps.drop_run("run-1")

    assert (list(sweeps.shards("run-1")), list(sweeps.parts("run-1", 0))) == ([], [])
    assert len(list(sweeps.shards("run-2"))) == len(list(sweeps.parts("run-2", 0))) == 1
