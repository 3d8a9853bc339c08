"""Repairing records that cannot be read, on each store; and an upgrade that is rolled back."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from contract.records import BUCKET, KEY, NOON, OTHER, declare, declared, drifted
from contract.test_unreadable_records import broken
from setpoint.adapters.firestore.store import FirestoreStore
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import NewerRecord
from setpoint.model.exemptions import Exemption
from setpoint.model.observation import Observation
from setpoint.model.salvage import salvage
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.operations.repair import repair

LATER = NOON + timedelta(hours=1)
SEEN = {"location": "US"}


@pytest.fixture
def context(store):
    """Two open findings of declared buckets, the last of their events not yet published."""
    if isinstance(store, MemoryStore):
        pytest.skip("a store in memory holds values, and nothing that could not be read")
    declare(store, [declared(KEY), declared(OTHER)])
    for key in (KEY, OTHER):
        state = replace(drifted(key, pending=1), exemption=Exemption("ours", "alice@example.com", NOON))
        store.commit(store.read(key), state, Observation(key, BUCKET, state.observed_at, data=SEEN))
    return Context(store, MemoryBus(), MemoryDeadLetters(), clock=lambda: LATER)


def without_observation(store, key) -> None:
    if isinstance(store, SqliteStore):
        store._connections.execute("UPDATE findings SET observation = NULL WHERE id = ?", (key.id,))
    elif isinstance(store, FirestoreStore):
        store._findings.document(key.id).update({"observation": "no JSON"})


def test_a_store_whose_records_can_all_be_read_is_left_alone(context):
    assert repair(context, LATER) == []


def test_a_damaged_finding_is_judged_anew_and_keeps_what_can_be_read(context):
    before = context.store.read(KEY).state
    broken(context.store, KEY, {"finding": {"kind": "damaged"}})
    (result,) = repair(context, LATER)
    assert (result.resource, result.repair, result.is_paused) == (KEY.name, "judged", False)
    after = context.store.read(KEY).state
    assert after.finding is not None
    assert after.exemption == before.exemption
    assert after.sequence > before.sequence
    assert list(context.store.damaged()) == []
    assert {event.data.resource_name for event in context.bus.events} == {KEY.name}


def test_a_lost_sequence_never_gives_an_event_an_id_that_was_given_before(context):
    before = context.store.read(KEY).state
    broken(context.store, KEY, {"sequence": "lost", "finding": None})
    repair(context, LATER)
    assert {event.id for event in context.bus.events} >= {event.id for event in before.pending}
    opened = [event for event in context.bus.events if event.id not in {event.id for event in before.pending}]
    assert all(event.sequence > before.pending[-1].sequence for event in opened)


def test_a_sequence_that_is_lost_twice_within_a_second_gives_other_numbers_each_time(context):
    last = Observation(KEY, BUCKET, NOON, data=SEEN)
    broken(context.store, KEY, {"sequence": "lost"})
    body = stored_body(context.store, KEY)
    first, second = (
        salvage(body, KEY, last, LATER + timedelta(milliseconds=milliseconds)).state.sequence
        for milliseconds in (100, 200)
    )
    assert second > first + 10_000  # the events between them have numbers, too


@pytest.mark.parametrize("changes", [{"exemption": 7}, {"remedy": 7}, None], ids=["exemption", "remediation", "all"])
def test_a_resource_whose_exemption_may_be_lost_is_paused(context, changes):
    broken(context.store, KEY, changes)
    (result,) = repair(context, LATER)
    assert result.is_paused
    assert [pause.of for pause in context.store.safety_state().value.pauses] == [KEY.name]


def test_a_record_of_which_nothing_can_be_read_goes_and_the_next_observation_makes_it_anew(context):
    broken(context.store, KEY, None)
    without_observation(context.store, KEY)
    (result,) = repair(context, LATER)
    assert result.repair == "deleted"
    assert context.store.read(KEY).state is None
    observation = Observation(KEY, BUCKET, LATER, data=SEEN)
    assert pipeline.handle_observation(observation, context) == "opened"


def test_a_problem_is_noted_once_and_forgotten_when_it_is_repaired(context):
    broken(context.store, KEY, {"finding": {"kind": "damaged"}})
    problems, errors = RecordProblemLog(context.store.notices), []
    list(context.store.states(problems=errors))
    for minutes in (0, 1, 2, 30):
        assert problems.note(errors, LATER + timedelta(minutes=minutes)) == 1
    (problem,) = problems.listed(LATER + timedelta(minutes=30))
    assert (problem.record, problem.resource, problem.count) == (f"findings/{KEY.id}", KEY.name, 2)
    assert (problem.first_seen, problem.last_seen) == (LATER, LATER + timedelta(minutes=30))
    repair(context, LATER + timedelta(minutes=31))
    assert problems.listed(LATER + timedelta(minutes=31)) == []


def newer(store, key) -> bytes:
    """Make a record one that a newer version has written: every field is readable, and one is not known here."""
    broken(store, key, {"schema": 2, "blast_radius": {"of": "a newer version"}})
    return stored_body(store, key)


def stored_body(store, key) -> bytes:
    if isinstance(store, SqliteStore):
        return store._connections.execute("SELECT body FROM findings WHERE id = ?", (key.id,)).fetchone()[0]
    return store._findings.document(key.id).get().get("body")


def test_after_a_roll_back_the_record_of_the_newer_version_is_left_as_it_is_and_all_others_go_on(context):
    body = newer(context.store, KEY)
    problems = []
    assert [state.key for state in context.store.states(problems=problems)] == [OTHER]
    assert [type(problem) for problem in problems] == [NewerRecord]
    assert context.outbox.republish_pending([]) == 1
    with pytest.raises(NewerRecord, match="newer version"):
        pipeline.handle_observation(Observation(KEY, BUCKET, LATER, data=SEEN), context)
    (result,) = repair(context, LATER)
    assert (result.repair, result.resource) == ("left", KEY.name)
    assert stored_body(context.store, KEY) == body
    (problem,) = RecordProblemLog(context.store.notices).listed(LATER)
    assert problem.is_newer


def test_after_the_upgrade_a_record_of_the_older_version_is_read_and_written(context):
    stored = msgspec.json.decode(stored_body(context.store, KEY))
    assert "schema" not in stored
    assert pipeline.handle_observation(Observation(KEY, BUCKET, LATER, data={"location": "EU"}), context) == "resolved"
