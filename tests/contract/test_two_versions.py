"""An upgrade that is rolled back, on each store and for each kind of record.

A newer version has stored fields that this version does not know. This version reads and writes the record and keeps
them; a record whose form is newer is left as it is, and the error says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import pytest
from msgspec.structs import replace

from alerts.harness import AlertingHarness, Clock, event
from contract.records import BUCKET, KEY, NOON, OTHER, declare, declared, drifted, scope
from contract.test_many_sources import fill
from contract.test_sweep_store import SHARD, SWEEP
from setpoint.adapters.firestore.store import FirestoreStore
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import NewerRecord
from setpoint.model.actors import AuditedChange
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.exemptions import Exemption
from setpoint.model.observation import Observation
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import GracePeriod
from setpoint.model.safety_limits import Pause, SafetyState, WriteRecord
from setpoint.model.sources import WITH_DIGESTS, DeclaredVersion, with_version
from setpoint.operations.repair import repair
from setpoint.ports.stores import Commit, StoredRecord
from setpoint.remediation import commands

LATER = NOON + timedelta(hours=1)
ADDED = {"added_later": {"by": ["a newer version"], "count": 7}}
MANY = "gs://states/team-1/default.tfstate"


class Record(NamedTuple):
    """A stored record: where it is, and what a store does with its body."""

    place: str
    body: bytes
    write: Callable[[bytes], object]


TABLES = {
    # Kind → table of the embedded store, its column of ids, and collection of Firestore.
    "findings": ("findings", "id", "findings"),
    "desired": ("desired", "id", "desired"),
    "control": ("control", "only", "control/sources"),
    "control_parts": ("control_parts", "name", "control_parts"),
    "brakes": ("brakes", "only", "control/brakes"),
    "sweeps": ("sweeps", "name", "sweeps"),
    "shards": ("shards", "number", "runs/run-1/shards"),
    "actors": ("actors", "id", "actors"),
    "audit": ("audit", "rowid", "audit"),
    **{kind: ("notices", "id", kind) for kind in ("notices", "threads", "slots", "places")},
}


def records(store: Any, kind: str) -> Iterator[Record]:
    table, identifier, collection = TABLES[kind]
    if isinstance(store, SqliteStore):
        where = f"WHERE kind = '{kind}'" if table == "notices" else ""
        rows = store._connections.execute(f"SELECT {identifier}, body FROM {table} {where}").fetchall()  # noqa: S608 - constants
        extra = f" AND kind = '{kind}'" if table == "notices" else ""
        statement = f"UPDATE {table} SET body = ? WHERE {identifier} = ?{extra}"  # noqa: S608 - as above
        for name, body in rows:
            yield Record(
                str(name), bytes(body), lambda new, name=name: store._connections.execute(statement, (new, name))
            )
        return
    reference = store._client.document(collection) if collection.startswith("control/") else None
    documents = [reference.get()] if reference else list(store._client.collection(collection).stream())
    for document in documents:
        yield Record(
            document.id,
            document.get("body").encode(),
            lambda new, document=document: document.reference.update({"body": new.decode()}),
        )


def added_to(value: Any, paths: tuple[tuple[str | int, ...], ...]) -> Any:
    """A value with a field of the newer version at each of some paths."""
    for path in paths:
        node = value
        for step in path:
            node = node[step]
        node.update(ADDED)
    return value


def upgraded(store: Any, kind: str, *paths: tuple[str | int, ...], schema: int = 0) -> dict[str, bytes]:
    """Have a newer version write the records of a kind: fields at some paths, or another form."""
    written = {}
    for record in records(store, kind):
        value = added_to(msgspec.json.decode(record.body), paths)
        if schema:
            value["schema"] = schema
        written[record.place] = msgspec.json.encode(value)
        record.write(written[record.place])
    assert written
    return written


def stored(store: Any, kind: str) -> dict[str, Any]:
    return {record.place: msgspec.json.decode(record.body) for record in records(store, kind)}


def has(value: Any, *path: str | int) -> bool:
    for step in path:
        value = value[step]
    return bool(value.get("added_later") == ADDED["added_later"])


@pytest.fixture
def context(store) -> Context:
    if isinstance(store, MemoryStore):
        pytest.skip("a store in memory ends with its process")
    declare(store, [declared(KEY), declared(OTHER)], (scope(),))
    bus, dead_letters = MemoryBus(), MemoryDeadLetters()
    return Context(store, bus, dead_letters, default_catalogue(), clock=lambda: LATER)


@pytest.fixture
def finding(context) -> Context:
    """A finding with an exemption, a remediation that waits, a grace period and an event that is not published."""
    state = replace(
        drifted(KEY, pending=1),
        exemption=Exemption("ours", "alice@example.com", NOON),
        remediation=RemediationState("00112233aabbccdd", "asked", NOON, due=NOON),
        settling=GracePeriod(NOON, NOON + timedelta(minutes=1), 60.0),
    )
    context.store.commit(context.store.read(KEY), state, Observation(KEY, BUCKET, NOON, data={"location": "US"}))
    return context


PARTS_OF_A_FINDING = ((), ("finding",), ("finding", "owner"), ("exemption",), ("remedy",), ("pending", 0))


def test_a_finding_keeps_the_fields_of_a_newer_version_through_every_change(finding):
    upgraded(finding.store, "findings", *PARTS_OF_A_FINDING)
    snapshot = finding.store.read(KEY)
    moved = finding.store.commit(snapshot, replace(snapshot.state, sequence=2))
    finding.store.commit_many([Commit(moved, replace(moved.state, sequence=3))])
    (body,) = stored(finding.store, "findings").values()
    assert all(has(body, *path) for path in PARTS_OF_A_FINDING)
    assert (body["sequence"], finding.store.read(KEY).state.sequence) == (3, 3)


def test_publishing_evaluating_and_exempting_keep_the_fields_of_a_newer_version(finding):
    upgraded(finding.store, "findings", (), ("finding",))
    assert finding.outbox.republish_pending([]) == 1
    pipeline.handle_observation(Observation(KEY, BUCKET, LATER, data={"location": "ASIA"}), finding)
    commands.exempt(KEY, Exemption("a reason", "bob@example.com", LATER, LATER + timedelta(days=3)), finding)
    commands.end_exemption(KEY, "bob@example.com", finding)
    (body,) = stored(finding.store, "findings").values()
    assert has(body)
    assert has(body, "finding")
    assert body["finding"]["differences"][0]["observed"] == "ASIA"


def test_a_claim_keeps_the_fields_of_a_newer_version_in_the_finding_and_in_the_guardrails(finding):
    store = finding.store
    guardrails = SafetyState(pauses=(Pause("projects/a", NOON), Pause("projects/b", NOON)))
    store.write_safety_state(guardrails, None)
    upgraded(store, "findings", ())
    upgraded(store, "brakes", (), ("pauses", 1))
    snapshot, safety = store.read(KEY), store.safety_state()
    claimed = replace(safety.value, pauses=safety.value.pauses[1:], writes=(WriteRecord("billing", LATER),))
    after = store.claim(snapshot, replace(snapshot.state, sequence=2), claimed, safety.version)
    store.commit(after, replace(after.state, sequence=3))
    ((finding_body,), (brakes,)) = (stored(store, kind).values() for kind in ("findings", "brakes"))
    assert has(finding_body)
    assert has(brakes)
    assert has(brakes, "pauses", 0)
    assert store.safety_state().value == claimed


def test_a_repair_of_a_damaged_finding_keeps_the_fields_of_a_newer_version(finding):
    upgraded(finding.store, "findings", ())
    for record in records(finding.store, "findings"):
        value = msgspec.json.decode(record.body)
        record.write(msgspec.json.encode(value | {"finding": {"kind": "damaged"}}))
    (result,) = repair(finding, LATER)
    assert result.repair == "judged"
    (body,) = stored(finding.store, "findings").values()
    assert has(body)


def applied(store, location: str, source: str) -> None:
    loaded = LoadResult(desired=[declared(KEY, location=location)], scopes=(scope(source),))
    context = Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue(), clock=lambda: LATER)
    apply.sync(loaded, ApplyRequest(source), context, LATER)


def test_an_apply_keeps_the_fields_of_a_newer_version_in_the_control_record_and_its_declarations(context):
    store = context.store
    names = list(store.control().value.sources)
    sources = tuple(("sources", name) for name in names)
    scopes = tuple(("sources", name, "scopes", 0) for name in names)
    upgraded(store, "control", (), *sources, *scopes)
    upgraded(store, "desired", (), ("versions", 0))
    declare(store, [declared(KEY, location="ASIA"), declared(OTHER)], (scope(), scope("more")))
    (control,) = stored(store, "control").values()
    records = stored(store, "desired")
    assert all(has(control, *path) for path in ((), *sources, *scopes))
    assert has(records[KEY.id])
    assert [has(version) for version in records[KEY.id]["versions"]] == [True, False]
    assert records[KEY.id]["versions"][1]["declarations"][0]["data"] == {"location": "ASIA"}
    assert has(records[OTHER.id])


def test_declarations_of_other_sources_keep_the_fields_of_a_newer_version(context):
    store = context.store
    upgraded(store, "desired", (), ("versions", 0), ("versions", 0, "declarations", 0))
    control, read = store.control().value, store.records([KEY])[KEY]
    theirs = DeclaredVersion("theirs", 9, "digest", declared(KEY, location="US").declarations)
    store.write_records({KEY: StoredRecord(with_version(read.value, theirs, control), read.version)})
    record = stored(store, "desired")[KEY.id]
    assert [version["source"] for version in record["versions"]] == ["default", "theirs"]
    assert has(record)
    assert has(record, "versions", 0)
    assert has(record, "versions", 0, "declarations", 0)


def test_an_apply_keeps_the_fields_of_a_newer_version_in_a_control_record_in_parts(context):
    store = context.store
    fill(store, 300)
    applied(store, "US", MANY)
    upgraded(store, "control", ())
    for record in records(store, "control_parts"):
        value = msgspec.json.decode(record.body)
        record.write(msgspec.json.encode({name: state | ADDED for name, state in value.items()}))
    with_others = store_again(store)
    for location in ("ASIA", "EU"):
        applied(with_others, location, MANY)
    (control,) = stored(store, "control").values()
    states = {name: state for part in stored(store, "control_parts").values() for name, state in part.items()}
    assert has(control)
    assert len(states) == 301
    assert all(has(state) for state in states.values())
    assert states[MANY]["generation"] == with_others.control().value.sources[MANY].generation


def store_again(store: Any) -> Any:
    """A store of the same data in another process, which has nothing in its caches."""
    return SqliteStore(store._path) if isinstance(store, SqliteStore) else FirestoreStore(store._client)


def test_a_control_record_that_shrinks_and_grows_keeps_the_fields_of_a_newer_version(context):
    store = context.store
    fill(store, 300)
    for record in records(store, "control_parts"):
        value = msgspec.json.decode(record.body)
        record.write(msgspec.json.encode({name: state | ADDED for name, state in value.items()}))
    store = store_again(store)
    read = store.control()
    few = {name: state for name, state in read.value.sources.items() if name == MANY}
    store.write_control(replace(read.value, sources=few), read.version)
    (control,) = stored(store, "control").values()
    assert has(control, "sources", MANY)
    again = store.control()
    store.write_control(replace(again.value, sources=read.value.sources), again.version)
    states = {name: state for part in stored(store, "control_parts").values() for name, state in part.items()}
    assert has(states[MANY])
    store.close()


def test_a_sweep_and_its_shards_keep_the_fields_of_a_newer_version(context):
    sweeps = context.store.sweeps
    sweeps.write_sweep(SWEEP, None)
    sweeps.write_shard(SHARD, None)
    upgraded(context.store, "sweeps", ())
    upgraded(context.store, "shards", ())
    read, shard = sweeps.sweep(SWEEP.name), sweeps.shard("run-1", 0)
    again = sweeps.write_sweep(replace(read.value, open=(0,)), read.version)
    sweeps.write_sweep(replace(again.value, open=()), again.version)
    part = sweeps.write_shard(replace(shard.value, listed=3), shard.version)
    sweeps.write_shard(replace(part.value, status="done"), part.version)
    ((sweep,), (listed,)) = (stored(context.store, kind).values() for kind in ("sweeps", "shards"))
    assert has(sweep)
    assert (has(listed), listed["status"], listed["listed"]) == (True, "done", 3)


def test_alerts_keep_the_fields_of_a_newer_version(context):
    harness = AlertingHarness(store=context.store, clock=Clock())
    harness.deliver(event("drift.opened", 1))
    kinds = ("notices", "threads", "slots", "places")
    for kind in kinds:
        upgraded(context.store, kind, ())
    upgraded(context.store, "notices", ("shown", "data"))
    harness.deliver(event("drift.changed", 2))
    harness.deliver(event("drift.resolved", 3))
    assert [view.data.status for view in harness.shown] == ["resolved"]
    bodies = {kind: stored(context.store, kind) for kind in kinds}
    assert all(has(body) for by_name in bodies.values() for body in by_name.values())
    assert all(has(body, "shown", "data") for body in bodies["notices"].values())


def test_changes_and_audit_entries_keep_the_fields_of_a_newer_version(context):
    store = context.store
    first = AuditedChange(principal="alice@example.com", method="storage.buckets.update", requested_at=NOON, log_id="a")
    store.remember(KEY, first, NOON)
    store.note(KEY, AuditEntry(NOON, "approved", "alice@example.com"))
    upgraded(store, "actors", (0,))
    upgraded(store, "audit", ())
    store.remember(KEY, replace(first, requested_at=LATER, log_id="b"), LATER)
    store.note(KEY, AuditEntry(LATER, "written", "setpoint"))
    (changes,) = stored(store, "actors").values()
    assert (has(changes, 0), len(changes)) == (True, 2)
    assert [entry.what for entry in store.trail(KEY)] == ["approved", "written"]
    assert sum(has(entry) for entry in stored(store, "audit").values()) == 1


def test_documents_without_a_body_keep_the_fields_of_a_newer_version(context):
    store = context.store
    if not isinstance(store, FirestoreStore):
        pytest.skip("a file with columns of a newer version is not opened at all")
    name = "//storage.googleapis.com/a"
    for _ in range(2):
        store.write_project_ids({"123": "billing"})
        store.names.bind({name: KEY.name})
        store.names.wait_for(name, KEY)
        for collection in ("projects", "bound_names", "waiting_names"):
            for document in store._client.collection(collection).stream():
                fields = document.to_dict()
                assert fields.get("added_later") in (None, ADDED["added_later"])
                document.reference.update(ADDED)
    for collection in ("projects", "bound_names", "waiting_names"):
        store.write_project_ids({"123": "billing-2"})
        store.names.bind({name: OTHER.name})
        store.names.wait_for(name, KEY)
        assert [has(document.to_dict()) for document in store._client.collection(collection).stream()] == [True]


NEWER = {"desired": WITH_DIGESTS + 1}
"""The first form that this version does not read: 2 for all other kinds."""
READERS: dict[str, Callable[[Any], object]] = {
    "findings": lambda store: store.read(KEY),
    "desired": lambda store: store.read(KEY),
    "control": lambda store: store.control(),
    "control in parts": lambda store: store.control(),
    "brakes": lambda store: store.safety_state(),
    "sweeps": lambda store: store.sweeps.sweep(SWEEP.name),
    "shards": lambda store: store.sweeps.shard("run-1", 0),
}


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("is_readable", [True, False], ids=["of fields known here", "of other fields"])
def test_a_record_of_a_newer_form_is_left_as_it_is_and_the_error_says_so(finding, kind, is_readable):
    store = finding.store
    store.write_safety_state(SafetyState(pauses=(Pause("fleet", NOON),)), None)
    store.sweeps.write_sweep(SWEEP, None)
    store.sweeps.write_shard(SHARD, None)
    if kind == "control in parts":
        fill(store, 300)
    collection = kind.partition(" ")[0]
    upgraded(store, collection, (), schema=NEWER.get(collection, 2))
    for record in records(store, collection):
        value = msgspec.json.decode(record.body)
        changed = {"pauses": 7, "versions": 7, "last_generation": "x", "open": 7, "types": 7, "sequence": "x"}
        record.write(msgspec.json.encode(value if is_readable else value | changed))
    before = stored(store, collection)
    again = store_again(store)
    with pytest.raises(NewerRecord, match=rf"newer version \(schema {NEWER.get(collection, 2)}"):
        READERS[kind](again)
    if collection in {"control", "desired", "findings"}:
        context = Context(again, MemoryBus(), MemoryDeadLetters(), default_catalogue(), clock=lambda: LATER)
        with pytest.raises(NewerRecord):
            pipeline.handle_observation(Observation(KEY, BUCKET, LATER, data={"location": "EU"}), context)
    if collection in {"control", "desired"}:
        with pytest.raises(NewerRecord):
            applied(again, "EU", "ours")
    assert stored(store, collection) == before


@pytest.mark.parametrize("kind", ["notices", "threads", "slots", "places"])
def test_an_alert_record_of_a_newer_form_is_left_as_it_is(context, kind):
    harness = AlertingHarness(store=context.store, clock=Clock())
    harness.deliver(event("drift.opened", 1))
    upgraded(context.store, kind, schema=2)
    before = stored(context.store, kind)
    for number in (2, 3):
        with suppress(NewerRecord):
            harness.deliver(event("drift.changed", number))
    after = stored(context.store, kind)
    assert {name: after[name] for name in before} == before


def test_another_resource_goes_on_beside_a_record_of_a_newer_form(finding):
    for record in records(finding.store, "desired"):
        value = msgspec.json.decode(record.body)
        if record.place == KEY.id:
            record.write(msgspec.json.encode(value | {"schema": NEWER["desired"]}))
    outcome = pipeline.handle_observation(Observation(OTHER, BUCKET, LATER, data={"location": "US"}), finding)
    assert outcome == "opened"
    assert finding.store.read(ResourceKey("//storage.googleapis.com/unknown")).state is None
