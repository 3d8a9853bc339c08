"""The recorded cases, where they are: SETPOINT_CORPUS, or the folder that may lie beside a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(os.environ.get("SETPOINT_CORPUS", Path(__file__).resolve().parents[2] / "shared" / "corpus"))

pytestmark = pytest.mark.skipif(
    not (CORPUS / "score.py").is_file(), reason="SKIPPED: the recorded cases are not here; set SETPOINT_CORPUS"
)


def score(name: str) -> dict[str, Any]:
    command = [sys.executable, str(CORPUS / "score.py"), "--json", "--setpoint", f"{sys.executable} -m setpoint", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    found: dict[str, Any] = json.loads(done.stdout)[name]
    return found


def test_recorded_api_resources_are_judged_right() -> None:
    found = score("api")
    assert found["false_alarm_rate"] <= 0.01
    assert found["unmanaged_false_alarms"] == 0
    assert found["recall"] == 1.0
    assert found["exact_rate"] >= 0.97
    assert found["unknown"] == 0
    assert found["coverage"] >= 0.97
