"""A record without a body, or with one that is not text, is damaged: it does not pass for one that is not there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contract.records import BUCKET, KEY, NOON, declare, declared
from setpoint.adapters.firestore.store import FirestoreStore
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import CorruptState
from setpoint.model import safety_limits
from setpoint.model.safety_limits import Pause
from setpoint_tools.testing import messages


@pytest.fixture
def context(store) -> Context:
    if not isinstance(store, SqliteStore | FirestoreStore):
        pytest.skip("a store in memory holds values, and nothing that could not be read")
    declare(store, [declared()])
    context = Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue(), clock=lambda: NOON)
    assert pipeline.receive(observed(1), {}, context) == "opened"
    return context


def observed(minute: int) -> bytes:
    return messages.resource(KEY.name, BUCKET, {"location": "US"}, NOON + timedelta(minutes=minute))


def overwrite(store, collection: str, name: str, body: object) -> None:
    """Write the body of a record as only people with access to the store do."""
    if isinstance(store, SqliteStore):
        store._connections.execute(f"UPDATE {collection} SET body = ?", (body,))  # noqa: S608 - a constant of the callers
    else:
        reference = store._client.collection(collection).document(name)
        reference.set({} if body is None else {"body": body}, merge=body is not None)


BODIES = {"empty": b"", "a number": 5, "empty text": ""}


@pytest.mark.parametrize("collection", ["control", "desired", "findings"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_empty_record_resolves_no_finding(context, collection, body):
    names = {"control": context.store._controls.reference.id if isinstance(context.store, FirestoreStore) else ""}
    overwrite(context.store, collection, names.get(collection, KEY.id), body)
    before = len(context.bus.events)
    with pytest.raises(CorruptState):
        pipeline.receive(observed(2), {}, context)
    assert len(context.bus.events) == before


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_listing_names_an_empty_record_and_goes_on(context, body):
    overwrite(context.store, "findings", KEY.id, body)
    problems: list[CorruptState] = []
    assert list(context.store.states(problems=problems)) == []
    assert [KEY.id in str(problem) for problem in problems] == [True]
    assert [record.id for record in context.store.damaged()] == [KEY.id]


def test_empty_guardrails_are_not_guardrails_without_a_pause(context):
    store = context.store
    stored = store.safety_state()
    store.write_safety_state(
        safety_limits.pause(stored.value, Pause("fleet", NOON, "olga", "a bad day")), stored.version
    )
    name = store._brakes.id if isinstance(store, FirestoreStore) else ""
    overwrite(store, "brakes" if isinstance(store, SqliteStore) else store._brakes.parent.id, name, b"")
    with pytest.raises(CorruptState):
        store.safety_state()
