"""``setpoint sweep --from``: a sweep over exported assets, without credentials."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from setpoint.cli import app

DECLARED = """
apiVersion: setpoint.dev/v1
kind: Declaration
metadata:
  name: //storage.googleapis.com/{name}
  project: fleet-prod-123
spec:
  assetType: storage.googleapis.com/Bucket
  settle: 0s
  data:
    location: EU
"""


def asset(name: str, location: str, **more: object) -> dict[str, object]:
    return {
        "name": f"//storage.googleapis.com/{name}",
        "asset_type": "storage.googleapis.com/Bucket",
        "update_time": "2026-03-01T12:00:00Z",
        "ancestors": ["projects/123456789012", "organizations/987654321098"],
        "resource": {"version": "v1", "data": {"name": name, "location": location}},
        **more,
    }


PROJECT = {
    "name": "//cloudresourcemanager.googleapis.com/projects/123456789012",
    "asset_type": "cloudresourcemanager.googleapis.com/Project",
    "update_time": "2026-03-01T12:00:00Z",
    "ancestors": ["projects/123456789012", "organizations/987654321098"],
    "resource": {"version": "v3", "data": {"projectId": "fleet-prod-123", "name": "projects/123456789012"}},
}


@pytest.fixture
def run(tmp_path):
    store = f"sqlite:///{tmp_path}/s.db"
    (tmp_path / "decl.yaml").write_text("---".join(DECLARED.format(name=name) for name in ("same", "moved", "lost")))
    assert CliRunner().invoke(app, ["apply", str(tmp_path / "decl.yaml"), "--store", store]).exit_code == 0

    def sweep(content: bytes, *more: str):
        (tmp_path / "export").write_bytes(content)
        return CliRunner().invoke(
            app, ["sweep", "--from", str(tmp_path / "export"), "--store", store, "--output", "json", *more]
        )

    return sweep


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_export_shows_what_differs_and_what_is_deleted(run, compress):
    lines = [json.dumps(value) for value in (PROJECT, asset("same", "EU"), asset("moved", "US"))]
    done = run(compress("\n".join(lines).encode()))
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert (summary["in_sync"], summary["drifted"], summary["gone"], summary["unknown"]) == (1, 2, 1, 0)


def test_an_export_of_another_project_says_nothing_of_what_is_declared(run):
    other = asset("other", "EU", ancestors=["projects/999999999999", "organizations/987654321098"])
    summary = json.loads(run(json.dumps(other).encode()).stdout)
    assert (summary["gone"], summary["unknown"]) == (0, 3)


def test_an_export_that_does_not_say_where_its_assets_are_asks_for_the_scope(run):
    nowhere = asset("same", "EU")
    del nowhere["ancestors"]
    done = run(json.dumps(nowhere).encode())
    assert done.exit_code == 1
    assert "have no `ancestors`" in str(done.exception)
    assert run(json.dumps(nowhere).encode(), "--scope", "organizations/987654321098").exit_code == 0


def test_a_file_without_assets_is_no_clean_sweep(run):
    done = run(b'{"level": "info"}\n')
    assert done.exit_code == 1
    assert "no assets could be read" in str(done.exception)


@pytest.mark.parametrize("option", [["--exit-code"], ["--fail-on", "critical"]])
def test_a_check_that_compared_nothing_is_no_success(run, option):
    other = json.dumps(asset("other", "EU", ancestors=["projects/999999999999", "organizations/987654321098"]))
    done = run(other.encode(), *option)
    assert (done.exit_code, "nothing was compared" in done.stderr) == (1, True)


def test_a_check_of_records_that_cannot_be_read_is_no_success(run):
    lines = [json.dumps(value) for value in (PROJECT, *(asset(name, "EU") for name in ("same", "moved", "lost")))]
    assert run("\n".join(lines).encode(), "--exit-code").exit_code == 0
    unreadable = '{"name": 1, "asset_type": "storage.googleapis.com/Bucket"}'
    done = run("\n".join([*lines, unreadable]).encode(), "--exit-code")
    assert (done.exit_code, "could not be read" in done.stderr) == (1, True)


def test_a_check_of_a_store_that_cannot_be_read_is_no_success(run, tmp_path):
    lines = [json.dumps(value) for value in (PROJECT, *(asset(name, "EU") for name in ("same", "moved", "lost")))]
    content = "\n".join(lines).replace('"EU"', '"US"').encode()
    assert run(content, "--exit-code").exit_code == 2
    with closing(sqlite3.connect(tmp_path / "s.db")) as database, database:
        database.execute("UPDATE findings SET body = '{' WHERE rowid = 1 OR id LIKE '%moved%'")
    done = run("\n".join(lines).encode(), "--fail-on", "critical")
    assert (done.exit_code, "cannot be read" in done.stderr) == (1, True)


GRANTED = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/same, project: fleet-prod-123}
spec: {assetType: storage.googleapis.com/Bucket, content: iam_policy, data: {bindings: []}}
"""
WITHOUT_POLICIES = "the files hold no IAM policies"


def test_declared_grants_that_the_files_cannot_show_are_named_with_the_export_that_shows_them(run, tmp_path):
    (tmp_path / "grants.yaml").write_text(GRANTED)
    same = asset("same", "EU")
    done = run(json.dumps(same).encode(), "-d", str(tmp_path / "grants.yaml"))
    assert "1 iam_policy of storage.googleapis.com/Bucket" in done.stderr
    assert WITHOUT_POLICIES in done.stderr
    summary = json.loads(done.stdout)
    assert summary["unknown_of"]["iam_policy of storage.googleapis.com/Bucket"] == 1
    assert sum(summary["unknown_of"].values()) == summary["unknown"]

    policy = {**{key: value for key, value in same.items() if key != "resource"}, "iam_policy": {"bindings": []}}
    both = "\n".join(map(json.dumps, (same, policy)))
    assert WITHOUT_POLICIES not in run(both.encode(), "-d", str(tmp_path / "grants.yaml")).stderr


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([asset("same", "EU")], "1 asset; as of"),
        ([asset("same", "EU"), asset("moved", "EU")], "2 assets; as of"),
        ([asset("same", "EU"), {"x": 1}], "1 asset, 1 record of an unknown kind; as of"),
    ],
)
def test_what_a_file_holds_is_counted_in_the_right_number(run, records, words):
    assert words in run("\n".join(map(json.dumps, records)).encode()).stderr
