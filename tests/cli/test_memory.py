"""Memory does not grow with what is declared: ten times as many declarations, in all three formats."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "apply.py"
MAX_RATIO = 1.3
"""How much more memory ten times as many declarations may take; held in memory they took 1.6 to 2.4 times as much."""


@pytest.mark.long
@pytest.mark.parametrize("kind", ["native", "krm", "terraform"])
def test_an_apply_of_ten_times_as_many_declarations_takes_no_more_memory(kind):
    command = [sys.executable, str(BENCHMARK), "--formats", kind, "--counts", "2000", "20000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    few, many = map(json.loads, done.stdout.splitlines())
    assert many["first_mib"] < MAX_RATIO * few["first_mib"]
    assert many["again_mib"] < MAX_RATIO * few["again_mib"]
