"""Chaos on SQLite: killed processes, late and repeated deliveries, clocks that differ, a full disk, poison."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chaos import embedded, poison
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.testing import messages
from sizes import size

MESSAGES, KILLS = size(1_500, 5_000), size(1, 3)
BUCKET, KIND = ResourceKey("//storage.googleapis.com/billing-exports"), "storage.googleapis.com/Bucket"


@pytest.mark.thorough
def test_workers_that_are_killed_with_clocks_hours_apart_lose_nothing_and_find_nothing_false(tmp_path):
    report = embedded.killed_workers(tmp_path, MESSAGES)

    assert report.is_true, report
    assert report.messages >= MESSAGES
    assert report.kills >= KILLS
    assert report.deliveries > report.messages


@pytest.mark.thorough
def test_a_disk_that_is_full_again_and_again_loses_nothing(tmp_path):
    report = embedded.full_disk(tmp_path, size(500, 2_000))

    assert report.is_true, report
    assert report.deliveries > report.messages


@pytest.mark.long
def test_files_messages_and_records_that_cannot_be_read_keep_back_nothing_else(tmp_path):
    report = poison.poisoned_store(tmp_path, 2_000, 200, workers=16)

    assert report.is_true, report
    assert report.deliveries > report.messages


def test_a_drift_that_has_to_last_opens_however_far_the_clocks_of_two_workers_are_apart(store):
    """Early or late by the difference at most, and never lost."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    clock = {"ahead": timedelta(hours=5), "behind": -timedelta(hours=5)}
    passed = [timedelta()]
    bus = MemoryBus()
    workers = {
        name: Context(
            store, bus, MemoryDeadLetters(), default_catalogue(), clock=lambda skew=skew: noon + skew + passed[-1]
        )
        for name, skew in clock.items()
    }
    declaration = Declaration(BUCKET, KIND, {"location": "EU"}, project="billing", settle=60.0)
    apply.declare(store, [desired((declaration,))], (), noon)
    drifted = messages.resource(BUCKET.name, KIND, {"location": "US"}, noon)

    assert pipeline.receive(drifted, {}, workers["ahead"]) == "settling"
    assert pipeline.promote_settled(workers["behind"]) == {}
    assert pipeline.receive(drifted, {}, workers["behind"]) == "repeated"
    passed.append(timedelta(minutes=2))
    assert pipeline.promote_settled(workers["behind"]) == {}
    assert pipeline.promote_settled(workers["ahead"]) == {"opened": 1}
    assert pipeline.promote_settled(workers["behind"]) == {}
    assert [event.type for event in bus.events] == ["drift.opened"]
