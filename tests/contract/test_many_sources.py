"""Ten thousand sources: each source's apply touches its own, and a reader sees all of a change or nothing."""

from __future__ import annotations

import time

import pytest

from contract.records import BUCKET, KEY, NOON, OTHER, declare, declared, scope
from setpoint.adapters.firestore.store import FirestoreStore
from setpoint.adapters.memory.store import MemoryDeadLetters
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import scopes
from setpoint.detection.pipeline import Context
from setpoint.errors import Conflict, CorruptState
from setpoint.model import sources as controlling
from setpoint.model.control_parts import INLINE, ControlParts
from setpoint.model.declaration import Scope
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.sources import Control, SourceState, decode_control, encode_control

MANY = 3_000


def many(count: int = MANY) -> dict[str, SourceState]:
    return {
        f"gs://states/team-{number}/default.tfstate": SourceState(
            generation=number + 1,
            judged=number + 1,
            applied_at=NOON,
            declared=7,
            scopes=(Scope(f"scope-{number}", projects=(f"project-{number}",), asset_types=(BUCKET,)),),
        )
        for number in range(count)
    }


def fill(store, count: int = MANY) -> None:
    stored = store.control()
    store.write_control(Control(stored.value.sources | many(count), count + 1), stored.version)


def test_what_was_written_is_read_by_every_handle(new_backend):
    backend = new_backend()
    store, other = backend.open(), backend.open()
    declare(store, [declared()], (scope(),))
    fill(store)
    for handle in (store, other):
        control = handle.control().value
        assert len(control.sources) == MANY + 1
        assert control.last_generation == MANY + 1
        snapshot = handle.read(KEY)
        assert snapshot.desired is not None
        assert len(snapshot.rules.scopes) == MANY + 1
    assert store.read(KEY).rules == other.read(KEY).rules


def test_an_apply_of_one_source_among_many_is_seen_at_once_and_by_all(new_backend):
    backend = new_backend()
    store, other = backend.open(), backend.open()
    fill(store)
    assert other.read(KEY).desired is None
    for handle, location in ((store, "EU"), (other, "US")):
        done = apply.sync(
            LoadResult(desired=[declared(KEY, location=location)]),
            ApplyRequest("git"),
            Context(handle, None, MemoryDeadLetters()),
            NOON,
        )
        assert len(done.plan.changes) == 1
        for reader in (store, other):
            assert reader.read(KEY).desired.digest == done.plan.changes[0].after.digest
            assert reader.read_many([KEY, OTHER])[KEY].desired is not None


def test_of_two_writers_one_gives_way_and_nothing_is_lost(store):
    fill(store)
    first, second = store.control(), store.control()
    store.write_control(controlling.begin(first.value, "a", 0), first.version)
    with pytest.raises(Conflict):
        store.write_control(controlling.begin(second.value, "b", 0), second.version)
    again = store.control()
    store.write_control(controlling.begin(again.value, "b", 0), again.version)
    assert {"a", "b"} <= store.control().value.sources.keys()
    assert len(store.control().value.sources) == MANY + 2


def parts_of(store) -> dict[str, object]:
    if isinstance(store, SqliteStore):
        return dict(store._connections.execute("SELECT name, body FROM control_parts").fetchall())
    if isinstance(store, FirestoreStore):
        return {document.id: document.get("body") for document in store._client.collection("control_parts").stream()}
    return pytest.skip("a store in memory holds the record as it is")


def test_a_change_of_one_source_writes_its_own_part_and_drops_what_it_replaces(store):
    fill(store)
    before = parts_of(store)
    stored = store.control()
    store.write_control(controlling.begin(stored.value, "git", 0), stored.version)
    after = parts_of(store)
    assert len(before.keys() - after.keys()) == len(after.keys() - before.keys()) == 1
    assert all(len(body) < 200_000 for body in after.values())


def test_a_few_sources_stay_in_one_record_that_older_versions_read(store):
    fill(store, 20)
    assert len(encode_control(store.control().value)) <= INLINE
    assert not (isinstance(store, FirestoreStore) and parts_of(store))
    fill(store, 600)
    stored = store.control()
    store.write_control(Control(many(5), 9), stored.version)
    assert store.control().value == Control(many(5), 9)
    assert store.read(KEY).rules.scopes == tuple(state.scopes[0] for state in many(5).values())


def test_an_older_version_refuses_a_record_in_parts_in_place_of_seeing_no_source():
    parts = ControlParts(lambda _: {})
    encoded = parts.encoded(Control(many(), MANY + 1), b"")
    assert encoded.parts
    with pytest.raises(CorruptState):
        decode_control(encoded.head)


def test_a_source_whose_scopes_fit_no_document_is_named(store):
    huge = SourceState(scopes=tuple(Scope("s" * 1_000, projects=(f"p{i}",), asset_types=(BUCKET,)) for i in range(900)))
    if not isinstance(store, (SqliteStore, FirestoreStore)):
        pytest.skip("a store in memory has no documents")
    fill(store)
    stored = store.control()
    with pytest.raises(CorruptState, match="source too-large"):
        store.write_control(Control({**stored.value.sources, "too-large": huge}, 1), stored.version)
    assert store.control().value == stored.value


def observed(project: str) -> Observation:
    return Observation(ResourceKey("//storage.googleapis.com/b"), BUCKET, NOON, data={}, project_id=project)


def test_of_many_scopes_those_of_the_place_are_looked_at_and_give_the_same_answer(store):
    fill(store)
    rules = store.read(KEY).rules
    assert scopes.explain(rules, observed("project-2718")).scope.name == "scope-2718"
    assert scopes.explain(rules, observed("elsewhere")).scope is None
    started = time.process_time()
    for number in range(1_000):
        scopes.explain(rules, observed(f"project-{number}"))
    assert time.process_time() - started < 0.5
