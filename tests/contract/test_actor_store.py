"""The contract of `ActorStore`, over every backend that the product has."""

from __future__ import annotations

import threading
from datetime import timedelta

from msgspec.structs import replace

from contract.records import KEY, NOON, OTHER, drifted
from setpoint.model.actors import AuditedChange
from setpoint.model.change_history import KEPT, LIMIT
from setpoint.model.resource_key import ResourceKey

CHANGE = AuditedChange(
    principal="alice@example.com",
    method="storage.buckets.update",
    requested_at=NOON,
    through=("deploy@shop.iam.gserviceaccount.com",),
    caller="console",
    ip="203.0.113.0",
    log_id="1",
)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def test_a_resource_that_nobody_is_known_to_have_changed_has_no_changes(store):
    assert store.read(KEY).changes == ()


def test_a_change_is_read_with_its_resource_as_it_was_told(store):
    store.remember(KEY, CHANGE, NOON)

    assert store.read(KEY).changes == (CHANGE,)
    assert store.read(OTHER).changes == ()
    assert store.read(ResourceKey(KEY.name, "iam_policy")).changes == ()


def test_the_changes_of_many_are_those_of_each(store):
    store.remember(KEY, CHANGE, NOON)

    assert store.changes_of([KEY, OTHER]) == {KEY: (CHANGE,), OTHER: ()}
    assert store.changes_of([]) == {}


def test_a_change_that_is_told_again_is_kept_once(store):
    for _ in range(3):
        store.remember(KEY, CHANGE, NOON)

    assert store.read(KEY).changes == (CHANGE,)


def test_changes_are_in_the_order_of_their_times_whichever_comes_first(store):
    later = replace(CHANGE, requested_at=NOON + minutes(1), log_id="2")
    store.remember(KEY, later, NOON)
    store.remember(KEY, CHANGE, NOON)

    assert store.read(KEY).changes == (CHANGE, later)


def test_the_entries_of_an_operation_are_one_change(store):
    first = replace(CHANGE, operation="op-1")
    last = AuditedChange(
        principal="", method=CHANGE.method, requested_at=NOON + minutes(3), done_at=NOON + minutes(3), operation="op-1"
    )
    for change in (last, first, last):
        store.remember(KEY, change, NOON)

    assert store.read(KEY).changes == (replace(first, done_at=NOON + minutes(3)),)


def test_the_latest_few_are_kept_and_those_before_in_summary(store):
    changes = [replace(CHANGE, requested_at=NOON + minutes(number), log_id=str(number)) for number in range(LIMIT + 3)]
    for change in changes:
        store.remember(KEY, change, NOON)

    summary = replace(CHANGE, done_at=NOON + minutes(2), log_id="", several=True)
    assert store.read(KEY).changes == (summary, *changes[-LIMIT:])


def test_old_changes_are_forgotten_with_the_next(store):
    store.remember(KEY, CHANGE, NOON)
    late = replace(CHANGE, requested_at=NOON + KEPT + minutes(1), log_id="2")
    store.remember(KEY, late, NOON + KEPT + minutes(1))

    assert store.read(KEY).changes == (late,)


def test_a_change_does_not_conflict_with_a_commit(store):
    snapshot = store.read(KEY)
    store.remember(KEY, CHANGE, NOON)
    store.commit(snapshot, drifted())

    record = store.read(KEY)
    assert (record.state, record.changes) == (drifted(), (CHANGE,))


def test_of_many_who_remember_at_once_none_loses_a_change(backend):
    changes = [replace(CHANGE, requested_at=NOON + minutes(number), log_id=str(number)) for number in range(4)]
    workers = [
        threading.Thread(target=lambda remembered=change: backend.open().remember(KEY, remembered, NOON), daemon=True)
        for change in changes
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert backend.open().read(KEY).changes == tuple(changes)


def test_changes_are_read_alone_as_they_are_with_everything_else(backend):
    assert backend.open().changes(KEY) == ()

    backend.open().remember(KEY, CHANGE, NOON)

    assert backend.open().changes(KEY) == backend.open().read(KEY).changes == (CHANGE,)
