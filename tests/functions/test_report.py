"""`functions/report` as functions-framework serves it, on a fake of BigQuery."""

from __future__ import annotations

import base64
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import functions_framework
import pytest

from setpoint import bootstrap
from setpoint.adapters.google.bigquery import BigQueryWarehouse
from setpoint.errors import BadRequest
from setpoint.reporting.daily_snapshot import Reporter
from setpoint.reporting.tables import DIGESTS
from setpoint_tools.testing.bigquery import DATASET, PROJECT, bigquery_service

MAIN = Path(__file__).parents[2] / "functions/report/main.py"
PATH = "/projects/fleet-ops/topics/reports"


@pytest.fixture
def served():
    with bigquery_service() as both:
        yield both


@pytest.fixture
def client(monkeypatch, deps, served):
    monkeypatch.setattr(sys, "path", list(sys.path))  # functions-framework adds the function's folder
    warehouse = BigQueryWarehouse(served[1], f"{PROJECT}.{DATASET}")
    reporter = Reporter(deps.store, warehouse, lambda: datetime(2026, 3, 2, 0, 5, tzinfo=UTC))
    monkeypatch.setattr(bootstrap, "reporter", lambda: reporter)
    return functions_framework.create_app("report", str(MAIN), "cloudevent").test_client()


def push(client, message_id: str, time: str = "2026-03-02T00:05:00.123Z") -> int:
    message = {"messageId": message_id, "publishTime": time, "data": base64.b64encode(b"report").decode()}
    return client.post(PATH, json={"message": message, "subscription": "projects/p/subscriptions/s"}).status_code


def test_a_message_writes_the_day_on_which_it_was_published(client, served, capsys):
    assert push(client, "1") == 200
    assert list(served[0].rows[DIGESTS]) == ["20260302"]
    content = json.loads(capsys.readouterr().out)
    assert (content["severity"], content["day"], content["rows"][DIGESTS]) == ("INFO", "2026-03-02", 1)


def test_a_failure_gives_a_status_that_has_pubsub_deliver_again_and_nothing_is_there_twice(client, served):
    served[0].refusals = [403]
    assert push(client, "1") >= 500
    assert [push(client, "1"), push(client, "1")] == [200, 200]
    assert len(served[0].rows[DIGESTS]["20260302"]) == 1


@pytest.mark.parametrize("missing", ["SETPOINT_STORE", "SETPOINT_DATASET"])
def test_a_function_without_its_settings_names_them(monkeypatch, missing):
    monkeypatch.setenv("SETPOINT_STORE", "memory:")
    monkeypatch.setenv("SETPOINT_DATASET", "fleet-ops.setpoint")
    monkeypatch.delenv(missing)
    bootstrap.reporter.cache_clear()
    with pytest.raises(BadRequest, match=missing):
        bootstrap.reporter()


def test_a_dataset_is_named_with_its_project(monkeypatch, mocker):
    mocker.patch("setpoint.adapters.google.bigquery.client")
    monkeypatch.setenv("SETPOINT_STORE", "memory:")
    monkeypatch.setenv("SETPOINT_DATASET", "setpoint")
    bootstrap.reporter.cache_clear()
    with pytest.raises(BadRequest, match=r"SETPOINT_DATASET is project\.dataset, not `setpoint`"):
        bootstrap.reporter()
    monkeypatch.setenv("SETPOINT_DATASET", "fleet-ops.setpoint")
    assert bootstrap.reporter() is bootstrap.reporter()
    bootstrap.reporter.cache_clear()
