"""A record that cannot be read: it keeps no other from being listed, and is named."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from contract.records import BUCKET, KEY, NOON, OTHER, drifted
from setpoint.adapters.firestore.store import FirestoreStore
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import CorruptState
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import GracePeriod, encode_state
from setpoint.model.suppressed import Suppressed

LATER = NOON + timedelta(hours=1)
NEWER = {"finding": {"kind": "of a newer version"}}
"""What another version may have written: JSON with a key, and a finding that this version does not know."""


def broken(store, key: ResourceKey, changes: dict | None) -> None:
    """Make a record one that cannot be read; without ``changes`` not even its key can be."""
    stored = msgspec.json.decode(encode_state(store.read(key).state))
    body = msgspec.json.encode(stored | changes).decode() if changes is not None else "no JSON"
    if isinstance(store, SqliteStore):
        with store._connections.current() as connection:
            connection.execute("UPDATE findings SET body = ? WHERE id = ?", (body, key.id))
    elif isinstance(store, FirestoreStore):
        store._findings.document(key.id).update({"body": body})
    else:
        pytest.skip("a store in memory holds values, and nothing that could not be read")


@pytest.fixture
def listed(store):
    """A store with two records that every listing lists."""
    for key in (KEY, OTHER):
        state = replace(
            drifted(key, pending=1),
            settling=GracePeriod(NOON, NOON + timedelta(minutes=1), 60.0),
            suppressed=(Suppressed("a rule", "modified"),),
        )
        store.commit(store.read(key), state, Observation(key, BUCKET, state.observed_at, data={}))
    return store


RECORDS = {
    "states": lambda store, problems: store.states(problems=problems),
    "drifted": lambda store, problems: store.states(drifted=True, problems=problems),
    "suppressed": lambda store, problems: store.suppressed(problems),
}
KEYS = {
    "unpublished": lambda store, problems: store.unpublished(problems),
    "due": lambda store, problems: store.due(LATER, problems),
}


@pytest.mark.parametrize("listing", RECORDS.values(), ids=RECORDS)
def test_a_listing_goes_on_past_a_record_that_cannot_be_read_and_names_it(listed, listing):
    broken(listed, KEY, NEWER)
    problems = []
    assert [state.key for state in listing(listed, problems)] == [OTHER]
    (problem,) = problems
    assert KEY.name in str(problem)
    assert KEY.id in str(problem)


@pytest.mark.parametrize("listing", KEYS.values(), ids=KEYS)
def test_the_key_of_a_record_is_listed_although_the_rest_cannot_be_read(listed, listing):
    broken(listed, KEY, NEWER)
    problems = []
    assert set(listing(listed, problems)) == {KEY, OTHER}
    assert problems == []


@pytest.mark.parametrize("listing", (RECORDS | KEYS).values(), ids=RECORDS | KEYS)
def test_a_record_without_a_readable_key_is_named_by_its_id(listed, listing):
    broken(listed, KEY, None)
    problems = []
    assert len(list(listing(listed, problems))) == 1
    (problem,) = problems
    assert KEY.id in str(problem)


@pytest.mark.parametrize("listing", (RECORDS | KEYS).values(), ids=RECORDS | KEYS)
def test_whoever_takes_no_problems_gets_all_that_can_be_read_and_then_an_error(listed, listing):
    broken(listed, KEY, None)
    seen = []
    with pytest.raises(CorruptState, match=KEY.id):
        seen.extend(listing(listed, None))
    assert len(seen) == 1


@pytest.mark.parametrize("changes", [NEWER, None], ids=["its key can be read", "nothing can be read"])
def test_pending_events_are_published_past_a_record_that_cannot_be_read(listed, changes):
    broken(listed, KEY, changes)
    bus, problems = MemoryBus(), []
    context = Context(listed, bus, MemoryDeadLetters(), clock=lambda: LATER)
    assert context.outbox.republish_pending(problems) == 1
    assert [event.data.resource_name for event in bus.events] == [OTHER.name]
    assert [KEY.id in str(problem) for problem in problems] == [True]
    with pytest.raises(CorruptState, match=KEY.id):
        context.outbox.republish_pending()


@pytest.mark.parametrize("changes", [NEWER, None], ids=["its key can be read", "nothing can be read"])
def test_drifts_are_evaluated_past_a_record_that_cannot_be_read(listed, changes):
    broken(listed, KEY, changes)
    problems = []
    context = Context(listed, MemoryBus(), MemoryDeadLetters(), clock=lambda: LATER)
    outcomes = pipeline.promote_settled(context, problems)
    assert outcomes == {"resolved": 1} | ({"unreadable": 1} if changes is not None else {})
    assert [KEY.id in str(problem) for problem in problems] == [True]
