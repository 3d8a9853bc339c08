"""The report of a hundred thousand findings takes no more memory than one of as many as the page holds."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest

from contract.records import drifted
from pages.samples import NOW
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.stores import Commit
from setpoint.reporting.html import load
from setpoint.reporting.html.build import build

MAX_RATIO = 1.2
MEASURED = (
    "import json, resource, subprocess, sys; "
    "done = subprocess.run([sys.executable, '-m', 'setpoint', *sys.argv[1:]], capture_output=True, text=True); "
    "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
    "print(json.dumps({'code': done.returncode, 'text': done.stderr, 'memory': used.ru_maxrss}))"
)


def filled(path: Path, count: int) -> Path:
    store = SqliteStore(path)
    for start in range(0, count, 500):
        keys = [ResourceKey(f"//storage.googleapis.com/bucket-{number}") for number in range(start, start + 500)]
        snapshots = store.read_many(keys)
        commits = [Commit(snapshots[key], drifted(key, observed=f"US-{number}")) for number, key in enumerate(keys)]
        store.commit_many(commits)
    store.close()
    return path


def reported(store: Path, page: Path) -> dict:
    command = [sys.executable, "-c", MEASURED, "report", "--store", f"sqlite:///{store}", "--html", str(page)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def peak_of_building(path: Path, count: int) -> int:
    """The memory that it takes to read all findings of a store and to build a report that shows 250 of them."""
    store = SqliteStore(filled(path, count))
    tracemalloc.start()
    try:
        shown = build(load.gather(store, ""), NOW - timedelta(days=30), NOW, most=250)
        assert (len(shown.rows), shown.total) == (250, count)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        store.close()


def test_a_report_takes_memory_for_the_findings_that_it_shows_and_not_for_all(tmp_path):
    few = peak_of_building(tmp_path / "few.db", 500)
    assert peak_of_building(tmp_path / "many.db", 2_500) < 1.5 * few, "all of them take four times as much"


@pytest.mark.long
def test_a_page_takes_memory_for_the_findings_that_it_holds_and_not_for_all(tmp_path):
    results = {}
    for count in (10_000, 100_000):
        results[count] = reported(filled(tmp_path / f"{count}.db", count), tmp_path / f"{count}.html")
        assert results[count]["code"] == 0, results[count]["text"]
        assert "10,000 findings" in results[count]["text"]
    few, many = (result["memory"] for result in results.values())
    assert many < MAX_RATIO * few
