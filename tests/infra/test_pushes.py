"""What is pushed to which function, as Terraform computes it, and that installations keep what has moved."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.blocks import CODE, INFRA, TERRAFORM, functions_pushed_to, local, pushes, typed
from infra.hcl import Block
from infra.test_variables import GOOD, plan

WEEK, DAY, MINUTES = "604800s", "86400s", "600s"
COMMON = {"filter": None, "ordered": False, "retention": WEEK, "backoff": "10s"}
EVENTS = 'attributes.type = "drift.opened" OR attributes.type = "drift.changed"'
SWEEP = {"sweep": {"function": "sweep", **COMMON}, "uploads": {"function": "sync", **COMMON}}
NOTIFY = {
    "notify": {"function": "notify", **COMMON, "ordered": True},
    "notify-ticks": {"function": "notify", **COMMON, "retention": MINUTES},
}
PRESS = {"slack-actions": {"function": "notify", **COMMON}}
REMEDIATE = {
    "remediate": {"function": "remediate", **COMMON, "filter": EVENTS},
    "remediate-ticks": {"function": "remediate", **COMMON, "retention": MINUTES},
}
ATTRIBUTE = {"attribute": {"function": "attribute", **COMMON}}
REPORT = {"report": {"function": "report", **COMMON, "retention": DAY, "backoff": "60s"}}
STATES = {"state-changes": {"function": "sync", **COMMON}}
ON = {
    "state_buckets": "{ acme = { everywhere = true } }",
    "alerts": "{ enabled = true }",
    "attribution": "{ enabled = true }",
    "remediation": '{ enabled = true, within = "folders/12", resources = ["storage.googleapis.com/Bucket"] }',
    "reports": "{ enabled = true }",
}


def resource(kind: str, name: str) -> Block:
    (blocks,) = [block for used, block in typed() if used == kind and block.labels[1] == name]
    return blocks


def stand_in(text: str) -> str:
    """An expression with something that needs no provider, and has an id only once it is made, for each resource."""
    return re.sub(r"google_pubsub_(topic|subscription)\.", r"terraform_data.\1_", text)


def made_for_each(name: str, each: str, more: str = "") -> str:
    return f'resource "terraform_data" "{name}" {{\n  for_each = {stand_in(each)}\n{more}}}\n'


@pytest.fixture(scope="module")
def pushing(tmp_path_factory) -> Path:
    """Topics, pushes and grants as a module that needs no provider."""
    folder = tmp_path_factory.mktemp("pushes")
    shutil.copy(INFRA / "variables.tf", folder)
    used = {"week", "attribution", "notify", "press", "remediation", "reports", "pushes"}
    used |= set(re.findall(r"local\.(\w+_pushes)", local("pushes")))
    lines = ["locals {", *(f"  {name} = {stand_in(local(name))}" for name in sorted(used)), "}"]
    for kind, block in typed():
        if kind == "google_pubsub_topic":
            number = {name: text for name, text in block.attributes.items() if name in ("count", "for_each")}
            of = [f"  {name} = {text}" for name, text in number.items()]
            lines += [f'resource "terraform_data" "topic_{block.labels[1]}" {{', *of, "}"]
    lines.append('resource "terraform_data" "subscription_detect" {\n}')
    push = resource("google_pubsub_subscription", "push").attributes["for_each"]
    lines.append(made_for_each("subscription_push", push, "  input = each.value\n"))
    for kind, name, shown in (
        ("google_pubsub_subscription_iam_member", "dead_letters_by_pubsub", "dead_letters"),
        ("google_cloud_run_v2_service_iam_member", "push", "called"),
    ):
        lines.append(made_for_each(shown, resource(kind, name).attributes["for_each"]))
    (folder / "main.tf").write_text("\n".join(lines))
    subprocess.run([TERRAFORM, "init", "-input=false"], cwd=folder, check=True, capture_output=True)
    return folder


def planned(folder: Path, values: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What would be made, by stand-in and key."""
    ran = plan(folder, {**GOOD, **values})
    assert ran.returncode == 0, ran.stderr
    shown = subprocess.run(
        [TERRAFORM, "show", "-json", "made.tfplan"], cwd=folder, check=True, capture_output=True, text=True
    )
    by_name: dict[str, dict[str, Any]] = {}
    for resource in json.loads(shown.stdout)["planned_values"]["root_module"]["resources"]:
        by_name.setdefault(resource["name"], {})[resource.get("index", "")] = resource["values"].get("input")
    return by_name


@pytest.mark.skipif(not TERRAFORM, reason="terraform is not installed: the pushes are not computed")
@pytest.mark.parametrize(
    ("switched_on", "expected"),
    [
        ({}, SWEEP),
        ({"attribution": ON["attribution"]}, SWEEP | ATTRIBUTE),
        ({"alerts": ON["alerts"]}, SWEEP | NOTIFY | PRESS),
        ({"alerts": "{ enabled = true, buttons = false }"}, SWEEP | NOTIFY),
        ({"remediation": ON["remediation"]}, SWEEP | REMEDIATE),
        ({"reports": ON["reports"]}, SWEEP | REPORT),
        ({"state_buckets": ON["state_buckets"]}, SWEEP | STATES),
        (ON, SWEEP | ATTRIBUTE | NOTIFY | PRESS | REMEDIATE | REPORT | STATES),
    ],
    ids=[
        "nothing",
        "attribution",
        "alerts",
        "alerts without buttons",
        "remediation",
        "reports",
        "states",
        "everything",
    ],
)
def test_what_is_switched_on_is_pushed_may_be_called_and_has_its_dead_letters_taken_off(pushing, switched_on, expected):
    """Nothing has an id yet: the keys are known all the same, as they have to be."""
    made = planned(pushing, switched_on)
    assert made["subscription_push"] == expected
    assert made["called"].keys() == {"detect", *(push["function"] for push in expected.values())}
    assert made["dead_letters"].keys() == {"detect", *expected}


def test_what_all_pushes_have_in_common_is_said_once():
    push = resource("google_pubsub_subscription", "push")
    assert push.attributes["name"] == "each.key"
    assert push.attributes["topic"] == "each.value.topic"
    assert push.attributes["ack_deadline_seconds"] == "local.functions[each.value.function].size.timeout_seconds"
    (config,) = push.named("push_config")
    assert config.attributes["push_endpoint"].endswith('.service_config[0].uri}/${each.value.topic}"')
    (retry,) = push.named("retry_policy")
    assert retry.attributes == {"minimum_backoff": "each.value.backoff", "maximum_backoff": '"600s"'}


def test_what_has_moved_is_no_longer_where_it_was_and_is_where_it_moved_to():
    moved = [(block.attributes["from"], block.attributes["to"]) for block in CODE.named("moved")]
    there = {f"{used}.{block.labels[1]}" for used, block in typed()}
    keys = {
        "google_pubsub_subscription.push": set(pushes()),
        "google_pubsub_subscription_iam_member.dead_letters_by_pubsub": {"detect", *pushes()},
        "google_cloud_run_v2_service_iam_member.push": {"detect", *functions_pushed_to()},
    }
    arrived: dict[str, set[str]] = {}
    for before, after in moved:
        address, key = re.fullmatch(r'([\w.]+)\["([\w-]+)"\]', after).groups()
        assert before.partition("[")[0] not in there
        assert before.partition(".")[0] == after.partition(".")[0]
        assert before.endswith((f'["{key}"]', f".{key}"))
        assert key in keys[address]
        arrived.setdefault(address, set()).add(key)
    assert len({before for before, _ in moved}) == len({after for _, after in moved}) == len(moved)
    subscriptions, dead_letters, callers = (arrived[address] for address in keys)
    assert subscriptions == {"sweep", "attribute", *NOTIFY, *PRESS, *REMEDIATE, "report"}
    assert dead_letters == subscriptions - {"sweep"}  # whose were at the address already, as those of detect
    assert callers == {"attribute", "notify", "remediate", "report"}
