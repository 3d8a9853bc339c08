"""The command line with a state that holds a secret: the same digest whatever opens the store, and never the secret."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import forked

NAME = "//run.googleapis.com/projects/shop-prod/locations/europe-west1/jobs/nightly"
SECRET = "correct horse battery"  # noqa: S105 - the secret of these tests

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def state(password: str = SECRET, serial: int = 1) -> str:
    env = [{"name": "DB_PASSWORD", "value": password, "value_source": []}]
    values = {
        "name": "nightly",
        "location": "europe-west1",
        "project": "shop-prod",
        "template": [{"template": [{"containers": [{"image": "gcr.io/shop/nightly", "env": env}]}]}],
    }
    steps = ["template", 0, "template", 0, "containers", 0, "env", 0, "value"]
    marks = [
        {"type": "index", "value": {"value": step, "type": "number"}}
        if isinstance(step, int)
        else {"type": "get_attr", "value": step}
        for step in steps
    ]
    resource = {
        "mode": "managed",
        "type": "google_cloud_run_v2_job",
        "name": "nightly",
        "provider": 'provider["registry.terraform.io/hashicorp/google"]',
        "instances": [{"schema_version": 0, "attributes": values, "sensitive_attributes": [marks]}],
    }
    return json.dumps({"version": 4, "serial": serial, "lineage": "l", "outputs": {}, "resources": [resource]})


def asset(password: str, minute: int) -> str:
    env = [{"name": "DB_PASSWORD", "value": password}]
    data = {"template": {"template": {"containers": [{"image": "gcr.io/shop/nightly", "env": env}]}}}
    return json.dumps(
        {
            "asset": {
                "name": NAME,
                "assetType": "run.googleapis.com/Job",
                "updateTime": f"2026-03-01T12:{minute:02}:00Z",
                "ancestors": ["projects/12", "organizations/4"],
                "resource": {"data": data},
            }
        }
    )


@pytest.fixture
def setpoint(tmp_path: Path) -> Run:
    environment = {**os.environ, "SETPOINT_STORE": f"sqlite:///{tmp_path}/s.db", "COLUMNS": "200"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = forked.command_line(*arguments, stdin="", cwd=tmp_path, environment=environment)
        assert SECRET not in done.stdout + done.stderr
        assert "hunter2" not in done.stdout + done.stderr
        return done

    return run


def observe(setpoint: Run, folder: Path, password: str, minute: int, *options: str) -> list[dict[str, Any]]:
    feed = folder / "feed.jsonl"
    feed.write_text(asset(password, minute))
    done = setpoint("detect", "--feed", str(feed), "--output", "jsonl", *options)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_command_compares_with_the_digest_of_the_store(setpoint: Run, tmp_path: Path) -> None:
    file = tmp_path / "terraform.tfstate"
    file.write_text(state())
    assert setpoint("apply", str(file)).returncode == 0
    assert "nothing to change" in setpoint("plan", str(file)).stdout
    assert observe(setpoint, tmp_path, SECRET, 1) == []
    [event] = observe(setpoint, tmp_path, "hunter2", 2)
    assert event["type"] == "drift.opened"
    [difference] = event["data"]["differences"]
    assert difference["path"] == "template.template.containers[0].env[name=DB_PASSWORD].value"
    assert difference["declared"].startswith("(hidden, digest ")

    file.write_text(state(serial=2))
    review = json.loads(setpoint("guard", str(file), "--output", "json").stdout)
    assert review["changed"] == 0
    file.write_text(state("hunter2", serial=2))
    review = json.loads(setpoint("guard", str(file), "--output", "json").stdout)
    assert [resource["effects"] for resource in review["resources"]] == [["resolves"]]
    plan = setpoint("plan", str(file))
    assert "(hidden, digest " in plan.stdout
    assert setpoint("apply", str(file)).returncode == 0
    assert setpoint("findings", "list").stdout.count("DB_PASSWORD") == 0
    # The observation of a drifted resource is kept whole; see docs/security.md.
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("s.db*"))


def test_a_proposal_names_the_secret_and_proposes_nothing(setpoint: Run, tmp_path: Path) -> None:
    file = tmp_path / "terraform.tfstate"
    file.write_text(state())
    setpoint("apply", str(file))
    [event] = observe(setpoint, tmp_path, "hunter2", 2)
    proposed = setpoint("propose", event["data"]["finding_id"])
    assert "env[0].value: a secret is never proposed" in proposed.stderr
    assert proposed.stdout == ""


def test_a_store_in_memory_has_the_key_of_its_declarations(setpoint: Run, tmp_path: Path) -> None:
    file = tmp_path / "terraform.tfstate"
    file.write_text(state())
    given = ("--store", "memory:", "--declarations", str(file))
    assert observe(setpoint, tmp_path, SECRET, 1, *given) == []
    assert [event["type"] for event in observe(setpoint, tmp_path, "hunter2", 2, *given)] == ["drift.opened"]
    sweep = setpoint("sweep", "--from", str(tmp_path / "feed.jsonl"), *given)
    assert "1" in sweep.stdout + sweep.stderr


def test_diff_compares_a_state_with_a_live_resource(setpoint: Run, tmp_path: Path) -> None:
    (tmp_path / "terraform.tfstate").write_text(state())
    for password, expected in ((SECRET, 0), ("hunter2", 1)):
        (tmp_path / "live.json").write_text(asset(password, 1))
        assert setpoint("diff", "terraform.tfstate", "live.json").returncode == expected


def test_nothing_is_made_by_a_plan_without_a_store(setpoint: Run, tmp_path: Path) -> None:
    file = tmp_path / "terraform.tfstate"
    file.write_text(state())
    assert setpoint("plan", str(file)).returncode == 0
    assert setpoint("validate", str(file)).returncode == 0
    assert not (tmp_path / "s.db").exists()
