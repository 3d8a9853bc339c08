"""What is written from the views is up to date, and the benchmark of the views runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from setpoint_tools.testing import demo_reports
from setpoint_tools.testing.warehouse import VIEWS, view_names

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page() -> str:
    return demo_reports.page()


def test_the_page_of_the_reports_is_what_the_views_answer_of_the_demo(page):
    assert demo_reports.TARGET.read_text() == page, "run `make reports` and look at what changes"


def test_the_page_has_each_view_with_its_question_its_sql_and_an_answer(page):
    for name in view_names():
        _, _, part = page.partition(f"\n## {name}\n")
        own = part.partition("\n## ")[0]
        assert "?" in own.splitlines()[0]
        assert f"(../infra/bigquery/views/{name}.sql)" in own
        assert own.count("```") == 2
        assert "| --- |" in own, f"the demo has no answer to {name}"


def test_each_view_begins_with_its_question_and_says_what_it_reads():
    for path in VIEWS.glob("*.sql"):
        comment = [line for line in path.read_text().splitlines() if line.startswith("--")]
        assert "?" in comment[0]
        assert any(line.startswith("-- Reads ") for line in comment)


@pytest.mark.long
def test_every_view_answers_many_events_from_a_bounded_number_of_days():
    command = [sys.executable, str(ROOT / "benchmarks/reports.py"), "3000", "--findings", "50"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["answers that changed"] == 0
    assert figures["views"].keys() == set(view_names())
    for view in figures["views"].values():
        for place in view["days"].split(", "):
            read, _, there = place.split()[1].partition("/")
            assert int(read) <= 91
            assert int(read) < int(there)
