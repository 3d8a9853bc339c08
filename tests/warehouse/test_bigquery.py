"""Replacing a day of a table: the real client on a fake of BigQuery."""

from __future__ import annotations

import json
from datetime import date

import pytest

from setpoint.adapters.google.bigquery import BigQueryWarehouse
from setpoint.errors import Refused, Unavailable
from setpoint.reporting.tables import COVERAGE_SNAPSHOT
from setpoint_tools.testing.bigquery import DATASET, PROJECT, bigquery_service

DAY = date(2026, 3, 1)
TABLE = COVERAGE_SNAPSHOT


def rows(*declared: int, **more: object) -> list[bytes]:
    common = {"day": "2026-03-01", "taken_at": "2026-03-01T02:00:00Z", "team": "billing", "project": "p"}
    common |= {"asset_type": "x.googleapis.com/X", "content": "resource", "checked": 0}
    return [json.dumps({**common, "declared": count, **more}).encode() for count in declared]


@pytest.fixture(scope="module")
def served():
    with bigquery_service() as both:
        yield both


@pytest.fixture
def service(served):
    served[0].__init__()
    return served[0]


@pytest.fixture
def warehouse(service, served) -> BigQueryWarehouse:
    assert not service.jobs
    return BigQueryWarehouse(served[1], f"{PROJECT}.{DATASET}")


def kept(service) -> list[int]:
    return [row["declared"] for row in service.rows[TABLE].get("20260301", [])]


def test_a_day_is_written_and_written_anew_by_another_run(service, warehouse):
    assert warehouse.replace_day(TABLE, DAY, rows(1, 2), "run-1") == 2
    assert kept(service) == [1, 2]
    warehouse.replace_day(TABLE, DAY, rows(3), "run-2")
    assert kept(service) == [3]


def test_a_day_without_rows_is_an_empty_day(service, warehouse):
    warehouse.replace_day(TABLE, DAY, rows(1), "run-1")
    assert warehouse.replace_day(TABLE, DAY, [], "run-2") == 0
    assert kept(service) == []


def test_a_run_that_comes_again_finds_its_job_done_and_does_nothing(service, warehouse):
    warehouse.replace_day(TABLE, DAY, rows(1), "run-1")
    warehouse.replace_day(TABLE, DAY, rows(2), "run-1")
    assert (kept(service), len(service.jobs)) == ([1], 1)


def test_an_answer_that_is_lost_has_the_client_find_the_job_that_it_began(service, warehouse):
    service.lost = [True]
    warehouse.replace_day(TABLE, DAY, rows(1), "run-1")
    assert (kept(service), len(service.jobs)) == ([1], 1)


def test_a_job_that_runs_when_its_message_comes_again_is_waited_for(service, warehouse):
    service.polls = 2
    warehouse.replace_day(TABLE, DAY, rows(1), "run-1")
    warehouse.replace_day(TABLE, DAY, rows(1), "run-1")
    assert (kept(service), len(service.jobs)) == ([1], 1)


def test_a_job_that_failed_is_done_under_another_id(service, warehouse):
    service.job_errors = ["backendError"]
    with pytest.raises(Unavailable):
        warehouse.replace_day(TABLE, DAY, rows(1), "run-1")
    assert kept(service) == []
    warehouse.replace_day(TABLE, DAY, rows(1), "run-1")
    assert kept(service) == [1]
    assert sorted(job.rpartition("_")[2] for job in service.jobs) == ["0", "1"]


def test_a_run_whose_jobs_have_all_failed_is_left_to_a_person(service, warehouse):
    service.job_errors = ["backendError"] * 5
    for _ in range(5):
        with pytest.raises(Unavailable):
            warehouse.replace_day(TABLE, DAY, rows(1), "run-1")
    with pytest.raises(Refused, match="5 jobs have failed, the last: the test asked for it"):
        warehouse.replace_day(TABLE, DAY, rows(1), "run-1")


@pytest.mark.parametrize(
    ("table", "more", "message"),
    [
        (TABLE, {"colour": "red"}, "colour has no column"),
        (TABLE, {"team": None}, "team is required"),
        (TABLE, {"checked": "many"}, "checked is not of type INTEGER"),
        (TABLE, {"day": "2026-03-02"}, "not of the partition 20260301"),
        ("nowhere", {}, "Not found: Table nowhere"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_the_day_stays_as_it_was(service, warehouse, table, more, message):
    warehouse.replace_day(TABLE, DAY, rows(7), "run-0")
    with pytest.raises(Refused, match=message):
        warehouse.replace_day(table, DAY, [*rows(1), *rows(2, **more)], "run-1")
    assert kept(service) == [7]


def test_whoever_is_not_let_in_is_told_so_and_tries_again(service, warehouse):
    service.refusals = [403]
    with pytest.raises(Unavailable, match="not written \\(Forbidden\\)"):
        warehouse.replace_day(TABLE, DAY, rows(1), "run-1")
    warehouse.replace_day(TABLE, DAY, rows(1), "run-1")
    assert kept(service) == [1]


@pytest.mark.usefixtures("service")
def test_a_message_of_an_error_holds_no_row(warehouse):
    with pytest.raises(Refused) as caught:
        warehouse.replace_day(TABLE, DAY, rows(1, team="top-secret", colour="top-secret"), "run-1")
    assert "top-secret" not in str(caught.value)
