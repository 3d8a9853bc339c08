"""The steps of a deployment, run with a gcloud and a terraform that only take notes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.blocks import EXAMPLES
from infra.build import cloud_build, script
from infra.hcl import read


@pytest.fixture
def workspace(tmp_path) -> Path:
    """A workspace of Cloud Build with tools that note how they are called."""
    for tool in ("gcloud", "terraform"):
        made = tmp_path / "bin" / tool
        made.parent.mkdir(exist_ok=True)
        made.write_text(f'#!/bin/sh\necho "{tool} $*" >> {tmp_path}/calls\n')
        made.chmod(0o755)
    archive = tmp_path / "root/.terraform/setpoint-fleet-ops.zip"
    archive.parent.mkdir(parents=True)
    archive.touch()
    return tmp_path


def run_step(name: str, workspace: Path, apply: str = "true") -> subprocess.CompletedProcess[str]:
    (step,) = [candidate for candidate in cloud_build()["steps"] if candidate["id"] == name]
    environment = {"PATH": f"{workspace}/bin:{os.environ['PATH']}", "_APPLY": apply, "_ROOT": "root"}
    environment |= {"_STATE_BUCKET": "state", "COMMIT_SHA": "abc", "BUILD_ID": "b", "_VARIABLES": "v"}
    text = script(step).replace("/workspace", str(workspace))
    return subprocess.run(
        ["/bin/sh", "-c", text], cwd=workspace, env=environment, check=False, capture_output=True, text=True
    )


def calls(workspace: Path) -> list[str]:
    made = workspace / "calls"
    return made.read_text().splitlines() if made.exists() else []


def test_a_deployment_that_passes_its_smoke_test_is_kept_and_recorded(workspace):
    (workspace / "passed").touch()
    assert run_step("rollback", workspace).returncode == 0
    assert calls(workspace) == []
    assert run_step("record", workspace).returncode == 0
    assert (
        calls(workspace)[0] == "gcloud storage cp root/.terraform/setpoint-fleet-ops.zip gs://state/passed/setpoint.zip"
    )


def test_one_that_does_not_goes_back_to_the_archive_that_passed_last_and_fails(workspace):
    (workspace / "previous.zip").write_text("old")
    ran = run_step("rollback", workspace)
    previous = f"-var=source_archive={workspace}/previous.zip"
    assert (ran.returncode, calls(workspace)) == (1, [f"terraform apply -input=false -auto-approve {previous}"])
    assert "the functions are those of before" in ran.stdout


def test_the_first_one_that_does_not_says_that_there_is_nothing_to_go_back_to(workspace):
    ran = run_step("rollback", workspace)
    assert (ran.returncode, calls(workspace)) == (1, [])
    assert "nothing to go back to" in ran.stdout


def test_the_smoke_test_passes_when_its_message_comes_out_with_a_reason(workspace):
    (workspace / "project_id").write_text("fleet-ops")
    (workspace / "bin/gcloud").write_text(
        f'#!/bin/sh\necho "gcloud $*" >> {workspace}/calls\ncase "$*" in *" pull "*) echo "not a feed message";; esac\n'
    )
    ran = run_step("smoke", workspace)
    assert (ran.returncode, ran.stdout.strip()) == (0, "not a feed message")
    assert (workspace / "passed").exists()
    assert calls(workspace)[-1].startswith("gcloud pubsub subscriptions delete smoke-b")  # whatever comes of it


def test_the_archive_that_a_plan_has_made_is_kept_with_it_and_is_there_when_it_is_applied(workspace):
    """A plan names the archive by its path, and Terraform does not make it again."""
    made = workspace / "root/.terraform/setpoint-fleet-ops.zip"
    assert run_step("keep", workspace, apply="false").returncode == 0
    (kept,) = calls(workspace)
    assert kept.startswith(
        "gcloud storage cp root/.terraform/setpoint-fleet-ops.zip root/setpoint.tfplan root/lock.hcl"
    )
    made.rename(workspace / "root/setpoint-fleet-ops.zip")
    (workspace / "root/lock.hcl").touch()
    assert run_step("fetch", workspace).returncode == 0
    assert "gcloud storage cp gs://state/plans/abc/* root/" in calls(workspace)
    assert made.exists()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_takes_the_archive_that_a_rollback_gives_it(example):
    (module,) = read(example).named("module")
    assert module.attributes["source_archive"] == "var.source_archive"
