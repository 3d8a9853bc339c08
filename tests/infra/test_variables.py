"""What variables are taken, and what follows from them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.blocks import CODE, INFRA, TERRAFORM
from infra.hcl import strings
from setpoint.model.sweep_records import LISTED, PendingWork, decode_message

GOOD = {
    "project_id": '"fleet-ops"',
    "region": '"europe-west1"',
    "watch": '["organizations/566099688680", "folders/918177713511", "projects/shop-prod"]',
}


BAD = {
    "retention": "{ audit_days = -1 }",
    "project_id": '"20318464073"',
    "region": '"EU"',
    "watch": '["organisations/1"]',
    "asset_types": '{ RESOURCE = ["bucket"] }',
    "source_archive": '"/nowhere.zip"',
    "runtime": '"python312"',
    "firestore": '{ database = "x" }',
    "detect": "{ timeout_seconds = 601, concurrency = 0, min_instances = 21 }",
    "worker": "{ enabled = true, batch = 301 }",
    "sweep": "{ timeout_seconds = 60, max_instances = 0 }",
    "sweep_schedule": '"every 6 hours"',
    "sync": "{ timeout_seconds = 541, max_instances = 0 }",
    "remediation": '{ enabled = true, within = "fleet" }',
    "remediation_role_in": '"organizations/1"',
    "deep_reads": '{ enabled = true, within = "fleet", role_in = "organizations/1" }',
    "history": "{ calls_an_hour = 301 }",
    "remediate": "{ timeout_seconds = 60, max_instances = 0 }",
    "notify": "{ timeout_seconds = 10, max_instances = 0 }",
    "slack_actions": "{ timeout_seconds = 1, max_instances = 0 }",
    "attribute": "{ timeout_seconds = 601, max_instances = 0 }",
    "console": '{ enabled = true, domain = "https://drift", viewers = ["me"], max_instances = 0 }',
    "reports": '{ dataset = "set-point", days = 400, readers = ["ann@example.com"] }',
    "report": "{ timeout_seconds = 60, max_instances = 0 }",
    "delivery_attempts": "101",
    "archive_days": "1",
    "uploaders": '["ci@fleet-ops.iam.gserviceaccount.com"]',
    "state_buckets": '{ acme = { prefix = "prod" } }',
    "sources": '{ setpoint = { uploaders = ["bob"], carries = ["all"] }, nowhere = { uploaders = [] } }',
    "operators": '["sre@example.com"]',
    "readers": '["everybody"]',
    "kms_key": '"my-key"',
    "secret_key_version": '"latest"',
    "otlp": '{ endpoint = "otlp.example.com", headers_secret = "projects/p/secrets/s" }',
    "vpc_connector": '"my-connector"',
    "monitoring": '{ channels = ["ops@example.com"], detection_goal = 1, feed_silence_minutes = 1 }',
}


@pytest.fixture(scope="module")
def variables(tmp_path_factory) -> Path:
    """The variables and the feeds that follow from them, as a module that needs no provider."""
    folder = tmp_path_factory.mktemp("variables")
    shutil.copy(INFRA / "variables.tf", folder)
    computed = locals_of("feeds.tf") + '\noutput "feeds" {\n  value = local.feeds\n}\n'
    (folder / "main.tf").write_text(computed)
    subprocess.run([TERRAFORM, "init", "-input=false"], cwd=folder, check=True, capture_output=True)
    return folder


def locals_of(name: str) -> str:
    """What a file of the module computes before its first resource."""
    text = (INFRA / name).read_text()
    return text[: text.index("\nresource ")]


def plan(folder: Path, values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "terraform.tfvars").write_text("".join(f"{name} = {value}\n" for name, value in values.items()))
    command = [TERRAFORM, "plan", "-input=false", "-no-color", "-out=made.tfplan"]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


@pytest.mark.skipif(not TERRAFORM, reason="terraform is not installed: the variables are not tried")
def test_each_watched_parent_gets_a_feed_for_each_content_type(variables):
    planned = plan(variables, GOOD)
    assert planned.returncode == 0, planned.stderr
    shown = subprocess.run(
        [TERRAFORM, "show", "-json", "made.tfplan"], cwd=variables, check=True, capture_output=True, text=True
    )
    feeds = json.loads(shown.stdout)["planned_values"]["outputs"]["feeds"]["value"]
    assert len(feeds) == 10
    assert [name for name in feeds if name.endswith("ACCESS_POLICY")] == ["organizations/566099688680 ACCESS_POLICY"]
    assert {key: value for key, value in feeds["projects/shop-prod ORG_POLICY"].items() if key != "types"} == {
        "kind": "projects",
        "parent": "shop-prod",
        "content": "ORG_POLICY",
        "id": "setpoint-org-policy",
    }


@pytest.mark.skipif(not TERRAFORM, reason="terraform is not installed: the variables are not tried")
@pytest.mark.parametrize(
    ("value", "place", "expected"),
    [
        ("{}", ["", ""], []),
        (
            '{ enabled = true, within = "folders/12", resources = ["storage.googleapis.com/Bucket"] }',
            ["folders", "12"],
            ["storage.buckets.get", "storage.buckets.update"],
        ),
        (
            '{ enabled = true, within = "projects/shop-prod", policies = ["storage.googleapis.com/Bucket"] }',
            ["projects", "shop-prod"],
            ["storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"],
        ),
    ],
    ids=["off", "resources", "policies"],
)
def test_the_role_lists_what_the_named_types_ask_for_and_nothing_while_it_is_off(tmp_path, value, place, expected):
    computed = locals_of("remediation.tf")
    outputs = "".join(f'output "{name}" {{\n  value = local.{name}\n}}\n' for name in ("granted", "place", "in_org"))
    (tmp_path / "main.tf").write_text(computed + "\n" + outputs)
    for name in ("variables.tf", "permissions.json"):
        shutil.copy(INFRA / name, tmp_path)
    subprocess.run([TERRAFORM, "init", "-input=false"], cwd=tmp_path, check=True, capture_output=True)
    planned = plan(tmp_path, {**GOOD, "remediation": value, "remediation_role_in": '"566099688680"'})
    assert planned.returncode == 0, planned.stderr
    shown = subprocess.run(
        [TERRAFORM, "show", "-json", "made.tfplan"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    values = {key: output["value"] for key, output in json.loads(shown.stdout)["planned_values"]["outputs"].items()}
    assert values == {"granted": expected, "place": place, "in_org": value != "{}"}


def test_null_is_no_value_of_a_variable_but_where_it_is_the_default():
    """A root of somebody's own hands on variables that may be null: the defaults hold then."""
    for block in CODE.named("variable"):
        expected = None if block.attributes.get("default") == "null" else "false"
        assert block.attributes.get("nullable") == expected, block.labels[0]


@pytest.mark.skipif(not TERRAFORM, reason="terraform is not installed: the variables are not tried")
def test_a_bad_value_of_any_variable_is_refused_with_its_message(variables):
    refused = plan(variables, BAD)
    refusal = " ".join(re.sub(r"[│╷╵]", " ", refused.stderr).split())
    messages = [
        strings(check.attributes["error_message"])[0]
        for block in CODE.named("variable")
        for check in block.named("validation")
    ]
    assert len(messages) > 10
    assert [message for message in messages if message not in refusal] == []


def test_the_messages_that_scheduler_sends_are_those_that_a_sweep_reads(tmp_path):
    """As Terraform computes them, where it is installed."""
    if not TERRAFORM:
        pytest.skip("terraform is not installed: the messages are not computed")
    shutil.copy(INFRA / "variables.tf", tmp_path)
    computed = locals_of("feeds.tf") + "\n" + locals_of("schedule.tf")
    shown_as = '\noutput "messages" {\n  value = { for name, job in local.jobs : name => jsonencode(job.message) }\n}\n'
    (tmp_path / "main.tf").write_text(computed + shown_as)
    subprocess.run([TERRAFORM, "init", "-input=false"], cwd=tmp_path, check=True, capture_output=True)
    planned = plan(tmp_path, GOOD)
    assert planned.returncode == 0, planned.stderr
    shown = subprocess.run(
        [TERRAFORM, "show", "-json", "made.tfplan"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    messages = json.loads(shown.stdout)["planned_values"]["outputs"]["messages"]["value"]
    begun = decode_message(messages["sweep"].encode())
    assert set(begun.scopes) == {"organizations/566099688680", "folders/918177713511", "projects/shop-prod"}
    assert set(begun.contents) == set(LISTED)
    assert len(begun.types) > 30
    assert decode_message(messages["heal"].encode()) == PendingWork()
