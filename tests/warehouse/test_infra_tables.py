"""infra/bigquery.tf against the code: tables, how their days are kept apart, views and subscriptions."""

from __future__ import annotations

import re

import pytest

from infra.blocks import INFRA, local, only_if, typed
from infra.hcl import entries, strings
from setpoint.reporting.tables import DRIFT_EVENTS, DRIFT_MESSAGES, tables
from setpoint_tools.testing.warehouse import DAYS, VIEWS, view_names


def inner(expression: str) -> dict[str, str]:
    """The entries of the object in `condition ? {…} : {}`."""
    return entries(expression[expression.index("{") : expression.rindex("}", 0, expression.rindex(":")) + 1])


TABLES = {name: entries(table) for name, table in entries(local("all_tables")).items()}


def block(kind: str, name: str):
    (bodies,) = [block for used, block in typed() if used == kind and block.labels[1] == name]
    return bodies


def test_every_table_is_made_and_its_days_are_kept_apart_by_its_column():
    assert {name: strings(table["by"])[0] for name, table in TABLES.items()} == {
        name: table.partitioned_by for name, table in tables().items()
    }
    made = block("google_bigquery_table", "table")
    assert made.attributes["require_partition_filter"] == "true"
    (partitions,) = made.named("time_partitioning")
    assert (partitions.attributes["type"], partitions.attributes["field"]) == ('"DAY"', "each.value.by")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_clustered_by_columns_that_it_has_at_its_top(name):
    """BigQuery clusters by no nested and by no repeated column."""
    columns = {column["name"]: column for column in tables()[name].columns}
    for by in strings(TABLES[name]["clustered"]):
        assert columns[by]["type"] == "STRING"
        assert columns[by]["mode"] != "REPEATED"


def test_events_are_clustered_by_project_and_asset_type():
    assert strings(TABLES[DRIFT_EVENTS]["clustered"]) == ["project", "assettype"]


def test_each_subscription_writes_what_its_table_can_hold():
    written = {name: entries(view) for name, view in inner(local("written")).items()}
    assert written == {
        DRIFT_EVENTS: {"in_columns": "true", "with_metadata": "false"},
        DRIFT_MESSAGES: {"in_columns": "false", "with_metadata": "true"},
    }
    columns = {name: {column["name"] for column in table.columns} for name, table in tables().items()}
    assert columns[DRIFT_MESSAGES] == {"subscription_name", "message_id", "publish_time", "data", "attributes"}


def test_a_required_column_of_events_is_in_every_message():
    """A subscription refuses a message without it; what has a default is not required."""
    assert {column["name"] for column in tables()[DRIFT_EVENTS].columns if column["mode"] == "REQUIRED"} == {
        "id", "type", "subject", "time", "sequence", "data",
    }  # fmt: skip


def test_views_take_what_terraform_gives_them_and_nothing_else():
    given = set(re.findall(r"^ +(\w+) += ", local("views"), re.MULTILINE))
    for path in VIEWS.glob("*.sql"):
        text = path.read_text()
        assert set(re.findall(r"\$\{(\w+)\}", text)) <= given
        assert "%{" not in text, "Terraform reads this as a directive"


def test_views_are_made_of_tables_and_of_one_view_that_is_made_first():
    for name in view_names():
        named = set(re.findall(r"`\$\{project\}\.\$\{dataset\}\.(\w+)`", (VIEWS / f"{name}.sql").read_text()))
        assert named
        assert named <= set(tables()) | ({"events"} if name != "events" else set())


def test_views_are_tested_with_the_days_that_are_set_by_default():
    text = (INFRA / "variables.tf").read_text()
    assert f"optional(number, {DAYS})" in text[text.index('variable "reports"') :]


def test_nothing_is_there_unless_somebody_switches_reports_on():
    text = (INFRA / "variables.tf").read_text()
    assert re.search(r"enabled +?= optional\(bool, false\)", text[text.index('variable "reports"') :])
    for used, block in typed():
        if used.startswith("google_bigquery"):
            assert "for_each" in block.attributes
    assert all(local(name).startswith("var.reports.enabled ?") for name in ("reports", "written", "views"))
    assert local("tables").endswith("if var.reports.enabled }")
    assert only_if("report_pushes") == "var.reports.enabled"


_OF_A_ZONE = re.compile(
    r"(?<![\w_])(CURRENT_DATE|CURRENT_TIME|DATE|DATETIME|EXTRACT|TIMESTAMP_TRUNC|FORMAT_TIMESTAMP|STRING)\("
)
_DATES = {"day"}
"""Columns that are dates already, and have no time zone."""


def calls_of_a_zone(text: str):
    """Each call that depends on a time zone, with its arguments."""
    for call in _OF_A_ZONE.finditer(text):
        depth, end = 1, call.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield call[0] + text[call.end() : end]


@pytest.mark.parametrize("name", view_names())
def test_a_view_names_its_time_zone(name):
    """A project may have another default."""
    text = re.sub(r"--.*", "", (VIEWS / f"{name}.sql").read_text())
    assert [call for call in calls_of_a_zone(text) if "'UTC'" not in call and call[5:-1] not in _DATES] == []
    assert "@@time_zone" not in text


def test_a_call_without_a_time_zone_is_noticed():
    text = "DATE(time), DATE(day), TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), DAY), DATE_SUB(CURRENT_DATE('UTC'), 1)"
    assert [call for call in calls_of_a_zone(text) if "'UTC'" not in call and call[5:-1] not in _DATES] == [
        "DATE(time)",
        "TIMESTAMP_TRUNC(CURRENT_TIMESTAMP(), DAY)",
    ]
