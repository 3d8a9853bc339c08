"""What the views answer on a made-up history, against the same worked out in Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
import sqlglot
from sqlglot import expressions as sql

from setpoint.reporting.tables import tables
from setpoint_tools.testing.event_histories import history
from setpoint_tools.testing.warehouse import BASE, DuckWarehouse, parsed, view_names
from sizes import size
from warehouse import oracle

pytestmark = pytest.mark.thorough

NOW = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def published() -> oracle.Published:
    return list(history(size(1_500, 4_000), NOW, days=150))


@pytest.fixture(scope="module")
def warehouse(published):
    made = DuckWarehouse(NOW)
    made.publish(published)
    yield made
    made.close()


@pytest.fixture(scope="module")
def ask(warehouse):
    """A view's answer, worked out once."""
    return cache(warehouse.ask)


@pytest.fixture(scope="module")
def empty_warehouse():
    made = DuckWarehouse(NOW)
    yield made
    made.close()


@pytest.fixture(scope="module")
def events(published):
    return oracle.within(published, NOW)


def by_part(rows, *columns):
    return {(row["grouped_by"], row["name"]): tuple(row[column] for column in columns) for row in rows}


def test_the_history_has_what_views_have_to_cope_with(published, events):
    assert len({event.id for event, _ in published}) < len(published)
    assert len(events) < len({event.id for event, _ in published})
    data = [event.data for event in events]
    assert {drift.owner.team == "" for drift in data} == {drift.actor is None for drift in data} == {True, False}
    assert {drift.remediation is None for drift in data} == {True, False}
    assert max(drift.episodes for drift in data) > 3


def test_each_event_is_there_once(ask, events):
    rows = ask("events")
    assert {row["id"]: (row["sequence"], row["time"], row["actor"]) for row in rows} == {
        event.id: (int(event.sequence), event.time, event.data.actor.principal if event.data.actor else None)
        for event in events
    }
    assert len(rows) == len(events)


def test_what_is_open_is_what_the_last_event_of_each_finding_says(ask, events):
    rows = {row["finding_id"]: row for row in ask("open_drift")}
    expected = oracle.open_findings(events)
    assert rows.keys() == expected.keys()
    for finding, event in expected.items():
        data, row = event.data, rows[finding]
        assert (row["team"], row["first_seen"], row["episode"]) == (
            oracle.team(data.owner.team), data.first_seen, data.episodes,
        )  # fmt: skip
        assert row["paths"] == ", ".join(sorted(difference.path for difference in data.differences))
        assert row["hours_open"] == pytest.approx((NOW - data.first_seen) / timedelta(hours=1), abs=0.08)


def test_the_worst_and_the_oldest_come_first(ask):
    order = ["critical", "high", "medium", "low"]
    rows = [(order.index(row["severity"]), row["first_seen"]) for row in ask("open_drift")]
    assert rows == sorted(rows)


def test_the_time_to_detect_is_from_the_change_to_the_first_publishing(ask, published):
    expected = oracle.detected(published, NOW)
    answer = by_part(ask("time_to_detect"), "findings", "mean_seconds")
    assert answer.keys() == expected.keys()
    for part, (findings, seconds) in expected.items():
        assert answer[part] == (findings, pytest.approx(seconds, abs=0.06))


def test_the_time_to_resolve_counts_only_what_was_put_right(ask, events):
    expected = oracle.resolved(events)
    answer = by_part(ask("time_to_resolve"), "put_right", "ended_otherwise", "mean_hours")
    assert answer.keys() == expected.keys()
    for part, (right, otherwise, hours) in expected.items():
        assert answer[part] == (right, otherwise, None if hours is None else pytest.approx(hours, abs=0.006))


def test_the_median_lies_between_the_halves(ask, events):
    (fleet,) = [row for row in ask("time_to_resolve") if row["grouped_by"] == "fleet"]
    ended = [
        event.data for event in oracle.of_type(events, "drift.resolved") if event.data.reason in ("in sync", "gone")
    ]
    hours = sorted((drift.resolved_at - drift.first_seen) / timedelta(hours=1) for drift in ended)
    for share, column in ((0.5, "median_hours"), (0.95, "p95_hours")):
        below = sum(hour <= fleet[column] for hour in hours) / len(hours)
        assert below == pytest.approx(share, abs=0.03)


def test_each_drift_has_one_cause_however_many_events_tell_of_it(warehouse, events):
    rows = warehouse.ask("causes")
    drifts = {(row["actor"], row["hand"], row["caller"], row["method"]): row["drifts"] for row in rows}
    assert drifts == oracle.causes(events)
    assert sum(row["percent"] for row in rows) == pytest.approx(100, abs=0.05 * len(rows))


def test_what_drifts_three_times_is_told(ask, events):
    assert {row["finding_id"]: row["drifts"] for row in ask("flapping")} == oracle.flapping(events)


def test_remediation_is_counted_by_drift_and_not_by_event(ask, events):
    columns = ("drifts", "asked", "started", "succeeded", "failed", "blocked")
    assert by_part(ask("remediation"), *columns) == oracle.remediation(events)
    for row in ask("remediation"):
        over = row["succeeded"] + row["failed"]
        assert row["percent_succeeded"] == (pytest.approx(100 * row["succeeded"] / over, abs=0.06) if over else None)


def test_reasons_that_differ_in_their_numbers_alone_are_one(ask, events):
    rows = ask("remediation_blocks")
    counts = {(row["type"], row["reason"], row["rule"], row["executor"]): row["events"] for row in rows}
    assert counts == oracle.blocks(events)
    assert any("#" in row["reason"] for row in rows)


def test_the_trend_has_a_row_for_each_day_also_where_nothing_happened(ask, events):
    rows, expected = ask("trend"), oracle.trend(events)
    assert [row["day"] for row in rows] == [(NOW - timedelta(days=90 - day)).date() for day in range(91)]
    for row in rows:
        happened = expected[row["day"]]
        assert [row[kind] for kind in ("opened", "changed", "resolved", "exempted")] == [
            happened[f"drift.{kind}"] for kind in ("opened", "changed", "resolved", "exempted")
        ]
        assert row["put_back"] == happened["remediation.succeeded"]
        assert row["open"] is None


PARTITIONED = {name: table.partitioned_by for name, table in tables().items()}


def bounds(query: sql.Select, column: str) -> set[type]:
    """By what comparisons a query bounds a column, against expressions that are known before anything is read."""
    where = query.args.get("where")
    return {
        type(condition)
        for condition in (where.this.flatten() if where and isinstance(where.this, sql.And) else [])
        if isinstance(condition, sql.GTE | sql.LTE | sql.LT | sql.GT)
        and condition.this.sql() == column
        and not list(condition.expression.find_all(sql.Column, sql.Subquery))
    }


def is_bounded(query: sql.Select, column: str) -> bool:
    return bounds(query, column) in ({sql.GTE, sql.LT}, {sql.GTE, sql.LTE})


@pytest.mark.parametrize("view", view_names())
def test_every_table_is_read_between_two_moments(view):
    read = [table for table in parsed(view).find_all(sql.Table) if table.name in {*PARTITIONED, "events"}]
    assert read
    for table in read:
        by = PARTITIONED.get(table.name)
        assert by is None or is_bounded(table.find_ancestor(sql.Select), by), f"{view} reads all of {table.name}"


@pytest.mark.parametrize(
    "where",
    [
        "",
        "WHERE day >= '2026-03-01'",
        "WHERE day >= '2026-03-01' OR day < '2026-03-02'",
        "WHERE day > other AND day < other",
        "WHERE day >= (SELECT MAX(day) FROM t) AND day <= CURRENT_DATE()",
    ],
)
def test_a_read_without_bounds_is_found(where):
    query = sqlglot.parse_one("SELECT * FROM t " + where, read="bigquery")  # noqa: S608 - no query of a database
    assert not is_bounded(query, "day")


@pytest.mark.parametrize("view", view_names())
def test_every_table_is_read_once(view):
    """BigQuery computes what a name in WITH stands for each time that it is used."""
    used = [table.name for table in parsed(view).find_all(sql.Table)]
    assert len(used) == len(set(used))
    if "events" in used:
        assert not {table.name for table in parsed("events").find_all(sql.Table)} & set(used)


def test_no_answer_depends_on_what_lies_outside_of_the_days_that_are_read(published, ask):
    """The same without all partitions but those that the predicates name."""
    first = datetime(NOW.year, NOW.month, NOW.day, tzinfo=UTC) - timedelta(days=90)
    bounded = DuckWarehouse(NOW)
    bounded.publish([(event, published_at) for event, published_at in published if event.time >= first])
    for view in view_names():
        assert sorted(map(repr, bounded.ask(view))) == sorted(map(repr, ask(view))), view
    bounded.close()


@pytest.mark.parametrize("view", view_names())
def test_a_view_on_nothing_answers_nothing_and_fails_not(view, empty_warehouse):
    rows = empty_warehouse.ask(view)
    assert all(not any(row[column] for column in row if column != "day") for row in rows)


@pytest.mark.parametrize("view", [name for name in view_names() if name != BASE])  # which has no order
def test_an_answer_is_in_the_same_order_however_many_threads_make_it(view, ask, warehouse):
    answer = ask(view)
    warehouse.connection.execute("SET threads = 4")
    try:
        assert warehouse.ask(view) == answer
    finally:
        warehouse.connection.execute("SET threads = 1")
