"""What nobody needs any more goes: resolved findings from their records, deleted resources and audit trails by TTL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from contract.records import KEY, NOON, OTHER, drifted
from setpoint.adapters.firestore.store import FirestoreStore
from setpoint.bootstrap.settings import from_environment
from setpoint.errors import BadRequest
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.retention import DEFAULT, Retention, expires, parse
from setpoint.operations.retention import drop_resolved

LATER = NOON + timedelta(days=91)


def resolved(key=KEY):
    state = drifted(key, sequence=7)
    return replace(state, fingerprint="", finding=replace(state.finding, status="resolved", resolved_at=NOON))


def test_a_finding_that_was_resolved_long_ago_leaves_its_record_and_its_sequence_stays(store):
    store.commit(store.read(KEY), resolved())
    store.commit(store.read(OTHER), drifted(OTHER))
    assert drop_resolved(store, DEFAULT, NOON + timedelta(days=89)) == 0
    assert drop_resolved(store, DEFAULT, LATER) == 1
    state = store.read(KEY).state
    assert (state.finding, state.sequence) == (None, 7)
    assert [state.key for state in store.states(drifted=True)] == [OTHER]


def test_an_open_finding_and_one_with_events_to_publish_are_never_dropped(store):
    store.commit(store.read(KEY), drifted())
    store.commit(store.read(OTHER), replace(resolved(OTHER), pending=drifted(OTHER, pending=1).pending))
    assert drop_resolved(store, DEFAULT, NOON + timedelta(days=4_000)) == 0


def test_with_no_limit_nothing_is_dropped(store):
    store.commit(store.read(KEY), resolved())
    forever = Retention(timedelta(0), timedelta(0), timedelta(0))
    assert drop_resolved(store, forever, NOON + timedelta(days=4_000)) == 0
    assert expires(replace(resolved(), deleted=True), forever) is None


def test_the_record_of_a_deleted_resource_expires_and_that_of_one_that_is_there_does_not():
    assert expires(replace(resolved(), deleted=True), DEFAULT) == resolved().observed_at + timedelta(days=400)
    assert expires(resolved(), DEFAULT) is None
    assert expires(replace(drifted(), deleted=True), DEFAULT) is None


def test_records_of_deleted_resources_and_trails_go_where_the_store_has_no_ttl_of_its_own(store):
    if isinstance(store, FirestoreStore):
        pytest.skip("Firestore deletes them by its TTL policies")
    gone = replace(resolved(), deleted=True)
    store.commit(store.read(KEY), gone)
    store.commit(store.read(OTHER), replace(drifted(OTHER), deleted=True))
    for recorded_at in (NOON, LATER):
        store.note(KEY, AuditEntry(recorded_at=recorded_at, what="act"))
    end = gone.observed_at + DEFAULT.gone

    assert store.forget(DEFAULT, end - timedelta(seconds=1)) == 0
    assert store.forget(Retention(timedelta(0), timedelta(0), timedelta(0)), end + timedelta(days=9_999)) == 0
    assert store.forget(DEFAULT, end) == 1
    assert store.read(KEY).state is None
    assert store.read(OTHER).state is not None, "somebody is told of its drift"
    assert [entry.recorded_at for entry in store.trail(KEY)] == [LATER]


@pytest.mark.emulator
def test_firestore_stores_when_records_and_trails_expire(new_firestore):
    store = new_firestore().open()
    assert isinstance(store, FirestoreStore)
    store.commit(store.read(KEY), replace(resolved(), deleted=True))
    document = store._findings.document(KEY.id)
    assert document.get().get("expires") == resolved().observed_at + timedelta(days=400)
    store.commit(store.read(KEY), resolved())
    assert "expires" not in document.get().to_dict()
    store.note(KEY, AuditEntry(recorded_at=NOON, what="act"))
    (entry,) = store._audit.stream()
    assert entry.get("expires") == NOON + timedelta(days=400)


def test_a_setting_says_how_long_what_is_kept():
    assert from_environment({}).parsed_retention() == DEFAULT
    assert parse("audit=30,resolved=0") == Retention(timedelta(days=30), DEFAULT.gone, timedelta(0))
    with pytest.raises(BadRequest, match="write days"):
        from_environment({"SETPOINT_RETENTION": "a year"}).parsed_retention()
