"""The drift check as a GitHub Action and a GitLab job: their own scripts, run here with the real command line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

import forked_program

ROOT = Path(__file__).parents[2]
NAME = "//pubsub.googleapis.com/projects/shop-prod/topics/orders"
DECLARED = f"""apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: {NAME}, project: shop-prod}}
spec:
  assetType: pubsub.googleapis.com/Topic
  data: {{messageRetentionDuration: 1d}}
"""
ASSET = (
    f'{{"name": "{NAME}", "assetType": "pubsub.googleapis.com/Topic", "updateTime": "2026-01-01T00:00:00Z",'
    ' "ancestors": ["projects/1"], "resource": {"version": "v1", "data":'
    ' {"name": "projects/shop-prod/topics/orders", "messageRetentionDuration": "%s"}}}\n'
)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/orders.yaml").write_text(DECLARED)
    (tmp_path / "drift.jsonl").write_text(ASSET % "600s")
    (tmp_path / "equal.jsonl").write_text(ASSET % "86400s")
    with forked_program.program(tmp_path / "setpoint"):
        yield tmp_path


def run(script: str, place: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{place}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(place),
        "GITHUB_STEP_SUMMARY": str(place / "summary"),
        "SETPOINT_STORE": "memory:",
        "DECLARATIONS": "fleet",
        "SCOPE": "",
        **variables,
    }
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def action() -> str:
    steps = yaml.safe_load((ROOT / ".github/actions/drift/action.yml").read_text())["runs"]["steps"]
    return next(step["run"] for step in steps if step["name"] == "Check")


def job() -> str:
    return "\n".join(yaml.safe_load((ROOT / ".gitlab/drift.yml").read_text())["setpoint-drift"]["script"])


@pytest.mark.parametrize(
    ("export", "fail_on", "code"),
    [("drift.jsonl", "critical", 0), ("equal.jsonl", "low", 0), ("none.jsonl", "low", 1)],
)
def test_the_jobs_fail_on_nothing_but_drift_of_that_severity(export, fail_on, code, place):
    done = run(action(), place, EXPORT=export, FAIL_ON=fail_on)
    assert done.returncode == code, done.stderr
    assert run(job(), place, EXPORT=export, FAIL_ON=fail_on).returncode == code


def test_the_jobs_fail_on_drift_and_their_summary_and_report_name_it_and_its_declaration(place):
    done = run(action(), place, EXPORT="drift.jsonl", FAIL_ON="low")
    assert done.returncode == 2, done.stderr
    summary = (place / "summary").read_text()
    assert "messageRetentionDuration" in summary
    assert "fleet/orders.yaml:1" in summary
    assert run(job(), place, EXPORT="drift.jsonl", FAIL_ON="low").returncode == 2
    (case,) = ET.parse(place / "drift.xml").getroot().findall("testcase")  # noqa: S314 - what was just written
    assert case.get("file") == "fleet/orders.yaml"
