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
    figures: dict[str, Any] = json.loads(done.stdout)[name]
    return figures


def test_recorded_api_resources_are_judged_right() -> None:
    figures = score("api")
    assert figures["false_alarm_rate"] <= 0.01
    assert figures["unmanaged_false_alarms"] == 0
    assert figures["recall"] == 1.0
    assert figures["exact_rate"] >= 0.97
    assert figures["unknown"] == 0
    assert figures["coverage"] >= 0.97


def test_recorded_config_connector_objects_are_judged_right() -> None:
    figures = score("krm")
    assert figures["false_alarm_rate"] <= 0.02
    assert figures["unmanaged_false_alarms"] == 0
    # In six of the 121 changes no declared field has changed in the recording, or it says the opposite elsewhere.
    assert figures["recall"] >= 0.95
    assert figures["exact_rate"] >= 0.9
    assert figures["unknown"] == 0
    assert figures["coverage"] >= 0.93


def test_recorded_terraform_plans_are_judged_right() -> None:
    figures = score("terraform")
    assert figures["false_alarm_rate"] <= 0.03
    # One plan does not know the private network of its SQL instance yet, which matters to security (decision 0036).
    assert figures["unknown"] <= 1
    assert figures["coverage"] >= 0.9
