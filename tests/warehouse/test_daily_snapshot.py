"""What a report writes of a fleet, and what the views answer of it; the events come from the pipeline itself."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from remediation.fleet import FIREWALL, KEY, World
from setpoint.adapters.google.bigquery import BigQueryWarehouse
from setpoint.adapters.memory.store import MemoryStore
from setpoint.errors import Unavailable
from setpoint.model.events import encode
from setpoint.reporting.bigquery_schema import refused
from setpoint.reporting.daily_snapshot import Reporter, report
from setpoint.reporting.rows import KEPT, SnapshotTime, WeeklyDigest, finding_row
from setpoint.reporting.tables import (
    COVERAGE_SNAPSHOT,
    DIGESTS,
    FINDINGS_SNAPSHOT,
    SWEEPS_SNAPSHOT,
    tables,
)
from setpoint_tools.testing.bigquery import DATASET, PROJECT, bigquery_service
from warehouse import oracle
from warehouse.pipeline import FLAPPER, NOBODYS, UNSEEN, Recording, a_week


@pytest.fixture
def recording(apis_in_process, rest_in_process) -> Recording:
    apis_in_process.journal.clear()
    return a_week(World(apis_in_process, rest_in_process))


@pytest.fixture
def warehouse(recording):
    made = recording.warehouse()
    yield made
    made.close()


@pytest.fixture
def last_day(recording) -> date:
    return max(day for _, day in recording.rows.days)


def test_the_week_has_what_a_fleet_lives_through(recording):
    types = {event.type for event, _ in recording.published}
    assert types >= {
        "drift.opened", "drift.resolved", "drift.exempted", "drift.attributed", "remediation.started",
        "remediation.succeeded",
    }  # fmt: skip


def test_every_event_of_the_pipeline_fits_its_columns(recording):
    for event, _ in recording.published:
        row = json.loads(encode(event))
        assert refused(tables()["drift_events"].columns, row, drop_unknown=True) == []


def test_every_row_fits_its_columns(recording):
    for (table, day), rows in recording.rows.days.items():
        for row in map(json.loads, rows):
            assert refused(tables()[table].columns, row, drop_unknown=False) == []
            assert row["day"] == str(day)


def test_open_drift_is_what_the_store_says_although_the_snapshot_is_of_before(recording, warehouse):
    """One finding was opened and one resolved since."""
    in_store = {state.key.id for state in recording.world.store.states() if state.is_open}
    assert in_store == {FLAPPER.id}
    assert {row["finding_id"] for row in warehouse.ask("open_drift")} == in_store
    (row,) = warehouse.ask("open_drift")
    assert (row["team"], row["episode"], row["paths"]) == ("billing", 4, "location")


def test_a_snapshot_tells_of_findings_of_which_no_event_arrived(recording):
    recording.published = [
        (event, published_at) for event, published_at in recording.published if event.data.finding_id != FIREWALL.id
    ]
    made = recording.warehouse()
    assert FIREWALL.id in {row["finding_id"] for row in made.ask("open_drift")}
    made.close()


def test_events_alone_tell_of_open_drift_before_the_first_snapshot(recording):
    recording.rows.days.clear()
    made = recording.warehouse()
    assert {row["finding_id"] for row in made.ask("open_drift")} == {FLAPPER.id}
    made.close()


def test_coverage_counts_what_is_declared_and_what_was_ever_compared(warehouse):
    coverage = {
        (row["grouped_by"], row["name"]): (row["declared"], row["checked"]) for row in warehouse.ask("coverage")
    }
    assert coverage["fleet", ""] == (5, 4)
    assert coverage["team", "billing"] == (2, 1), UNSEEN.name
    assert coverage["team", "(no team)"] == (1, 1)
    assert coverage["project", "shop-prod"] == (2, 2)
    assert coverage["asset_type", "compute.googleapis.com/Firewall"] == (1, 1)


def test_the_rate_is_of_the_open_findings_of_the_same_snapshot(warehouse):
    rates = {(row["grouped_by"], row["name"]): (row["drifted"], row["per_1000"]) for row in warehouse.ask("drift_rate")}
    assert rates["fleet", ""] == (1, 200.0)
    assert rates["team", "net"] == (1, 1000.0)
    assert rates["team", "billing"] == (0, 0.0)


def test_exemptions_that_end_soon_are_told(warehouse, recording):
    (row,) = warehouse.ask("expiring_exemptions")
    assert (row["resource_name"], row["exempted_by"], row["exempted_because"]) == (NOBODYS.name, "ann", "a migration")
    assert row["team"] == "(no team)"
    until = recording.world.store.read(NOBODYS).state.exemption.until
    assert row["days_left"] == pytest.approx((until - recording.world.clock.now) / timedelta(days=1), abs=0.06)


def test_sweeps_tell_what_they_could_not_see(warehouse):
    (row,) = warehouse.ask("sweep_coverage")
    assert (row["scopes"], row["unknown"], row["denied"], row["percent_known"]) == (
        "organizations/1", 1, "projects/x", 80.0,
    )  # fmt: skip


def test_flapping_and_causes_and_remediation_are_those_of_the_events(warehouse, recording):
    events = oracle.within(recording.published, recording.world.clock.now)
    rows = warehouse.ask("causes")
    drifts = {(row["actor"], row["hand"], row["caller"], row["method"]): row["drifts"] for row in rows}
    assert drifts == oracle.causes(events)
    assert drifts["ann@example.com", "person", "gcloud", "storage.buckets.update"] == 1
    assert [row["finding_id"] for row in warehouse.ask("flapping")] == [FLAPPER.id]
    (fleet,) = [row for row in warehouse.ask("remediation") if row["grouped_by"] == "fleet"]
    columns = ("drifts", "asked", "started", "succeeded", "failed", "blocked")
    assert tuple(fleet[column] for column in columns) == oracle.remediation(events)["fleet", ""]
    assert fleet["succeeded"] == 1
    assert fleet["mean_seconds"] is not None


def test_detecting_and_resolving_are_timed_from_the_events(warehouse, recording):
    now = recording.world.clock.now
    (fleet,) = [row for row in warehouse.ask("time_to_detect") if row["grouped_by"] == "fleet"]
    assert (fleet["findings"], fleet["mean_seconds"]) == (
        oracle.detected(recording.published, now)["fleet", ""][0],
        pytest.approx(oracle.detected(recording.published, now)["fleet", ""][1], abs=0.06),
    )
    (fleet,) = [row for row in warehouse.ask("time_to_resolve") if row["grouped_by"] == "fleet"]
    right, otherwise, hours = oracle.resolved(oracle.within(recording.published, now))["fleet", ""]
    assert (fleet["put_right"], fleet["ended_otherwise"], fleet["mean_hours"]) == (
        right, otherwise, pytest.approx(hours, abs=0.006),
    )  # fmt: skip


def test_the_trend_shows_what_was_open_on_days_with_a_snapshot(warehouse, recording, last_day):
    rows = {row["day"]: row for row in warehouse.ask("trend")}
    first_day = min(day for _, day in recording.rows.days)
    assert (rows[first_day]["open"], rows[last_day]["open"]) == (0, 1)
    assert rows[first_day + timedelta(days=3)]["open"] is None


def test_the_digest_counts_the_seven_days_before_its_own(warehouse, last_day):
    rows = {(row["grouped_by"], row["name"]): row for row in warehouse.ask("weekly_digest")}
    fleet = rows["fleet", ""]  # the firewall's drift is of the day itself, and two of the flapper's are of before
    assert fleet["day"] == last_day
    assert (fleet["began"], fleet["ended"], fleet["put_back"], fleet["open"], fleet["quiet"]) == (3, 2, 1, 1, 1)
    assert fleet["actor"] == "ann@example.com"
    assert "3 began, 2 ended, 1 remediated by Setpoint. Open now: 1" in fleet["text"]
    assert fleet["text"].endswith("1 exempted or accepted. Most by ann@example.com (1).")
    assert rows["team", "shop"]["put_back"] == 1
    assert fleet["open_more"] == 1, "the first report was seven days before"


@pytest.fixture
def bigquery():
    with bigquery_service() as both:
        yield both


def test_a_report_that_is_delivered_twice_or_made_anew_leaves_one_snapshot(recording, bigquery, last_day):
    service, client = bigquery
    reporter = Reporter(recording.world.store, BigQueryWarehouse(client, f"{PROJECT}.{DATASET}"), recording.world.clock)
    first = report(last_day, "message-1", reporter)
    once = {table: list(days[f"{last_day:%Y%m%d}"]) for table, days in service.rows.items() if days}
    assert report(last_day, "message-1", reporter) == first
    assert {table: days[f"{last_day:%Y%m%d}"] for table, days in service.rows.items() if days} == once
    report(last_day, "message-2", reporter)
    counts = {table: len(days[f"{last_day:%Y%m%d}"]) for table, days in service.rows.items() if days}
    assert counts == first == {FINDINGS_SNAPSHOT: 4, COVERAGE_SNAPSHOT: 4, SWEEPS_SNAPSHOT: 1, DIGESTS: 5}


@pytest.mark.parametrize("survives", range(4))
def test_a_report_that_dies_between_two_tables_is_whole_when_it_comes_again(recording, bigquery, last_day, survives):
    service, client = bigquery
    warehouse, seen = BigQueryWarehouse(client, f"{PROJECT}.{DATASET}"), []

    class Dying:
        def replace_day(self, *how):
            if len(seen) == survives:
                raise SystemExit
            seen.append(how)
            return warehouse.replace_day(*how)

    with pytest.raises(SystemExit):
        report(last_day, "message-1", Reporter(recording.world.store, Dying(), recording.world.clock))
    report(last_day, "message-1", Reporter(recording.world.store, warehouse, recording.world.clock))
    day = f"{last_day:%Y%m%d}"
    assert {table: len(days[day]) for table, days in service.rows.items() if days} == {
        FINDINGS_SNAPSHOT: 4, COVERAGE_SNAPSHOT: 4, SWEEPS_SNAPSHOT: 1, DIGESTS: 5,
    }  # fmt: skip


def test_an_outage_is_left_to_the_next_delivery(recording, bigquery, last_day):
    service, client = bigquery
    reporter = Reporter(recording.world.store, BigQueryWarehouse(client, f"{PROJECT}.{DATASET}"), recording.world.clock)
    service.job_errors = ["backendError"]
    with pytest.raises(Unavailable):
        report(last_day, "message-1", reporter)
    assert report(last_day, "message-1", reporter)[FINDINGS_SNAPSHOT] == 4


def test_what_was_over_long_ago_is_told_no_more(recording):
    state = recording.world.store.read(KEY).state
    assert state.finding.resolved_at is not None
    now = state.finding.resolved_at + KEPT
    assert finding_row(state, SnapshotTime(now.date(), now)) is not None
    late = now + timedelta(seconds=1)
    assert finding_row(state, SnapshotTime(late.date(), late)) is None


def test_an_empty_store_has_a_digest_and_nothing_else(recording):
    reporter = Reporter(MemoryStore(), recording.rows, lambda: datetime(2026, 3, 1, tzinfo=UTC))
    assert report(date(2026, 3, 1), "1", reporter) == {
        FINDINGS_SNAPSHOT: 0, COVERAGE_SNAPSHOT: 0, SWEEPS_SNAPSHOT: 0, DIGESTS: 1,
    }  # fmt: skip
    (row,) = WeeklyDigest(SnapshotTime(date(2026, 3, 1), datetime(2026, 3, 1, tzinfo=UTC))).rows()
    assert row.text == "Drift of the fleet in the week to 2026-02-28: 0 began, 0 ended. Nothing is open."
