"""The manifests in infra/kubernetes: read-only but for Events, and commands that exist."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from setpoint.cli.commands import load_command

FOLDER = Path(__file__).resolve().parents[2] / "infra/kubernetes"


def documents(name: str):
    return [document for document in yaml.safe_load_all((FOLDER / name).read_text()) if document]


def test_the_cluster_is_only_listed_but_for_events():
    roles = {
        role["metadata"]["name"]: role["rules"] for role in documents("rbac.yaml") if role["kind"] == "ClusterRole"
    }
    assert {verb for rule in roles["setpoint-reads"] for verb in rule["verbs"]} == {"list"}
    groups = {group for rule in roles["setpoint-reads"] for group in rule["apiGroups"] if rule["resources"] == ["*"]}
    assert all(group.endswith(".cnrm.cloud.google.com") for group in groups)
    assert roles["setpoint-reports"] == [{"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]}]


def test_the_job_calls_options_that_there_are():
    (job,) = documents("cronjob.yaml")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    name, command, *options = container["command"]
    assert name == "setpoint"
    known = {option for parameter in load_command(command).params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


@pytest.mark.parametrize("name", ["rbac.yaml", "cronjob.yaml"])
def test_each_document_is_a_whole_object(name):
    assert all({"apiVersion", "kind", "metadata"} <= document.keys() for document in documents(name))
