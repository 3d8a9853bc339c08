"""Many workers on one record, and records that wait for something that nobody does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from contract.records import BUCKET, KEY, NOON, OTHER, drifted
from setpoint.adapters.firestore.store import FirestoreStore
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.declarations.apply import update_control
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import Conflict
from setpoint.model import safety_limits
from setpoint.model.observation import Observation
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.resource_state import GracePeriod
from setpoint.model.safety_limits import Pause
from setpoint.model.sources import begin
from setpoint.util.retries import retry_on_conflict

LATER = NOON + timedelta(hours=1)
WORKERS = 16
EACH = 5


@pytest.mark.timeout(120)
def test_of_16_workers_on_one_record_none_gives_up_and_nothing_is_lost(new_backend):
    backend = new_backend()
    stores = [backend.open() for _ in range(WORKERS)]
    at_once = threading.Barrier(WORKERS)

    def work(number: int) -> int:
        at_once.wait()
        given_up = 0
        for turn in range(EACH):
            try:
                update_control(stores[number], partial(begin, source=f"source-{number}-{turn}", expected=0))
            except Conflict:
                given_up += 1
        return given_up

    with ThreadPoolExecutor(WORKERS) as pool:
        assert sum(pool.map(work, range(WORKERS))) == 0
    assert len(stores[0].control().value.sources) == WORKERS * EACH


@pytest.mark.timeout(120)
def test_of_16_workers_on_the_guardrails_none_gives_up(new_backend):
    backend = new_backend()
    stores = [backend.open() for _ in range(WORKERS)]

    def work(number: int) -> None:
        def write() -> None:
            stored = stores[number].safety_state()
            paused = safety_limits.pause(stored.value, Pause(f"projects/p{number}", NOON))
            stores[number].write_safety_state(paused, stored.version)

        retry_on_conflict(write, what="the guardrails")

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))
    assert len(stores[0].safety_state().value.pauses) == WORKERS


def waiting(key) -> object:
    remediation = RemediationState("00112233aabbccdd", "asked", NOON, due=NOON)
    return replace(drifted(key), remediation=remediation)


def test_what_waits_for_remediation_is_listed_for_remediation_alone(store):
    store.commit(store.read(KEY), waiting(KEY))
    settling = replace(drifted(OTHER), settling=GracePeriod(NOON, NOON + timedelta(minutes=1), 60.0))
    store.commit(store.read(OTHER), settling)
    assert list(store.due(LATER)) == [OTHER]
    assert list(store.remediations_due(LATER)) == [KEY]


def test_where_remediation_is_off_heal_reads_nothing_that_waits_for_it(store, mocker):
    for number in range(30):
        key = replace(KEY, name=f"{KEY.name}-{number}")
        store.commit(store.read(key), waiting(key), Observation(key, BUCKET, NOON, data={}))
    context = Context(store, MemoryBus(), MemoryDeadLetters(), clock=lambda: LATER)
    read = mocker.spy(type(store), "read")
    last = mocker.spy(type(store), "last_observation")
    assert pipeline.promote_settled(context) == {}
    assert (read.call_count, last.call_count) == (0, 0)


def test_a_record_that_an_older_version_filed_is_filed_anew_once(store):
    store.commit(store.read(KEY), waiting(KEY))
    if isinstance(store, SqliteStore):
        statement = "UPDATE findings SET due = ?, remediation_due = NULL"
        store._connections.execute(statement, (NOON.timestamp(),))
    elif isinstance(store, FirestoreStore):
        from google.cloud.firestore import DELETE_FIELD  # noqa: PLC0415 - where there is a client

        store._findings.document(KEY.id).update({"due": NOON, "remediation_due": DELETE_FIELD})
    else:
        pytest.skip("a store in memory has no older version")
    assert list(store.due(LATER)) == [KEY]
    context = Context(store, MemoryBus(), MemoryDeadLetters(), clock=lambda: LATER)
    pipeline.promote_settled(context)
    assert list(store.due(LATER)) == []
    assert list(store.remediations_due(LATER)) == [KEY]
