"""The benchmark runs; how fast is its own business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[1]


def test_the_benchmark_measures_and_ends_with_one_line_of_json(monkeypatch, tmp_path):
    monkeypatch.setenv("SETPOINT_CORPUS", str(tmp_path))  # nothing recorded there: a generated fleet
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--cases", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert "pipeline with SQLite, events/s" in figures
    assert all(figure > 0 for figure in figures.values())


def test_all_figures_are_printed_in_a_table_and_in_one_line_of_json():
    names = {main.parent.name for main in ROOT.glob("functions/*/main.py")}
    command = [sys.executable, str(ROOT / "benchmarks" / "bench.py"), "--only", "cold_start"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert {f"cold start of {name} / bare imports" for name in names} <= report["figures"].keys()
    assert report["parts"]["cold_start"]["peak_mb"] > 0
    assert "cold start of detect / bare imports" in done.stdout


def test_a_sweep_is_measured_beside_a_bare_listing():
    command = [sys.executable, str(ROOT / "benchmarks" / "sweep.py"), "200"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)

    assert done.returncode == 0, done.stderr
    (figures,) = json.loads(done.stdout.splitlines()[-1]).values()
    assert figures["bare"]["assets"] == figures["first"]["assets"] == figures["again"]["assets"] == 200


def test_the_time_from_an_observation_to_the_write_is_measured_on_each_store():
    command = [sys.executable, str(ROOT / "benchmarks" / "remediation.py"), "--count", "100"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])["observation_to_write"]
    assert figures.keys() == {"memory", "sqlite"}
    assert all(milliseconds > 0 for store in figures.values() for milliseconds in store.values())
