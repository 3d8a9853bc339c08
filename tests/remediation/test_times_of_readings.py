"""A reading is as old as the service says, whatever this process's clock shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from setpoint.detection import verdict as judging
from setpoint.detection.finding_state_machine import advance
from setpoint.model.declaration import Declaration, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.remediation.live_resources import known_at

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = ResourceKey("//storage.googleapis.com/exports")
TYPE = "storage.googleapis.com/Bucket"


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ({"updateTime": "2026-03-01T11:59:00.123456Z"}, NOON - timedelta(seconds=59, microseconds=876544)),
        ({"updated": "2026-03-01T11:00:00Z"}, NOON - timedelta(hours=1)),
        ({"lastModifiedTime": "1772362800000"}, NOON - timedelta(hours=1)),
        ({"updateTime": "2026-03-01T12:30:00Z"}, NOON),
        ({"updateTime": "2026-03-01T11:00:00"}, NOON),
        ({"updateTime": "soon"}, NOON),
        ({"updateTime": None}, NOON),
        ({"name": "exports"}, NOON),
        ({}, NOON),
        (None, NOON),
    ],
)
def test_a_reading_is_as_old_as_the_service_says_and_never_of_the_future(body: object, seen: datetime) -> None:
    assert known_at(body, NOON) == seen


def test_a_clock_that_is_ahead_does_not_make_the_feeds_own_message_old() -> None:
    """A worker whose clock is ten minutes ahead reads a bucket; then somebody opens it, and the feed tells so."""
    wanted = desired((Declaration(KEY, TYPE, {"location": "EU"}),))
    ahead = NOON + timedelta(minutes=10)
    body = {"location": "EU", "updated": (NOON - timedelta(hours=1)).isoformat()}

    def after(state, observation):
        verdict = judging.judge(wanted, Rules(), observation, None)
        return advance(state, observation, verdict, ahead)

    read = after(None, Observation(KEY, TYPE, known_at(body, ahead), data=body))
    drifted = after(read.state, Observation(KEY, TYPE, NOON, data={"location": "US"}))
    assert drifted.outcome == "opened"
