"""The contract of `RemediationStore`, over every backend that the product has."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from contract.records import KEY, NOON, OTHER, drifted, in_sync
from setpoint.errors import Conflict
from setpoint.model.audit_trail import AuditEntry, Reason
from setpoint.model.remediation_attempt import RemediationState
from setpoint.model.safety_limits import Pause, SafetyState, WriteRecord

PAUSED = SafetyState(pauses=(Pause("fleet", NOON, by="ann", reason="incident"),))
SPENT = SafetyState(writes=(WriteRecord("billing", NOON),))


def test_brakes_that_were_never_written_are_off(store):
    assert store.safety_state() == (SafetyState(), None)


def test_brakes_are_read_as_they_were_written(store):
    store.write_safety_state(PAUSED, None)
    store.write_safety_state(SPENT, store.safety_state().version)

    assert store.safety_state().value == SPENT


def test_of_two_who_write_the_brakes_the_second_has_a_conflict(store):
    store.write_safety_state(PAUSED, None)
    seen = store.safety_state().version
    store.write_safety_state(SPENT, seen)

    for version in (None, seen):
        with pytest.raises(Conflict):
            store.write_safety_state(PAUSED, version)
    assert store.safety_state().value == SPENT


def test_a_claim_writes_the_finding_and_the_brakes(store):
    snapshot = store.commit(store.read(KEY), drifted(pending=1))
    acting = replace(drifted(pending=1), remediation=RemediationState("00112233aabbccdd", "acting", NOON, due=NOON))

    claimed = store.claim(snapshot, acting, SPENT, store.safety_state().version)

    assert store.read(KEY) == claimed
    assert (claimed.state, store.safety_state().value) == (acting, SPENT)
    assert list(store.remediations_due(NOON)) == [KEY]


def test_a_claim_on_a_finding_that_was_written_since_writes_nothing(store):
    stale = store.commit(store.read(KEY), drifted())
    store.commit(stale, in_sync(sequence=2))

    with pytest.raises(Conflict):
        store.claim(stale, drifted(), SPENT, store.safety_state().version)
    assert (store.read(KEY).state, store.safety_state().value) == (in_sync(sequence=2), SafetyState())


def test_a_claim_under_brakes_that_were_written_since_writes_nothing(store):
    snapshot = store.commit(store.read(KEY), drifted())
    seen = store.safety_state().version
    store.write_safety_state(PAUSED, seen)

    with pytest.raises(Conflict):
        store.claim(snapshot, replace(drifted(), sequence=9), SPENT, seen)
    assert (store.read(KEY), store.safety_state().value) == (snapshot, PAUSED)


def test_a_claim_can_be_committed_upon(store):
    snapshot = store.commit(store.read(KEY), drifted())
    claimed = store.claim(snapshot, drifted(sequence=2), SPENT, None)

    store.commit(claimed, in_sync(sequence=3))

    assert store.read(KEY).state.sequence == 3


def test_a_trail_keeps_every_entry_in_the_order_of_time(store):
    late = AuditEntry(NOON + timedelta(seconds=1), "written", by="worker", summary=("location: US -> EU",))
    early = AuditEntry(NOON, "act", observed_at=NOON, reasons=(Reason("mode auto by rule all"),), fingerprint="ff")
    for entry in (late, early):
        store.note(KEY, entry)

    assert list(store.trail(KEY)) == [early, late]
    assert list(store.trail(OTHER)) == []
