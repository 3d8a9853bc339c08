"""The contract of `DesiredStore`, over every backend that the product has."""

from __future__ import annotations

import contextlib
from itertools import chain

import pytest
from msgspec.structs import replace

from contract.records import KEY, NOON, OTHER, declared, drifted, in_sync, scope
from setpoint.declarations import apply, plan
from setpoint.errors import BadRequest, Conflict, Superseded
from setpoint.model import sources as controlling
from setpoint.model.declaration import Declaration, Source, desired
from setpoint.model.observation import Observation
from setpoint.model.resource_key import CONTENTS, ResourceKey
from setpoint.model.sources import MANIFEST_PART, Control, DeclaredVersion, DesiredRecord, SourceState
from setpoint.ports.stores import Commit, StoredControl, StoredRecord

BUCKET = "storage.googleapis.com/Bucket"


def applied(store, *declarations, source="git", prune=False, scopes=(), commit=""):
    planned = plan.plan(declarations, scopes, source, store, prune=prune)
    apply.apply(planned, store, NOON, commit=commit)
    return planned


def actions(planned):
    return [(change.action, change.key) for change in planned.changes]


def test_before_anything_is_applied_the_control_record_is_empty_and_has_no_version(store):
    assert store.control() == StoredControl(Control(), None)

    store.write_control(Control(last_generation=1), None)
    assert store.control().version is not None
    with pytest.raises(Conflict):
        store.write_control(Control(), None)


def test_of_two_who_write_the_control_record_the_second_has_a_conflict(store):
    mine, theirs = store.control(), store.control()
    store.write_control(Control({"a": SourceState(generation=1)}, 1), theirs.version)

    with pytest.raises(Conflict):
        store.write_control(Control(), mine.version)
    assert store.control().value.last_generation == 1
    store.write_control(Control(), store.control().version)


def test_a_manifest_is_read_as_it_was_written_and_forgotten_when_dropped(store):
    large = [(ResourceKey(f"//storage.googleapis.com/b{n:04}", "iam_policy"), f"{n:016x}") for n in range(7_000)]
    store.write_manifest("team/a b", 3, large)
    store.write_manifest("team/a b", 4, [(KEY, "x")])

    assert list(store.manifest("team/a b", 3)) == large
    assert list(store.manifest("team/a b", 5)) == []
    store.drop_manifest("team/a b", 3)
    assert list(store.manifest("team/a b", 3)) == []
    assert list(store.manifest("team/a b", 4)) == [(KEY, "x")]


def numbered(count):
    return [(ResourceKey(f"//storage.googleapis.com/b{n:05}"), f"{n:016x}") for n in range(count)]


def test_a_manifest_that_is_written_again_is_the_new_one_alone(store):
    store.write_manifest("git", 1, iter(numbered(MANIFEST_PART + 5)))
    store.write_manifest("git", 1, iter(numbered(3)))

    assert list(store.manifest("git", 1)) == numbered(3)


def test_a_manifest_that_is_dropped_while_it_is_read_is_never_taken_for_a_shorter_one(store):
    rows = numbered(2 * MANIFEST_PART + 5)
    store.write_manifest("git", 1, rows)
    reading = store.manifest("git", 1)
    read = [next(reading)]
    store.drop_manifest("git", 1)

    with contextlib.suppress(Conflict):
        read.extend(reading)
        assert read == rows
    assert len(read) in (MANIFEST_PART, len(rows))


def test_records_of_all_keys_are_read_empty_ones_included(store):
    record = written_by("git", 1)
    store.write_records({KEY: StoredRecord(record, None)})

    records = store.records([KEY, OTHER])
    assert (records[KEY].value, records[OTHER]) == (record, StoredRecord(DesiredRecord(), None))
    assert records[KEY].version is not None
    assert store.records([]) == {}


def test_a_record_is_written_again_in_place_of_the_one_that_was_read(store):
    store.write_records({KEY: StoredRecord(written_by("git", 1), None)})
    store.write_records({KEY: StoredRecord(written_by("git", 2), store.records([KEY])[KEY].version)})

    assert store.records([KEY])[KEY].value == written_by("git", 2)


@pytest.mark.parametrize("already", [True, False])
def test_where_one_record_is_another_by_now_none_of_its_batch_is_written(store, already):
    if already:
        store.write_records({OTHER: StoredRecord(written_by("git", 1), None)})
    mine = store.records([KEY, OTHER])
    theirs = StoredRecord(written_by("theirs", 2), mine[OTHER].version)
    store.write_records({OTHER: theirs})

    with pytest.raises(Conflict):
        store.write_records({key: StoredRecord(written_by("mine", 3), record.version) for key, record in mine.items()})
    assert {key: records.value for key, records in store.records([KEY, OTHER]).items()} == {
        KEY: DesiredRecord(),
        OTHER: theirs.value,
    }


def written_by(source, generation):
    return DesiredRecord((DeclaredVersion(source, generation, "d", declared().declarations),))


def granted(role):
    key = ResourceKey(KEY.name, "iam_policy")
    grants = {"bindings": [{"role": role, "members": ["group:a@example.com"]}]}
    return desired((Declaration(key, BUCKET, grants, authority="role"),))


def between(store, monkeypatch, what):
    """Let something happen once, between the reading and the writing of records."""
    write, waiting = store.write_records, [what]

    def write_late(records):
        while waiting:
            waiting.pop()()
        write(records)

    monkeypatch.setattr(store, "write_records", write_late)


def test_of_two_sources_that_are_applied_at_once_on_one_policy_neither_is_lost(store, monkeypatch):
    first = plan.plan([granted("roles/viewer")], (), "one", store)
    two = plan.plan([granted("roles/owner")], (), "two", store)
    between(store, monkeypatch, lambda: apply.apply(two, store, NOON))

    apply.apply(first, store, NOON)

    desired_by = store.read(ResourceKey(KEY.name, "iam_policy")).desired
    roles = {declaration.data["bindings"][0]["role"] for declaration in desired_by.declarations}
    assert roles == {"roles/viewer", "roles/owner"}


def test_an_apply_that_gave_way_overwrites_nothing_of_the_one_that_came_after_it(store, monkeypatch):
    early = plan.plan([declared(KEY, location="US")], (), "git", store)
    late = plan.plan([declared(KEY, location="ASIA")], (), "git", store)
    between(store, monkeypatch, lambda: apply.apply(late, store, NOON))

    with pytest.raises(Conflict, match="another apply"):
        apply.apply(early, store, NOON)
    assert store.read(KEY).desired == declared(KEY, location="ASIA")
    applied(store, declared(KEY, location="ASIA"))
    assert store.read(KEY).desired == declared(KEY, location="ASIA")


@pytest.mark.usefixtures("hardly_pausing")
def test_an_apply_gives_up_where_records_are_written_by_others_all_the_time(store, monkeypatch):
    def busy(_records):
        raise Conflict("written by somebody else")

    monkeypatch.setattr(store, "write_records", busy)
    with pytest.raises(Conflict, match="apply again"):
        applied(store, declared(KEY))
    assert store.read(KEY).desired is None


def test_a_plan_tells_what_is_added_changed_and_removed(store):
    applied(store, declared(KEY), declared(OTHER))
    third = ResourceKey("//storage.googleapis.com/third")

    planned = plan.plan([declared(KEY, location="US"), declared(third)], (), "git", store, prune=True)

    assert actions(planned) == [("added", third), ("changed", KEY), ("removed", OTHER)]
    assert planned.unchanged == 0
    assert store.read(KEY).desired == declared(KEY)


def test_what_is_no_longer_declared_stays_unless_it_is_pruned(store):
    applied(store, declared(KEY), declared(OTHER))

    kept = applied(store, declared(KEY))
    assert (actions(kept), list(kept.kept)) == ([], [OTHER])
    assert store.read(OTHER).desired == declared(OTHER)

    applied(store, declared(KEY), prune=True)
    assert store.read(OTHER).desired is None
    assert store.read(KEY).desired == declared(KEY)


def test_what_was_removed_can_be_declared_again(store):
    for declarations in ([declared()], [declared(OTHER)], [declared(), declared(OTHER)]):
        applied(store, *declarations, prune=True)

    assert store.read(KEY).desired == declared()


def test_readers_see_nothing_of_an_apply_before_it_is_done(store, monkeypatch):
    applied(store, declared(KEY), declared(OTHER))
    planned = plan.plan([declared(KEY, location="US")], (scope(),), "git", store, prune=True)
    monkeypatch.setattr(apply.controlling, "finish", dies)

    with pytest.raises(KeyboardInterrupt):
        apply.apply(planned, store, NOON)

    assert store.read(KEY).desired == declared(KEY)
    assert store.read(OTHER).desired == declared(OTHER)
    assert store.read(KEY).rules.scopes == ()


def dies(*_arguments, **_named):
    raise KeyboardInterrupt


def test_what_an_apply_that_died_has_written_is_never_seen(store, monkeypatch):
    applied(store, declared(KEY), declared(OTHER))
    planned = plan.plan([declared(KEY, location="US"), declared(OTHER, location="US")], (), "git", store)
    with monkeypatch.context() as patched:
        patched.setattr(apply.controlling, "finish", dies)
        with pytest.raises(KeyboardInterrupt):
            apply.apply(planned, store, NOON)

    applied(store, declared(KEY, location="ASIA"), declared(OTHER))
    applied(store, declared(KEY, location="ASIA"), declared(OTHER, location="EU"))

    assert store.read(KEY).desired == declared(KEY, location="ASIA")
    assert store.read(OTHER).desired == declared(OTHER)


def test_of_two_applies_of_one_source_at_once_the_first_to_begin_gives_way(store):
    early = plan.plan([declared(KEY, location="US")], (), "git", store)
    late = plan.plan([declared(KEY, location="ASIA")], (), "git", store)
    begun = apply.update_control(store, lambda control: apply.controlling.begin(control, "git", 0))
    apply.apply(late, store, NOON)

    with pytest.raises(Conflict, match="another apply"):
        apply.update_control(
            store,
            lambda control: apply.controlling.finish(control, "git", begun.sources["git"].pending, SourceState()),
        )
    with pytest.raises(Conflict, match="applied it after the plan"):
        apply.apply(early, store, NOON)
    assert store.read(KEY).desired == declared(KEY, location="ASIA")


def test_two_sources_declare_side_by_side_and_one_resource_has_one_of_them(store):
    applied(store, declared(KEY), source="one", scopes=(scope("one"),))
    planned = applied(store, declared(KEY, location="US"), declared(OTHER), source="two", scopes=(scope("two"),))

    ((claim),) = planned.claimed
    assert (claim.key, claim.source, claim.where) == (KEY, "one", "fleet.yaml:1")
    assert store.read(KEY).desired == declared(KEY)
    assert store.read(OTHER).desired == declared(OTHER)
    assert {scope_.name for scope_ in store.read(KEY).rules.scopes} == {"one", "two"}

    applied(store, source="one", prune=True)
    applied(store, declared(KEY, location="US"), declared(OTHER), source="two")
    assert store.read(KEY).desired == declared(KEY, location="US")


def test_an_apply_of_what_is_in_force_writes_nothing_but_the_commit(store):
    applied(store, declared(KEY), commit="one")
    before = store.records([KEY])

    planned = applied(store, declared(KEY), commit="two")

    assert (actions(planned), planned.unchanged) == ([], 1)
    assert store.records([KEY]) == before
    state = store.control().value.sources["git"]
    assert (state.commit, state.generation, state.declared) == ("two", 1, 1)


def test_more_removals_than_are_allowed_are_refused_with_the_way_to_allow_them(store):
    applied(store, *(declared(ResourceKey(f"//storage.googleapis.com/b{n}")) for n in range(10)))
    planned = plan.plan([declared(ResourceKey("//storage.googleapis.com/b0"))], (), "git", store, prune=True)

    with pytest.raises(BadRequest, match="--max-removals 90%"):
        plan.check_removals(planned, 0.1)
    plan.check_removals(planned, 0.9)


def test_the_last_observation_is_kept_until_the_next_one(store):
    seen = Observation(KEY, BUCKET, NOON, data={"location": "US", "deep": [1, {"x": None}]}, ancestors=("projects/1",))
    assert store.last_observation(KEY) is None

    first = store.commit(store.read(KEY), in_sync(), seen)
    assert store.last_observation(KEY) == seen
    second = store.commit(first, in_sync(sequence=1))
    assert store.last_observation(KEY) == seen
    store.mark_published(store.commit(second, drifted(pending=1), replace(seen, deleted=True)))
    assert store.last_observation(KEY) == replace(seen, deleted=True)


def test_the_last_observations_of_many_are_those_of_each(store):
    keys = [ResourceKey(f"//storage.googleapis.com/b{number}") for number in range(120)]
    commits = [
        Commit(store.read(key), in_sync(key), Observation(key, BUCKET, NOON, data={"at": key.name})) for key in keys
    ]
    store.commit_many(commits[:100])
    store.commit(store.read(keys[110]), in_sync(keys[110]))

    assert store.last_observations(keys) == {commit.observation.key: commit.observation for commit in commits[:100]}
    assert store.last_observations([]) == {}


def test_an_observation_too_large_for_a_record_loses_nothing_else(store):
    huge = Observation(KEY, BUCKET, NOON, data={"text": "x" * 2_000_000})
    store.commit(store.read(KEY), in_sync(), huge)

    assert store.read(KEY).state == in_sync()
    assert store.last_observation(KEY) in (huge, None)


def revised(store, revision, location="EU"):
    planned = plan.plan([declared(KEY, location=location)], (), "git", store)
    return lambda: apply.apply(planned, store, NOON, revision=revision)


@pytest.mark.parametrize("later", ["US", "EU"])
def test_an_upload_gives_way_to_a_later_one_that_came_into_force_since_it_was_planned(store, later):
    revised(store, 1)()
    early, late = revised(store, 2, "ASIA"), revised(store, 3, later)
    late()

    with pytest.raises((Conflict, Superseded)):
        early()
    with pytest.raises(Superseded, match="later upload"):
        revised(store, 2, "ASIA")()
    assert store.read(KEY).desired == declared(KEY, location=later)


def test_an_upload_gives_way_to_a_later_one_that_came_into_force_while_it_was_written(store, monkeypatch):
    revised(store, 1)()
    early, late = revised(store, 2, "ASIA"), revised(store, 3)
    between(store, monkeypatch, late)

    with pytest.raises(Superseded, match="later upload"):
        early()
    assert store.read(KEY).desired == declared(KEY)


def test_an_apply_by_hand_is_possible_at_any_time_and_forgets_no_upload(store):
    revised(store, 2)()
    revised(store, 0, "US")()

    assert store.read(KEY).desired == declared(KEY, location="US")
    with pytest.raises(Superseded):
        revised(store, 1, "ASIA")()


def scopes_in_force(store):
    return [scope_.name for scope_ in store.read(KEY).rules.scopes]


def test_a_scope_that_is_no_longer_declared_stays_unless_it_is_pruned(store):
    applied(store, declared(KEY), scopes=(scope("one"), scope("two")))

    applied(store, declared(KEY))
    assert scopes_in_force(store) == ["one", "two"]
    applied(store, declared(KEY, location="US"), scopes=(scope("three"),))
    assert scopes_in_force(store) == ["one", "two", "three"]

    pruned = applied(store, declared(KEY, location="US"), scopes=(scope("two"),), prune=True)
    assert scopes_in_force(store) == ["two"]
    assert "scopes: two (before: one, two, three)" in pruned.summary()
    applied(store, declared(KEY, location="US"), prune=True)
    assert scopes_in_force(store) == []


def test_a_scope_that_is_declared_again_takes_the_place_of_the_one_before(store):
    applied(store, scopes=(scope("one"), scope("two")))
    applied(store, scopes=(replace(scope("one"), mode="auto"),))

    assert [(scope_.name, scope_.mode) for scope_ in store.read(KEY).rules.scopes] == [("one", "auto"), ("two", None)]


def test_a_scope_that_moves_in_its_file_changes_nothing(store):
    applied(store, scopes=(scope("one"),))
    moved = applied(store, scopes=(replace(scope("one"), source=Source("fleet.yaml", 7)),))

    assert not moved.rescopes
    state = store.control().value.sources["git"]
    assert (state.generation, state.scopes[0].source.line) == (1, 7)


def test_a_large_record_is_read_like_any_other_and_not_kept_in_memory(store):
    large = StoredRecord(
        DesiredRecord((DeclaredVersion("git", 1, "d", declared(text="x" * 100_000).declarations),)), None
    )
    controlling._decode_small.cache_clear()
    store.write_records({KEY: large})

    assert store.records([KEY])[KEY].value == large.value
    assert store.records([KEY])[KEY].value == large.value
    assert controlling._decode_small.cache_info().currsize == 0


def test_a_plan_of_many_batches_tells_of_every_resource_once(store, monkeypatch):
    monkeypatch.setattr(plan, "BATCH", 2)
    monkeypatch.setattr(plan, "_MAX_ROWS", 3)
    keys = [ResourceKey(f"//storage.googleapis.com/b{n}", content) for n in range(8) for content in CONTENTS[:2]]
    before, after = keys[:12], keys[4:]
    applied(store, *map(declared, before))
    fresh = {key: declared(key, location="US") for key in after[:5]}

    planned = applied(store, *(fresh.get(key, declared(key)) for key in after), prune=True)

    expected = {"added": keys[12:], "changed": after[:5], "removed": keys[:4]}
    assert actions(planned) == [(action, key) for action, keys in expected.items() for key in sorted(keys)]
    assert (list(planned.touched), planned.unchanged) == (sorted(chain(*expected.values())), 3)
    assert (
        list(store.manifest("git", 2))
        == [(key, fresh.get(key, declared(key)).digest) for key in sorted(after)]
        == list(planned.manifest)
    )


def test_what_is_kept_or_claimed_stays_in_the_manifest_as_it_is(store):
    applied(store, granted("roles/viewer"), source="one")
    applied(store, declared(KEY), declared(OTHER))
    claimed = granted("roles/viewer")

    planned = applied(store, declared(KEY, location="US"), claimed)

    assert [claim.key for claim in planned.claimed] == [claimed.declarations[0].key]
    assert list(planned.manifest) == [(OTHER, declared(OTHER).digest), (KEY, declared(KEY, location="US").digest)]
