"""The contract of `StateStore`, over every backend that the product has."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from msgspec.structs import replace

from contract.records import BUCKET, KEY, NOON, OTHER, declare, declared, drifted, in_sync, scope
from setpoint.errors import Conflict
from setpoint.model.api_reading import ApiReading
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import CONTENTS, ResourceKey
from setpoint.model.resource_state import GracePeriod, ResourceState
from setpoint.model.suppressed import Suppressed
from setpoint.ports.stores import Commit, Snapshot


def test_an_unknown_key_reads_as_a_snapshot_of_nothing(store):
    assert store.read(KEY) == Snapshot(KEY, None, Rules(), None, None)


def test_what_was_committed_is_read_again_to_the_last_microsecond(store):
    committed = store.commit(store.read(KEY), drifted(pending=1))

    assert store.read(KEY) == committed
    assert committed.state == drifted(pending=1)
    assert committed.state.finding.first_seen == NOON


def test_a_commit_gives_a_snapshot_that_can_be_committed_upon(store):
    first = store.commit(store.read(KEY), in_sync(sequence=1))
    store.commit(first, in_sync(sequence=2))

    assert store.read(KEY).state.sequence == 2


def test_of_two_who_make_the_same_record_the_second_has_a_conflict(store):
    mine, theirs = store.read(KEY), store.read(KEY)
    store.commit(theirs, in_sync(sequence=7))

    with pytest.raises(Conflict, match="billing-exports"):
        store.commit(mine, drifted())
    assert store.read(KEY).state == in_sync(sequence=7)


def test_a_commit_upon_a_record_that_was_written_since_conflicts_and_writes_nothing(store):
    stale = store.commit(store.read(KEY), in_sync(sequence=1))
    fresh = store.commit(stale, in_sync(sequence=2))

    with pytest.raises(Conflict, match="billing-exports"):
        store.commit(stale, drifted(pending=1))
    assert store.read(KEY) == fresh
    assert list(store.unpublished()) == []


def test_a_conflict_is_over_with_the_next_read(store):
    stale = store.read(KEY)
    store.commit(stale, in_sync(sequence=1))
    with pytest.raises(Conflict):
        store.commit(stale, in_sync(sequence=2))

    store.commit(store.read(KEY), in_sync(sequence=2))

    assert store.read(KEY).state.sequence == 2


def test_records_of_different_keys_do_not_conflict(store):
    first, other = store.read(KEY), store.read(OTHER)
    store.commit(first, in_sync(KEY))
    store.commit(other, in_sync(OTHER))

    assert {state.key for state in store.states()} == {KEY, OTHER}


def test_each_content_of_a_resource_has_a_record_of_its_own(store):
    keys = [ResourceKey(KEY.name, content) for content in CONTENTS]
    for number, key in enumerate(keys):
        store.commit(store.read(key), in_sync(key, sequence=number))

    assert [store.read(key).state.sequence for key in keys] == [0, 1, 2, 3]


def test_marking_as_published_clears_what_is_pending_and_nothing_else(store):
    committed = store.commit(store.read(KEY), drifted(sequence=2, pending=2))

    store.mark_published(committed)

    assert store.read(KEY).state == replace(committed.state, pending=())
    assert list(store.unpublished()) == []


def test_marking_as_published_leaves_a_record_that_was_written_since(store):
    published = store.commit(store.read(KEY), drifted(sequence=1, pending=1))
    since = store.commit(published, drifted(sequence=2, pending=2))

    store.mark_published(published)

    assert store.read(KEY) == since


def test_marking_as_published_twice_does_no_harm(store):
    committed = store.commit(store.read(KEY), drifted(pending=1))
    store.mark_published(committed)
    store.mark_published(committed)

    assert store.read(KEY).state.pending == ()


def test_marking_nothing_as_published_makes_no_record(store):
    store.mark_published(store.read(KEY))

    assert store.read(KEY).state is None
    assert list(store.states()) == []


def test_a_commit_upon_what_was_read_before_the_marking_conflicts(store):
    """Otherwise that commit would bring events back as pending that are published and gone."""
    committed = store.commit(store.read(KEY), drifted(pending=1))
    store.mark_published(committed)

    with pytest.raises(Conflict):
        store.commit(committed, drifted(sequence=2, pending=2))


def test_unpublished_names_the_records_with_pending_events_and_no_others(store):
    store.commit(store.read(KEY), drifted(KEY, pending=1))
    store.commit(store.read(OTHER), drifted(OTHER))

    assert list(store.unpublished()) == [KEY]


def test_records_may_be_written_while_the_unpublished_are_gone_through(store):
    keys = [ResourceKey(f"//storage.googleapis.com/bucket-{number}") for number in range(5)]
    for key in keys:
        store.commit(store.read(key), drifted(key, pending=1))

    for key in store.unpublished():
        store.mark_published(store.read(key))

    assert list(store.unpublished()) == []


def test_states_are_all_records_or_those_that_ever_drifted(store):
    store.commit(store.read(KEY), in_sync(KEY))
    store.commit(store.read(OTHER), drifted(OTHER))

    assert {state.key for state in store.states()} == {KEY, OTHER}
    assert [state.key for state in store.states(drifted=True)] == [OTHER]


def test_a_resolved_finding_has_drifted(store):
    state = drifted()
    store.commit(store.read(KEY), replace(state, finding=replace(state.finding, status="resolved", resolved_at=NOON)))

    assert [state.key for state in store.states(drifted=True)] == [KEY]


def test_a_record_that_starts_to_drift_is_found_among_the_drifted(store):
    first = store.commit(store.read(KEY), in_sync())
    assert list(store.states(drifted=True)) == []

    store.commit(first, drifted())

    assert [state.key for state in store.states(drifted=True)] == [KEY]


def test_what_is_declared_is_in_the_snapshot(store):
    declare(store, [declared(KEY), declared(OTHER, location="US")], (scope(),))

    assert store.read(KEY) == Snapshot(KEY, declared(KEY), rules((scope(),)), None, None)
    assert store.read(OTHER).desired == declared(OTHER, location="US")


def test_declaring_counts_what_it_writes(store):
    assert declare(store, [declared(KEY), declared(OTHER)]) == 2
    assert declare(store, [declared(KEY), declared(OTHER)]) == 0
    assert declare(store, [declared(KEY, location="US"), declared(OTHER)]) == 1
    assert declare(store, []) == 0


def test_declaring_again_replaces(store):
    declare(store, [declared(KEY, location="EU")])
    declare(store, [declared(KEY, location="US")])

    assert store.read(KEY).desired == declared(KEY, location="US")


def test_declaring_one_resource_leaves_the_others(store):
    declare(store, [declared(KEY)])
    declare(store, [declared(OTHER)])

    assert store.read(KEY).desired == declared(KEY)


def test_the_rules_are_the_scopes_of_all_that_is_declared(store):
    assert store.read(KEY).rules == Rules()

    declare(store, [], (scope("one"), scope("two")))
    assert store.read(KEY).rules == rules((scope("one"), scope("two")))


def test_declaring_leaves_the_record_and_does_not_conflict_with_a_commit(store):
    before = store.commit(store.read(KEY), drifted(pending=1))
    declare(store, [declared(KEY)])

    store.commit(before, drifted(sequence=2, pending=2))

    assert store.read(KEY).state == drifted(sequence=2, pending=2)
    assert store.read(KEY).desired == declared(KEY)


def test_more_is_declared_at_once_than_fits_into_one_batch(store):
    many = [declared(ResourceKey(f"//storage.googleapis.com/bucket-{number}")) for number in range(701)]

    assert declare(store, many) == 701
    assert declare(store, many) == 0
    assert store.read(many[-1].declarations[0].key).desired == many[-1]


def test_many_large_declarations_are_declared_at_once(store):
    """Firestore takes 10 MiB a request (https://cloud.google.com/firestore/quotas)."""
    large = {"description": "x" * 100_000}
    many = [declared(ResourceKey(f"//storage.googleapis.com/bucket-{number}"), **large) for number in range(150)]

    assert declare(store, many) == 150
    assert store.read(many[-1].declarations[0].key).desired == many[-1]


def test_a_record_may_be_large(store):
    state = drifted(sequence=2, pending=2, observed="x" * 150_000)
    store.commit(store.read(KEY), state)

    assert store.read(KEY).state == state


@pytest.mark.parametrize(
    "name",
    [
        "//storage.googleapis.com/ünïcödé-✓-漢字",
        "//storage.googleapis.com/a`b.c[d]/*~'\"\\ e",
        "//storage.googleapis.com/__reserved__",
        "//storage.googleapis.com/..",
        "//storage.googleapis.com/' OR 1=1; --",
        "//storage.googleapis.com/" + "long" * 400,
        "//storage.googleapis.com/\U0001f980\t\n",
    ],
    ids=["letters", "punctuation", "reserved", "dots", "sql", "long", "astral"],
)
def test_names_and_values_may_hold_any_character(store, name):
    key = ResourceKey(name)
    declare(store, [declared(key, **{name: name})])
    store.commit(store.read(key), drifted(key, pending=1, observed={name: [name]}))

    snapshot = store.read(key)

    assert snapshot.desired == declared(key, **{name: name})
    assert snapshot.state == drifted(key, pending=1, observed={name: [name]})
    assert list(store.unpublished()) == [key]


def test_closing_twice_does_no_harm(backend):
    store = backend.open()
    store.commit(store.read(KEY), in_sync())
    store.close()
    store.close()


def test_two_handles_see_each_others_commits(backend):
    first, other = backend.open(), backend.open()
    declare(first, [declared()], (scope(),))
    committed = first.commit(first.read(KEY), drifted(pending=1))

    assert other.read(KEY) == committed
    assert list(other.unpublished()) == [KEY]

    other.mark_published(other.read(KEY))

    assert first.read(KEY).state.pending == ()
    with pytest.raises(Conflict):
        first.commit(committed, drifted(sequence=2))


def test_commits_from_many_threads_lose_no_update(backend):
    threads, times = 4, 10
    handles = [backend.open(), backend.open()]
    failures: list[BaseException] = []

    def increment(store):
        try:
            for _ in range(times):
                _increment_once(store)
        except BaseException as failure:  # noqa: BLE001 - whatever it is, the test has to tell
            failures.append(failure)

    workers = [threading.Thread(target=increment, args=(handles[number % 2],)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert failures == []
    assert handles[0].read(KEY).state.sequence == threads * times


def _increment_once(store):
    while True:
        snapshot = store.read(KEY)
        try:
            store.commit(snapshot, in_sync(sequence=snapshot.state.sequence + 1 if snapshot.state else 1))
        except Conflict:
            continue
        return


def settling(key: ResourceKey, minutes: int):
    return replace(in_sync(key), settling=GracePeriod(NOON, NOON + timedelta(minutes=minutes)))


def test_a_drift_that_was_to_last_is_found_when_its_time_has_passed_and_not_before(store):
    store.commit(store.read(KEY), settling(KEY, 1))
    store.commit(store.read(OTHER), settling(OTHER, 3))

    assert list(store.due(NOON)) == []
    assert list(store.due(NOON + timedelta(minutes=1))) == [KEY]
    assert set(store.due(NOON + timedelta(minutes=3))) == {KEY, OTHER}


def test_a_drift_that_settles_no_longer_is_not_found(store):
    store.commit(store.commit(store.read(KEY), settling(KEY, 1)), in_sync(KEY))

    assert list(store.due(NOON + timedelta(days=1))) == []


def test_publishing_what_is_pending_leaves_a_drift_settling(store):
    store.mark_published(store.commit(store.read(KEY), replace(settling(KEY, 1), pending=drifted(pending=1).pending)))

    assert list(store.due(NOON + timedelta(minutes=1))) == [KEY]


def test_a_drift_that_a_rule_keeps_quiet_about_is_found_apart_from_the_findings(store):
    quiet = replace(in_sync(KEY), suppressed=(Suppressed("a rule", "deleted"),))
    both = replace(drifted(OTHER), suppressed=(Suppressed("a rule", "deleted"),))
    first = store.commit(store.read(KEY), quiet)
    store.commit(store.read(OTHER), both)

    assert {state.key: state for state in store.suppressed()} == {KEY: quiet, OTHER: both}
    assert list(store.states(drifted=True)) == [both]
    store.commit(first, in_sync(KEY))
    assert list(store.suppressed()) == [both]


MANY = [ResourceKey(f"//storage.googleapis.com/bucket-{number}") for number in range(7)]


def test_many_are_read_as_each_is_read_alone(store):
    declare(store, [declared(key_) for key_ in MANY[:3]], (scope(),))
    for key in MANY[2:5]:
        store.commit(store.read(key), drifted(key, pending=1))

    snapshots = store.read_many(iter([*MANY, KEY]))

    assert snapshots == {key: store.read(key) for key in [*MANY, KEY]}
    assert store.read_many([]) == {}


def test_many_are_committed_as_each_is_committed_alone(store):
    observation = Observation(MANY[0], BUCKET, NOON, data={"location": "US"})
    commits = [Commit(store.read(key), drifted(key, pending=1)) for key in MANY[1:]]

    written = store.commit_many([Commit(store.read(MANY[0]), in_sync(MANY[0]), observation), *commits])

    assert written == [store.read(key) for key in MANY]
    assert store.last_observation(MANY[0]) == observation
    assert set(store.unpublished()) == set(MANY[1:])
    assert store.commit_many([]) == []
    again = store.commit_many([Commit(snapshot, replace(snapshot.state, pending=())) for snapshot in written])
    assert again == [store.read(key) for key in MANY]
    assert list(store.unpublished()) == []


def test_of_many_only_what_somebody_else_has_written_is_not_committed(store):
    made, changed = MANY[1], MANY[3]
    store.commit(store.read(changed), in_sync(changed, sequence=1))
    before = store.read_many(MANY)
    store.commit(store.read(made), in_sync(made, sequence=7))
    store.commit(store.read(changed), in_sync(changed, sequence=8))

    written = store.commit_many([Commit(before[key], drifted(key)) for key in MANY])

    assert [type(answer) for answer in written] == [Conflict if key in (made, changed) else Snapshot for key in MANY]
    assert [store.read(key).state.sequence for key in (made, changed)] == [7, 8]
    assert all(store.read(key).state == drifted(key) for key in MANY if key not in (made, changed))
    with pytest.raises(Conflict, match="bucket-1"):
        raise written[1]


@pytest.mark.parametrize("letter", ["x", "я"])
def test_many_large_records_are_committed_at_once(store, letter):
    keys = [ResourceKey(f"//storage.googleapis.com/bucket-{number}") for number in range(30)]
    states = {key: drifted(key, sequence=2, pending=2, observed=letter * 60_000) for key in keys}

    store.commit_many([Commit(snapshot, states[key]) for key, snapshot in store.read_many(keys).items()])

    assert {key: snapshot.state for key, snapshot in store.read_many(keys).items()} == states


def test_two_who_commit_the_same_records_at_once_write_each_once(backend):
    first, other = backend.open(), backend.open()
    keys = [ResourceKey(f"//storage.googleapis.com/bucket-{number}") for number in range(40)]
    before = first.read_many(keys)
    written = {}

    def commit(store, sequence):
        written[sequence] = store.commit_many([Commit(before[key], in_sync(key, sequence=sequence)) for key in keys])

    threads = [threading.Thread(target=commit, args=pair) for pair in ((first, 1), (other, 2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for place, key in enumerate(keys):
        (won,) = [sequence for sequence, all_of in written.items() if isinstance(all_of[place], Snapshot)]
        assert first.read(key).state.sequence == won


def reading(key: ResourceKey, seconds: int) -> ResourceState:
    return replace(in_sync(key), api_reading=ApiReading(due=NOON + timedelta(seconds=seconds)))


def test_what_is_to_be_read_through_its_api_is_listed_the_longest_due_first_and_no_more_than_asked_for(store):
    third = ResourceKey("//storage.googleapis.com/later")
    for key, seconds in ((KEY, 2), (OTHER, 1), (third, 60)):
        store.commit(store.read(key), reading(key, seconds))

    assert list(store.readings_due(NOON + timedelta(seconds=5), 10)) == [OTHER, KEY]
    assert list(store.readings_due(NOON + timedelta(seconds=5), 1)) == [OTHER]
    assert list(store.due(NOON + timedelta(days=1))) == []


def test_what_was_read_through_its_api_is_due_no_longer(store):
    snapshot = store.commit(store.read(KEY), reading(KEY, 0))
    store.commit(snapshot, replace(in_sync(), api_reading=ApiReading(read_at=NOON)))

    assert list(store.readings_due(NOON, 10)) == []
    assert store.read(KEY).state.api_reading == ApiReading(read_at=NOON)
