"""The commands by which people have a say in remediation, over the fake of Google's REST APIs."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

import forked

NAME = "//storage.googleapis.com/exports"
URL = "https://storage.googleapis.com/storage/v1/b/exports"
LIVE = {"name": "exports", "location": "EU", "versioning": {"enabled": False}}
BUCKET = f"""\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: {NAME}, project: shop-prod, owner: {{team: shop}}}}
spec: {{assetType: storage.googleapis.com/Bucket, data: {{versioning: {{enabled: true}}}}}}
"""
POLICY = """\
apiVersion: setpoint.dev/v1
kind: Policy
metadata: {name: fleet}
spec:
  dryRun: false
  limits: {rollout: 0s}
  rules:
    - {name: grants, match: {contents: [iam_policy]}, mode: "off"}
    - {name: shop, match: {teams: [shop]}, mode: approve, severity: high}
---
apiVersion: setpoint.dev/v1
kind: PolicyTest
metadata: {name: fleet}
spec:
  cases:
    - name: the shop's buckets are asked for
      given: {assetType: storage.googleapis.com/Bucket, team: shop}
      expect: {rule: shop, mode: approve, severity: high}
"""


@pytest.fixture
def setpoint(tmp_path, google_apis_at):
    environment = {
        **os.environ,
        "SETPOINT_STORE": f"sqlite:///{tmp_path}/s.db",
        "SETPOINT_GOOGLE_APIS": google_apis_at[1],
        "COLUMNS": "200",
    }

    def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return forked.command_line(*arguments, stdin=stdin, cwd=tmp_path, environment=environment | variables)

    return run


@pytest.fixture
def drifted(setpoint, tmp_path, google_apis):
    google_apis.journal.clear()
    google_apis.put(URL, LIVE)
    manager = "https://cloudresourcemanager.googleapis.com/v3"
    google_apis.put(f"{manager}/projects/12", {"projectId": "shop-prod", "parent": "folders/3"})
    google_apis.put(f"{manager}/folders/3", {"parent": "organizations/4"})
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/bucket.yaml").write_text(BUCKET)
    (tmp_path / "fleet/policy.yaml").write_text(POLICY)
    assert setpoint("apply", "fleet").returncode == 0
    ancestors = ["projects/12", "folders/3", "organizations/4"]
    asset = {"name": NAME, "assetType": "storage.googleapis.com/Bucket", "updateTime": "2026-03-01T12:00:00Z"}
    message = {"asset": {**asset, "ancestors": ancestors, "resource": {"data": LIVE}}}
    (tmp_path / "feed.jsonl").write_text(json.dumps(message) + "\n")
    assert "1 open finding" in setpoint("detect", "--feed", "feed.jsonl").stdout
    return google_apis


def test_a_plan_tells_every_reason_and_what_would_be_written_and_writes_nothing(setpoint, drifted):
    done = setpoint("remediate", NAME, "--plan")

    assert done.returncode == 0
    assert "mode approve by rule shop, and this drift is not approved" in done.stderr
    assert "PATCH" in done.stdout
    assert "versioning.enabled" in done.stdout
    assert drifted.journal == []


def test_who_says_yes_has_approved_and_the_trail_tells_it(setpoint, drifted):
    assert setpoint("remediate", NAME, stdin="n\n").returncode == 1
    assert drifted.journal == []

    done = setpoint("remediate", NAME, "--yes", "--as", "ann")

    assert (done.returncode, len(drifted.journal)) == (0, 1), done.stderr
    assert drifted.get(URL)["versioning"] == {"enabled": True}
    shown = setpoint("findings", "show", NAME).stdout
    for text in ("audit trail", "approved by ann", "remediate by ann", "writes", "done"):
        assert text in shown


def test_a_pause_holds_for_people_too(setpoint, drifted):
    assert setpoint("pause", "fleet", "--because", "incident", "--for", "2h", "--as", "bob").returncode == 0
    assert "fleet until" in setpoint("brakes").stdout

    done = setpoint("remediate", NAME, "--yes")
    assert done.returncode == 3
    assert "fleet is paused by bob (unverified): incident" in done.stderr
    assert drifted.journal == []

    assert setpoint("resume", "fleet").returncode == 0
    assert setpoint("resume", "fleet").returncode == 1
    assert setpoint("remediate", NAME, "--yes").returncode == 0


@pytest.mark.usefixtures("drifted")
def test_an_exempted_finding_is_listed_as_one_and_comes_back_when_it_ends(setpoint):
    assert setpoint("exempt", NAME).returncode == 1
    assert setpoint("exempt", NAME, "--for", "7d", "--because", "moving", "--as", "ann").returncode == 0
    assert "1 exempted finding" in setpoint("findings", "list", "--status", "exempted").stdout
    assert "no open findings" in setpoint("findings", "list").stdout
    assert setpoint("remediate", NAME, "--yes").returncode == 1

    assert setpoint("exempt", NAME, "--end").returncode == 0
    assert "1 open finding" in setpoint("findings", "list").stdout


@pytest.mark.usefixtures("drifted")
def test_a_finding_is_accepted_as_it_is(setpoint):
    assert setpoint("accept", NAME, "--because", "better so").returncode == 0
    assert "better so" in setpoint("findings", "list", "--status", "accepted").stdout


@pytest.mark.usefixtures("drifted")
def test_a_policy_is_explained_for_a_finding(setpoint, tmp_path):
    done = setpoint("policy", "test", NAME)
    assert done.returncode == 0, done.stderr
    assert "contents does not fit" in done.stdout
    assert "applies" in done.stdout
    assert "approve" in done.stderr

    (tmp_path / "other.yaml").write_text(POLICY.replace("teams: [shop]", "teams: [none]"))
    assert "teams does not fit" in setpoint("policy", "test", NAME, "--policy", "other.yaml").stdout


@pytest.mark.usefixtures("drifted")
def test_a_policy_is_explained_for_what_nothing_declares(setpoint, tmp_path):
    scope = (
        "apiVersion: setpoint.dev/v1\nkind: Scope\nmetadata: {name: buckets}\n"
        "spec: {organizations: ['4'], assetTypes: [storage.googleapis.com/Bucket], remediation: {mode: approve}}\n"
    )
    (tmp_path / "fleet/scope.yaml").write_text(scope)
    assert setpoint("apply", "fleet").returncode == 0
    stray = "//storage.googleapis.com/stray"
    feed = (tmp_path / "feed.jsonl").read_text().replace(NAME, stray).replace('"name": "exports"', '"name": "stray"')
    (tmp_path / "stray.jsonl").write_text(feed)
    setpoint("detect", "--feed", "stray.jsonl")

    done = setpoint("policy", "test", stray)

    assert done.returncode == 0, done.stderr
    assert "teams does not fit" in done.stdout
    assert "its scope says approve" in done.stderr


def test_the_tests_of_a_policy_are_run_and_told_by_the_exit_code(setpoint, tmp_path):
    (tmp_path / "policy.yaml").write_text(POLICY)
    assert setpoint("policy", "check", "policy.yaml").returncode == 0

    (tmp_path / "policy.yaml").write_text(
        POLICY.replace("expect: {rule: shop, mode: approve", "expect: {rule: grants, mode: auto")
    )
    done = setpoint("policy", "check", "policy.yaml")
    assert done.returncode == 1
    assert "rule is shop, not grants; mode is approve, not auto" in done.stderr


@pytest.mark.usefixtures("drifted")
def test_a_patch_of_the_authors_file_accepts_what_the_resource_is_now(setpoint, tmp_path):
    done = setpoint("propose", NAME)
    assert done.returncode == 0, done.stderr
    assert "+spec: {assetType: storage.googleapis.com/Bucket, data: {versioning: {enabled: false}}}" in done.stdout

    patched = subprocess.run(
        ["patch", "-p1"], input=done.stdout, text=True, cwd=tmp_path, capture_output=True, check=False
    )
    assert patched.returncode == 0, patched.stdout
    setpoint("apply", "fleet")
    assert "no open findings" in setpoint("findings", "list").stdout


def test_an_approval_is_of_the_drift_that_was_shown(setpoint, drifted):
    refused = setpoint("approve", NAME, stdin="n\n")
    assert refused.returncode == 1
    assert "versioning.enabled" in refused.stderr
    assert setpoint("approve", NAME, "--fingerprint", "0000").returncode == 1
    assert "approved by" not in setpoint("findings", "show", NAME).stdout

    assert setpoint("approve", NAME, "--as", "ann", stdin="y\n").returncode == 0
    assert "approved by ann" in setpoint("findings", "show", NAME).stdout
    assert drifted.journal == []


def test_approving_needs_no_credentials_of_google(setpoint, drifted, tmp_path):  # noqa: ARG001 - there is drift
    nobody = {"SETPOINT_GOOGLE_APIS": "", "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "missing.json")}
    done = setpoint("approve", NAME, "--yes", "--as", "ann", **nobody)
    assert (done.returncode, "approved by ann" in done.stderr) == (0, True), done.stderr


def test_who_says_yes_in_a_dry_run_has_approved_nothing(setpoint, drifted, tmp_path):
    (tmp_path / "fleet/policy.yaml").write_text(POLICY.replace("dryRun: false", "dryRun: true"))
    assert setpoint("apply", "fleet").returncode == 0

    done = setpoint("remediate", NAME, "--yes")

    assert done.returncode == 3
    assert "the policy is a dry run" in done.stderr
    assert "approved by" not in setpoint("findings", "show", NAME).stdout
    assert drifted.journal == []


@pytest.mark.parametrize("command", [("pause", "fleet", "--because", "incident"), ("resume", "fleet")])
def test_a_mistyped_store_is_not_made_and_not_taken_for_a_pause(setpoint, tmp_path, command):
    done = setpoint(*command, "--store", f"sqlite:///{tmp_path}/typo.db")

    assert (done.returncode, "no such store" in done.stderr) == (1, True)
    assert not (tmp_path / "typo.db").exists()


@pytest.mark.usefixtures("drifted")
def test_an_approved_finding_is_not_counted_among_what_settles(setpoint):
    setpoint("approve", NAME)

    done = setpoint("detect", "--feed", os.devnull)

    assert "1 open finding" in done.stdout
    assert "settling" not in done.stdout + done.stderr


@pytest.mark.usefixtures("drifted")
def test_a_record_that_cannot_be_read_is_named_by_every_command_and_repaired(setpoint, tmp_path):
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("UPDATE findings SET body = replace(body, '\"modified\"', '\"of another version\"')")
    listed = setpoint("findings", "list")
    assert (listed.returncode, NAME in listed.stderr, "setpoint repair" in listed.stderr) == (1, True, True)
    shown = setpoint("findings", "show", NAME)
    assert (shown.returncode, NAME in shown.stderr) == (1, True)

    repaired = setpoint("repair")

    assert (repaired.returncode, repaired.stdout.strip()) == (0, f"{NAME}: judged: opened")
    assert "1 open finding" in setpoint("findings", "list").stdout
    assert setpoint("repair").stderr.splitlines()[1:] == ["all records are readable"]


@pytest.mark.usefixtures("drifted")
def test_a_second_accept_says_who_accepted_it_and_why(setpoint):
    assert "accepted" in setpoint("accept", NAME, "--because", "known", "--as", "ann").stderr
    again = setpoint("accept", NAME, "--because", "other", "--as", "bob")
    assert (again.returncode, "already accepted by ann (unverified): known" in again.stderr) == (0, True)


def test_an_undeclared_change_is_put_back_by_a_person_once_the_policy_asks_for_it(setpoint, tmp_path, google_apis):
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/bucket.yaml").write_text(BUCKET)
    (tmp_path / "fleet/policy.yaml").write_text(POLICY)
    assert setpoint("apply", "fleet").returncode == 0
    asset = {"name": NAME, "assetType": "storage.googleapis.com/Bucket"}
    ancestors = ["projects/12", "folders/3", "organizations/4"]
    for hour, prevention in ((12, "enforced"), (14, "inherited")):
        day = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")
        live = {
            **LIVE,
            "versioning": {"enabled": True},
            "iamConfiguration": {"publicAccessPrevention": prevention},
        }
        message = {
            "asset": {
                **asset,
                "ancestors": ancestors,
                "updateTime": f"{day}T{hour}:00:00Z",
                "resource": {"data": live},
            }
        }
        (tmp_path / "feed.jsonl").write_text(json.dumps(message) + "\n")
        assert setpoint("detect", "--feed", "feed.jsonl").returncode == 0
    manager = "https://cloudresourcemanager.googleapis.com/v3"
    google_apis.put(f"{manager}/projects/12", {"projectId": "shop-prod", "parent": "folders/3"})
    google_apis.put(f"{manager}/folders/3", {"parent": "organizations/4"})
    google_apis.put(URL, live)
    google_apis.journal.clear()

    explained = setpoint("policy", "test", NAME)
    assert "alert (nobody declares what differs" in explained.stderr
    assert setpoint("remediate", NAME, "--yes").returncode != 0
    assert google_apis.journal == []

    asks = "  undeclared: {remediate: [{paths: [iamConfiguration]}]}\n  rules:\n"
    (tmp_path / "fleet/policy.yaml").write_text(POLICY.replace("  rules:\n", asks))
    assert setpoint("apply", "fleet").returncode == 0
    assert "approve" in setpoint("policy", "test", NAME).stderr
    done = setpoint("remediate", NAME, "--yes")
    assert (done.returncode, done.stdout.count("(last known good)")) == (0, 1), done.stderr
    assert google_apis.get(URL)["iamConfiguration"]["publicAccessPrevention"] == "enforced"
