"""The benchmark runs; how fast is its own business."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_benchmark_measures_and_ends_with_one_line_of_json(monkeypatch, tmp_path):
    monkeypatch.setenv("SETPOINT_CORPUS", str(tmp_path))  # nothing recorded there: the sample fleet
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--cases", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert "pipeline with SQLite, events/s" in figures
    assert all(figure > 0 for figure in figures.values())
