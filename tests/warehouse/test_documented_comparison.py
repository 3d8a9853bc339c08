"""The statement of docs/install.md that finds drift events which BigQuery did not accept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from setpoint.model import events as event_form
from setpoint.reporting.tables import DRIFT_EVENTS, DRIFT_MESSAGES
from setpoint_tools.testing.event_histories import history
from setpoint_tools.testing.warehouse import DuckWarehouse, messages

NOW = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)
PAGE = (Path(__file__).parents[2] / "docs/install.md").read_text()
STATEMENT = PAGE[PAGE.index("    SELECT message_id") :].partition("\n\n")[0]


def first_of_each(published):
    return list({event.id: (event, published_at) for event, published_at in reversed(published)}.values())[::-1]


@pytest.fixture(scope="module")
def published():
    return first_of_each(list(history(600, NOW, days=6)))


def not_taken(published, missing):
    warehouse = DuckWarehouse(NOW)
    warehouse.load(DRIFT_MESSAGES, messages(published))
    taken = [event for event, _ in published if event.id not in missing]
    warehouse.load(DRIFT_EVENTS, [event_form.encode(event) for event in taken])
    rows = set(warehouse.answer(STATEMENT, "message_id"))
    warehouse.close()
    return rows


def test_a_table_that_took_everything_lacks_nothing(published):
    assert not_taken(published, set()) == set()


def test_what_is_missing_of_the_last_three_days_is_listed_and_nothing_else(published):
    since = NOW - timedelta(days=3)
    recent = {event.id for event, published_at in published if published_at > since}
    missing = set(sorted(event.id for event, _ in published)[::7])
    expected = {str(number) for number, (event, _) in enumerate(published, start=1) if event.id in missing & recent}
    assert expected
    assert not_taken(published, missing) == expected
