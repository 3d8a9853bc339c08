"""Who may do what: no more than the code asks for."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import pytest

from infra.blocks import INFRA, ROOT, environment, granted, local, pushes_of, typed, who, who_is_called, whose
from infra.hcl import entries, strings
from setpoint.alerting import repository
from setpoint.operations import record_problem_log


@pytest.mark.parametrize("function", sorted(entries(local("functions"))))
def test_a_function_may_publish_to_every_topic_that_it_is_told_of_and_to_no_other(function):
    published_to = {
        re.search(r"google_pubsub_topic\.\w+", value)[0]
        for variable, value in environment(function).items()
        if variable.endswith("_TOPIC")
    }
    may = {
        re.search(r"google_pubsub_topic\.\w+", block.attributes["topic"])[0]
        for block in granted("google_pubsub_topic_iam_member", "roles/pubsub.publisher")
        if function in who(block) and "google_service_account.function" in whose(block)
    }
    assert may == published_to


def test_whatever_pushes_to_a_function_may_call_it_and_its_dead_letters_may_be_taken_off():
    pushed, dying = set(), set()
    for used, block in typed():
        if used == "google_pubsub_subscription":
            pushed |= pushes_of(block)
            if block.named("dead_letter_policy"):
                dying.add(block.labels[1])
    invokers = granted("google_cloud_run_v2_service_iam_member", "roles/run.invoker")
    calls = {
        name
        for block in invokers
        if "service_account.push" in block.attributes["member"]
        for name in who_is_called(block)
    }
    takers = granted("google_pubsub_subscription_iam_member", "roles/pubsub.subscriber")
    taken = {
        name
        for block in takers
        for name in re.findall(
            r"google_pubsub_subscription\.(\w+)",
            block.attributes["subscription"] + block.attributes.get("for_each", ""),
        )
    }
    assert pushed == calls
    assert dying <= taken


def test_the_fields_that_are_not_indexed_are_those_that_the_adapter_stores_and_never_asks_for():
    sweeps = (ROOT / "shared/setpoint/adapters/firestore/sweeps.py").read_text()
    adapter = (ROOT / "shared/setpoint/adapters/firestore/store.py").read_text()
    documents = (ROOT / "shared/setpoint/adapters/firestore/documents.py").read_text()
    control = (ROOT / "shared/setpoint/adapters/firestore/control.py").read_text()
    collections = set(re.findall(r'collection\("(\w+)"\)', adapter + sweeps + control)) | {
        record_problem_log.KIND,
        *repository.KINDS,
    }
    asked = set(re.findall(r'FieldFilter\("(\w+)"', adapter))
    stored = {
        key.value
        for node in (*ast.walk(ast.parse(adapter)), *ast.walk(ast.parse(documents)))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    } | set(re.findall(r'more\["(\w+)"\]', adapter))

    unindexed = {collection: set(strings(fields)) for collection, fields in entries(local("unindexed")).items()}

    assert asked == {"status", "pending", "due", "reading_due", "remediation_due", "suppressed", "finding"}
    assert set(unindexed) == collections - {"manifests", "runs"}  # whose documents have no fields, only parts
    assert unindexed["findings"] == stored - asked - unindexed["projects"] - {"expires"}  # its TTL field has no index
    others = {
        collection: fields for collection, fields in unindexed.items() if collection not in ("findings", "projects")
    }
    assert all(fields == {"body"} for fields in others.values())


def test_the_permissions_are_those_that_the_code_asks_for():
    written = subprocess.run(
        [sys.executable, "-c", "import json, permissions; print(json.dumps(permissions.permissions()))"],
        cwd=INFRA,
        check=True,
        capture_output=True,
    )
    assert json.loads((INFRA / "permissions.json").read_text()) == json.loads(written.stdout)
