"""What Slack and other sinks say of a drift's beginning and origin, alone and in a group."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from setpoint.alerting.rendering import google_chat, phrases, slack
from setpoint.alerting.rendering.preview import group_of
from setpoint.model.drift_history import DriftHistory, FieldOnset
from setpoint.model.notice_view import FindingView, Links
from setpoint_tools.testing.event_histories import _begun

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def shown(number: int = 0, **more) -> FindingView:
    begun = _begun(number, random.Random(1))  # noqa: S311 - no secret
    data = replace(begun, first_seen=NOON, project=f"p{number}", **more)
    return FindingView("drift.attributed", NOON, data)


def history(*, at_least: bool = False) -> DriftHistory:
    since = NOON - timedelta(days=35 if at_least else 7)
    field = FieldOnset(path="location", op="changed", since=since, at_least=at_least)
    return DriftHistory(read_at=NOON, since=since, at_least=at_least, fields=(field,))


def test_a_message_says_since_when_and_where_the_drift_comes_from():
    view = shown(history=history(), origin="by_hand")
    text = str(slack.finding(view, Links()).blocks)
    assert "by hand" in text
    assert "2026-10-27" in text
    assert "drifts since 2026-10-27 12:00" in phrases.latest_step(view)
    assert "by hand" in str(google_chat.finding(view, Links()))


def test_what_is_older_than_the_history_is_at_least_that_old():
    view = shown(history=history(at_least=True))
    assert "at least" in str(slack.finding(view, Links()).blocks)
    assert "2026-09-29 12:00 or earlier (35 days at least)" in phrases.latest_step(view)


def test_a_group_names_its_origins_and_the_provider_where_many_projects_changed_and_nobody_is_known():
    by_hand = [shown(number, origin="by_hand") for number in range(3)]
    assert phrases.group_origin(group_of("g", by_hand)) == "by hand"
    unknown = [shown(number) for number in range(6)]
    assert phrases.group_origin(group_of("g", unknown)).startswith("by Google or the provider: the same change in 6")
    assert phrases.group_origin(group_of("g", unknown[:3])) == ""
