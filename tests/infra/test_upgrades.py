"""Today's module on the states of versions before: nothing that holds data is destroyed or replaced.

``states/`` has a state of each version with everything switched on, and one of what is not released yet.
``SETPOINT_WRITE_STATE=unreleased pytest tests/infra/test_upgrades.py`` writes that again when the module makes more;
with the number of a version it writes that of a release, once.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

import setpoint
from infra.blocks import CODE, ROOT, TERRAFORM
from infra.options import BASE, EVERYTHING
from infra.workspace import Workspace, addresses_in

pytestmark = pytest.mark.skipif(not TERRAFORM, reason="NO TERRAFORM: upgrades of infra/ are not planned")

STATES = Path(__file__).with_name("states")
HOLD_DATA = {
    "google_bigquery_dataset",
    "google_bigquery_table",
    "google_firestore_database",
    "google_kms_crypto_key",
    "google_pubsub_subscription",
    "google_pubsub_topic",
    "google_secret_manager_secret",
    "google_storage_bucket",
}
ON = {**BASE, **EVERYTHING}


def read(version: Path) -> dict[str, Any]:
    return json.loads(gzip.decompress(version.read_bytes()))


def lost(module: Workspace, state: dict[str, Any], *options: str) -> list[str]:
    """What holds data and would be destroyed or replaced."""
    module.put_state(state)
    module.set(ON)
    going = [change for change in module.planned_changes("-refresh=false", *options) if change.action in _GOING]
    return [
        change.address
        for change in going
        if change.address.partition(".")[0] in HOLD_DATA and change.address not in views(state)
    ]


_GOING = ("delete", "replace")


def views(state: dict[str, Any]) -> set[str]:
    """The addresses of tables that hold nothing: views."""
    tables = [resource for resource in state["resources"] if resource["type"] == "google_bigquery_table"]
    shown = [
        {**table, "instances": [instance for instance in table["instances"] if instance["attributes"]["view"]]}
        for table in tables
    ]
    return addresses_in({"resources": shown})


def moved_back(state: dict[str, Any]) -> dict[str, Any]:
    """A state with all that moved.tf tells of where it was before."""
    before = {block.attributes["to"]: block.attributes["from"] for block in CODE.named("moved")}
    split = re.compile(r'(\w+)\.(\w+)(?:\["([\w-]+)"\])?')
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for resource in state["resources"]:
        for instance in resource["instances"]:
            address = f'{resource["type"]}.{resource["name"]}["{instance.get("index_key")}"]'
            place = split.fullmatch(before[address]).groups() if address in before else None
            kind, name, key = place or (resource["type"], resource["name"], instance.get("index_key"))
            plain = {name: value for name, value in instance.items() if name != "index_key"}
            group = kept.setdefault((kind, name), {**resource, "type": kind, "name": name, "instances": []})
            group.pop("each", None)
            group["instances"].append({**plain, **({} if key is None else {"index_key": key})})
    return {**state, "resources": list(kept.values())}


@pytest.mark.skipif(not os.environ.get("SETPOINT_WRITE_STATE"), reason="a state is written when it is asked for")
def test_the_state_of_a_version_is_written(module):
    module.apply(ON)
    written = STATES / f"{os.environ['SETPOINT_WRITE_STATE']}.json.gz"
    written.write_bytes(gzip.compress(module.state(), mtime=0))


def test_the_newest_state_has_all_that_holds_data_today(planned_everything):
    """Otherwise an upgrade from the installation of today would not be tried."""
    planned = {
        resource["address"]
        for resource in planned_everything["planned_values"]["root_module"]["resources"]
        if resource["type"] in HOLD_DATA
    }
    assert planned - addresses_in(read(STATES / "unreleased.json.gz")) == set()


@pytest.mark.parametrize("version", sorted(STATES.glob("*.json.gz")), ids=lambda path: path.name)
def test_an_upgrade_destroys_and_replaces_nothing_that_holds_data(module, version):
    assert lost(module, read(version)) == []


def settings(state: dict[str, Any]) -> dict[str, set[str]]:
    """The settings of each function."""
    functions = (resource for resource in state["resources"] if resource["type"] == "google_cloudfunctions2_function")
    configured = {
        instance["index_key"]: instance["attributes"]["service_config"][0]
        for resource in functions
        for instance in resource["instances"]
    }
    return {
        name: {*config["environment_variables"], *(entry["key"] for entry in config["secret_environment_variables"])}
        for name, config in configured.items()
    }


def test_each_setting_that_a_function_did_not_have_before_is_in_the_docs_of_the_upgrade():
    before, now = (settings(read(STATES / f"{name}.json.gz")) for name in ("v0.1.0", "unreleased"))
    new = {setting for function, names in now.items() for setting in names - before[function]}
    table = (ROOT / "docs/upgrading.md").read_text().partition("## Settings of functions")[2].partition("\n## ")[0]
    assert "SETPOINT_DECLARATIONS_BUCKET" in new
    assert set(re.findall(r"`([A-Z_]+)`", table)) == new


def test_what_moved_before_this_version_is_kept_where_it_is(module):
    state = read(STATES / f"v{setpoint.__version__}.json.gz")
    before = moved_back(state)
    names = {(resource["type"], resource["name"]) for resource in before["resources"]}
    assert ("google_pubsub_subscription", "notify") in names
    assert lost(module, before) == []


def test_a_topic_with_another_name_is_found_with_its_subscriptions(module):
    state = read(STATES / f"v{setpoint.__version__}.json.gz")
    (topic,) = [resource for resource in state["resources"] if resource["name"] == "drift_events"
                and resource["type"] == "google_pubsub_topic"]  # fmt: skip
    topic["instances"][0]["attributes"]["name"] = "drift"
    replaced = lost(module, state, "-target=google_pubsub_subscription.drift_events")
    assert replaced == ["google_pubsub_subscription.drift_events", "google_pubsub_topic.drift_events"]


def test_destroying_leaves_what_is_protected(planned_everything):
    resources = {}
    for resource in planned_everything["planned_values"]["root_module"]["resources"]:
        resources.setdefault(resource["type"], []).append(resource["values"])
    (database,) = resources["google_firestore_database"]
    assert (database["delete_protection_state"], database["deletion_policy"]) == (
        "DELETE_PROTECTION_ENABLED",
        "ABANDON",
    )
    assert {table["deletion_protection"] for table in resources["google_bigquery_table"] if not table["view"]} == {True}
    forced = {bucket["name"] for bucket in resources["google_storage_bucket"] if bucket["force_destroy"]}
    assert forced == {"fleet-ops-setpoint-source"}
    (dataset,) = resources["google_bigquery_dataset"]
    assert not dataset["delete_contents_on_destroy"]
