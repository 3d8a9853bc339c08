"""What commands write with `--output json` is as docs/schemas says."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import forked
import schema_check
from setpoint.cli import app
from setpoint.operations import diagnostics
from setpoint.operations.diagnostics import CheckResult

ROOT = Path(__file__).parents[2]
BUCKET = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: //storage.googleapis.com/{name}, project: shop-prod, owner: {{team: {team}}}}}
spec:
  assetType: storage.googleapis.com/Bucket
  data: {{location: EU, versioning: {{enabled: true}}}}
"""
POLICY = """\
apiVersion: setpoint.dev/v1
kind: Policy
metadata: {name: fleet}
spec:
  rules:
    - {name: never, match: {projects: [other]}, mode: off}
    - {name: all, match: {}, mode: approve, windows: [{cron: "0 6 * * *", duration: 2h, timeZone: Europe/Berlin}]}
"""


def asset(name: str, *, versioning: bool) -> dict[str, Any]:
    return {
        "name": f"//storage.googleapis.com/{name}",
        "assetType": "storage.googleapis.com/Bucket",
        "ancestors": ["projects/123456789012", "organizations/4"],
        "updateTime": "2026-03-01T10:00:00Z",
        "resource": {"data": {"name": name, "location": "EU", "versioning": {"enabled": versioning}}},
    }


def schema(name: str) -> dict[str, Any]:
    return json.loads((ROOT / f"docs/schemas/{name}.v1.json").read_text())


def checked(name: str, done: subprocess.CompletedProcess[str]) -> Any:
    """The output of a command, which has to be as its schema says."""
    written = json.loads(done.stdout)
    assert schema_check.faults(written, schema(name)) == []
    return written


@pytest.fixture
def setpoint(tmp_path):
    environment = {**os.environ, "SETPOINT_STORE": f"sqlite:///{tmp_path}/s.db"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return forked.command_line(*arguments, stdin="", cwd=tmp_path, environment=environment)

    return run


@pytest.fixture
def fleet(tmp_path):
    """Three buckets that drift and one that does not, with a policy."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    for number, team in enumerate(("shop", "shop", "net", "net")):
        (folder / f"b{number}.yaml").write_text(BUCKET.format(name=f"b{number}", team=team))
    (folder / "policy.yaml").write_text(POLICY)
    assets = [asset(f"b{number}", versioning=number == 3) for number in range(4)]
    (tmp_path / "export.json").write_text(json.dumps(assets))
    return folder


@pytest.fixture
def drifted(fleet, setpoint):
    assert setpoint("apply", str(fleet)).returncode == 0
    assert setpoint("sweep", "--from", "export.json").returncode == 0
    return fleet


def test_validate_writes_what_is_wrong(fleet, setpoint):
    (fleet / "bad.yaml").write_text(BUCKET.format(name="b9", team="shop").replace("location", "locaton"))
    written = checked("validate", setpoint("validate", str(fleet), "--output", "json"))
    assert [problem["line"] for problem in written["errors"] + written["warnings"]]


def test_plan_and_apply_write_what_changes(fleet, setpoint):
    planned = checked("plan", setpoint("plan", str(fleet), "--output", "json"))
    assert {change["action"] for change in planned["changes"]} == {"added"}
    assert checked("plan", setpoint("apply", str(fleet), "--dry-run", "--output", "json")) == planned
    applied = checked("apply", setpoint("apply", str(fleet), "--output", "json"))
    assert (applied["added"], applied["unchanged"]) == (4, 0)
    claimed = setpoint("apply", str(fleet / "b0.yaml"), "--source", "other", "--output", "json")
    assert len(checked("apply", claimed)["claimed"]) == 1
    planned = setpoint("plan", str(fleet / "b0.yaml"), "--source", "other", "--output", "json")
    assert len(checked("plan", planned)["claimed"]) == 1


def test_a_sweep_writes_its_summary(fleet, setpoint):
    setpoint("apply", str(fleet))
    written = checked("sweep", setpoint("sweep", "--from", "export.json", "--output", "json"))
    assert (written["drifted"], written["in_sync"]) == (3, 1)


def test_diff_writes_the_comparison(fleet, setpoint, tmp_path):
    (tmp_path / "live.json").write_text(json.dumps(asset("b0", versioning=False)))
    written = checked("diff", setpoint("diff", str(fleet / "b0.yaml"), "live.json", "--output", "json"))
    assert written["outcome"] == "drift"


@pytest.mark.usefixtures("drifted")
def test_findings_are_listed_and_shown(setpoint):
    listed = checked("findings", setpoint("findings", "list", "--output", "json"))
    assert listed["total"] == 3
    first = listed["findings"][0]
    shown = checked("finding", setpoint("findings", "show", first["id"], "--output", "json"))
    assert shown["finding"] == first["finding"]
    setpoint("accept", first["id"], "--because", "release 4.2")
    accepted = checked("finding", setpoint("findings", "show", first["id"], "--output", "json"))
    assert accepted["exemption"]["reason"] == "release 4.2"
    assert [entry["what"] for entry in accepted["trail"]] == ["accepted"]


def test_suppressed_drift_is_listed_and_shown(drifted, setpoint):
    (drifted / ".setpointignore").write_text("storage.googleapis.com/Bucket versioning\n")
    setpoint("apply", str(drifted))
    listed = checked("findings", setpoint("findings", "list", "--status", "suppressed", "--output", "json"))
    assert {record["finding"] and record["finding"]["status"] for record in listed["findings"]} <= {None, "resolved"}
    assert listed["findings"][0]["suppressed"]
    checked("finding", setpoint("findings", "show", listed["findings"][0]["id"], "--output", "json"))


@pytest.mark.usefixtures("drifted")
def test_guardrails_and_policy_tests_are_written(setpoint):
    setpoint("pause", "projects/shop-prod", "--because", "migration")
    written = checked("guardrails", setpoint("guardrails", "--output", "json"))
    assert (written["policy"], written["pauses"][0]["reason"]) == ("fleet", "migration")
    identifier = json.loads(setpoint("findings", "list", "--output", "json").stdout)["findings"][0]["id"]
    decided = checked("policy-decision", setpoint("policy", "test", identifier, "--output", "json"))
    assert [(rule["rule"], rule["applies"]) for rule in decided["tried"]] == [("never", False), ("all", True)]
    assert decided["windows"]


def test_coverage_and_a_review_are_written(drifted, setpoint):
    assert checked("coverage", setpoint("coverage", "--output", "json"))["resources"] == 4
    (drifted / "b0.yaml").write_text(BUCKET.format(name="b0", team="shop").replace("true", "false"))
    written = checked("guard", setpoint("guard", str(drifted), "--source", "default", "--output", "json"))
    assert written["resources"][0]["effects"] == ["resolves"]


def test_doctor_writes_every_check(monkeypatch):
    results = [CheckResult("store", "pass", "the store answers"), CheckResult("feeds", "fail", "no feed", "make one")]
    monkeypatch.setattr("setpoint.bootstrap.open_installation", lambda *_: type("Installation", (), {})())
    monkeypatch.setattr(diagnostics, "examine", lambda *_: results)
    done = CliRunner().invoke(app, ["doctor", "--project", "ops", "--output", "json"])
    written = json.loads(done.stdout)
    assert schema_check.faults(written, schema("doctor")) == []
    assert (done.exit_code, written["pass"]) == (1, False)


@pytest.mark.usefixtures("drifted")
def test_the_checker_sees_what_is_not_as_the_schema_says(setpoint):
    written = json.loads(setpoint("findings", "list", "--output", "json").stdout)
    written["findings"][0]["finding"]["severity"] = "dire"
    written["findings"][1]["surprise"] = 1
    del written["total"]
    assert len(schema_check.faults(written, schema("findings"))) == 3
