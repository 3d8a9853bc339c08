"""What commands write with `--output json` is as docs/schemas says."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs
from typer.testing import CliRunner

import forked
import schema_check
from pages.samples import state
from setpoint import bootstrap
from setpoint.cli import app, output_models
from setpoint.cli.output_models import FindingList
from setpoint.operations import diagnostics
from setpoint.operations.dead_letters import DeadLetter
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
POLICY_TEST = """\
apiVersion: setpoint.dev/v1
kind: PolicyTest
metadata: {name: fleet}
spec:
  cases:
    - {name: any bucket waits, given: {assetType: storage.googleapis.com/Bucket}, expect: {rule: all, mode: approve}}
    - {name: a lie, given: {assetType: storage.googleapis.com/Bucket}, expect: {mode: auto}}
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
    """The output of a command, which must be as its schema says."""
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


@pytest.mark.parametrize("block", [1, 3_000, output_models._BLOCK])
def test_a_long_list_is_printed_in_blocks_and_is_as_before(capsys, mocker, block):
    states = [state(f"//storage.googleapis.com/müll-{number}") for number in range(20)]
    listed = FindingList(status="all", total=20, offset=0, next_offset=None, findings=(), unreadable=('"findings":[',))
    whole = structs.replace(listed, findings=tuple(map(output_models.finding_record, states)))
    mocker.patch.object(output_models, "_BLOCK", block)
    printed = mocker.spy(output_models.out, "out")
    output_models.print_findings(listed, states)
    assert capsys.readouterr().out == f"{msgspec.json.encode(whole).decode()}\n"
    longest = max(len(msgspec.json.encode(record)) for record in whole.findings)
    assert max(len(call.args[0]) for call in printed.call_args_list) < block + longest + 200


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
def test_a_report_is_written(setpoint):
    written = checked("report", setpoint("report", "--output", "json"))
    assert (written["figures"]["open"], len(written["rows"])) == (3, 3)
    assert checked("report", setpoint("report", "--output", "json", "--at", "2026-01-01"))["rows"] == []


@pytest.mark.usefixtures("drifted")
def test_each_message_is_a_line(setpoint):
    done = setpoint("notify", "--preview", "--output", "json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines
    assert [fault for line in lines for fault in schema_check.faults(line, schema("notify"))] == []


def test_asset_types_are_written_as_one_object_and_line_by_line(setpoint):
    written = checked("types", setpoint("types", "storage.googleapis.com", "--output", "json"))
    lines = setpoint("types", "storage.googleapis.com", "--output", "jsonl").stdout
    assert [json.loads(line) for line in lines.splitlines()] == written["types"]
    assert setpoint("types", "storage.googleapis.com", "--json").stdout == lines


def test_what_is_watched_is_written_as_one_object_and_line_by_line(fleet, setpoint):
    written = checked("watched", setpoint("coverage", "--watched", str(fleet), "--output", "json"))
    lines = setpoint("coverage", "--watched", str(fleet), "--output", "jsonl").stdout
    assert [json.loads(line) for line in lines.splitlines()] == written["resources"]
    assert len(written["resources"]) == 4


def test_a_check_of_a_policy_writes_what_is_not_met(fleet, setpoint):
    (fleet / "tests.yaml").write_text(POLICY_TEST)
    done = setpoint("policy", "check", str(fleet), "--output", "json")
    written = checked("policy-check", done)
    assert (done.returncode, written["policy"], written["tests"]) == (1, "fleet", 2)
    assert [expectation["test"] for expectation in written["failed"]] == ["a lie"]
    assert written["failed"][0]["file"].endswith("tests.yaml:1")
    assert "auto" in written["failed"][0]["message"]


def test_dead_letters_are_written_without_what_they_hold(monkeypatch):
    dead_letter = DeadLetter("7", b"secret", {"reason": "no JSON"}, datetime(2026, 3, 1, tzinfo=UTC))
    monkeypatch.setattr(bootstrap, "open_dead_letter_queue", lambda *_: None)
    monkeypatch.setattr("setpoint.operations.dead_letter_replay.show", lambda *_: [dead_letter])
    done = CliRunner().invoke(app, ["dead-letters", "list", "--project", "ops", "--output", "json"])
    written = json.loads(done.stdout)
    assert schema_check.faults(written, schema("dead-letters")) == []
    assert "secret" not in done.stdout
    line = CliRunner().invoke(app, ["dead-letters", "list", "--project", "ops", "--output", "jsonl"]).stdout
    assert [json.loads(line)] == written["dead_letters"]


def test_questions_and_answers_are_lines(setpoint, tmp_path):
    live = asset("b0", versioning=False)["resource"]["data"]
    asked = {
        "id": 1,
        "declared": {**live, "versioning": {"enabled": True}},
        "live": live,
        "asset_type": "storage.googleapis.com/Bucket",
    }
    assert schema_check.faults(asked, schema("diff-request")) == []
    (tmp_path / "asked.jsonl").write_text(json.dumps(asked) + "\n" + '{"id": 2}\n')
    answers = [json.loads(line) for line in setpoint("diff", "--jsonl", "asked.jsonl").stdout.splitlines()]
    assert [fault for answer in answers for fault in schema_check.faults(answer, schema("diff-response"))] == []
    assert [answer["verdict"] for answer in answers] == ["drift", "unknown"]


def test_each_command_that_writes_json_has_a_published_schema():
    commands = json.loads((ROOT / "shared/setpoint/cli/completions.json").read_text())["commands"]
    page = (ROOT / "docs/schemas.md").read_text()
    writers = {
        name
        for name, command in commands.items()
        for option, entry in command["options"].items()
        if {"json", "jsonl"} & set(entry["values"] or ()) or option in ("--json", "--jsonl")
    }
    assert len(writers) > 15
    assert {name for name in writers if f"`setpoint {name}" not in page} == set()


def test_each_command_that_writes_for_programs_calls_it_output():
    """`--json` stands beside `--output json` only; a command of today has no other name for it."""
    commands = json.loads((ROOT / "shared/setpoint/cli/completions.json").read_text())["commands"]
    alone = [name for name, command in commands.items() if "--json" in command["options"]]
    assert all("json" in commands[name]["options"]["--output"]["values"] for name in alone)


@pytest.mark.usefixtures("drifted")
def test_the_checker_sees_what_is_not_as_the_schema_says(setpoint):
    written = json.loads(setpoint("findings", "list", "--output", "json").stdout)
    written["findings"][0]["finding"]["severity"] = "dire"
    written["findings"][1]["surprise"] = 1
    del written["total"]
    assert len(schema_check.faults(written, schema("findings"))) == 3
