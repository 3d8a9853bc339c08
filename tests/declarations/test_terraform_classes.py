"""What a Terraform state or plan declares of an attribute, by the class that the provider's schema gives it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from setpoint.catalog import terraform_types
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.readers import terraform
from setpoint.declarations.readers.documents import Document
from setpoint.detection import verdict
from setpoint.detection.suppressions import UNDECLARED_CHANGE
from setpoint.model.declaration import Declaration, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project
from setpoint.remediation.merge import record

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOGLE = "registry.terraform.io/hashicorp/google"
FIREWALL = {
    "name": "web",
    "project": "fleet-shop",
    "network": "core",
    "allow": [{"protocol": "tcp", "ports": ["443"]}],
    "deny": [],
    "description": "",
    "direction": "INGRESS",
    "disabled": False,
    "log_config": [],
    "priority": 1000,
    "source_ranges": ["203.0.113.0/24"],
    "source_tags": [],
    "creation_timestamp": "2026-01-01T00:00:00Z",
    "deletion_policy": "DELETE",
}
LIVE: dict[str, Any] = {
    "name": "web",
    "network": "https://www.googleapis.com/compute/v1/projects/fleet-shop/global/networks/core",
    "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}],
    "direction": "INGRESS",
    "priority": 1000,
    "logConfig": {"enable": False},
    "sourceRanges": ["203.0.113.0/24"],
    "creationTimestamp": "2026-09-09T09:09:09Z",
}


def declared(kind: str, values: dict[str, Any], written: dict[str, Any] | None = None) -> Declaration:
    """The declaration of one resource: of a state, or of a plan where it is told what is written."""
    resource = {"address": f"{kind}.a", "mode": "managed", "type": kind, "name": "a", "provider_name": GOOGLE}
    root = {"root_module": {"resources": [resource | {"values": values}]}}
    document: dict[str, Any] = {"format_version": "1.0", "values": root}
    if written is not None:
        module = {"resources": [resource | {"expressions": written}]}
        document = {"format_version": "1.2", "planned_values": root, "configuration": {"root_module": module}}
    loaded = terraform.read(Document("s.json", 1, 0, document, "", 1))
    assert not loaded.problems
    [translated] = loaded.translated
    return translated.declaration


def judged(declaration: Declaration, live: dict[str, Any]) -> verdict.Verdict:
    observation = Observation(declaration.key, declaration.asset_type, NOW, data=live)
    judgement = verdict.judge(desired((declaration,)), Rules(), observation, default_catalogue())
    assert isinstance(judgement, verdict.Verdict)
    return judgement


def paths(declaration: Declaration, live: dict[str, Any]) -> list[str]:
    return [difference.path for difference in judged(declaration, live).differences]


def test_a_state_is_in_sync_with_what_the_api_answers_of_it() -> None:
    assert paths(declared("google_compute_firewall", FIREWALL), LIVE) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"allowed": [{"IPProtocol": "udp", "ports": ["443"]}]}, "allowed"),
        ({"allowed": [{"IPProtocol": "tcp", "ports": ["443", "22"]}]}, "allowed"),
        ({"description": "opened by hand"}, "description"),
        ({"denied": [{"IPProtocol": "all"}]}, "denied"),
        ({"logConfig": {"enable": True}}, "logConfig.enable"),
        ({"disabled": True}, "disabled"),
        ({"sourceTags": ["office"]}, "sourceTags"),
    ],
)
def test_what_an_author_leaves_out_is_declared_to_be_absent(change: dict[str, Any], path: str) -> None:
    differing = paths(declared("google_compute_firewall", FIREWALL), LIVE | change)
    assert len(differing) >= 1
    assert all(path_.startswith(path) for path_ in differing)


def test_an_attribute_that_an_older_provider_does_not_have_says_nothing() -> None:
    values = {name: value for name, value in FIREWALL.items() if name != "description"}
    assert paths(declared("google_compute_firewall", values), LIVE | {"description": "x"}) == []


def test_what_only_the_service_writes_is_not_compared() -> None:
    values = {"name": "c", "project": "fleet-shop", "type": "TCP", "tcp_health_check": [{"port": 80}]}
    declaration = declared("google_compute_health_check", values)
    assert "type" not in declaration.data


NETWORK = {"name": "core", "project": "fleet-shop", "routing_mode": "REGIONAL", "auto_create_subnetworks": False}
LIVE_NETWORK = {"name": "core", "autoCreateSubnetworks": False, "routingConfig": {"routingMode": "REGIONAL"}}
CHANGED_NETWORK = LIVE_NETWORK | {"routingConfig": {"routingMode": "GLOBAL"}}


def test_a_change_of_what_a_state_only_recorded_is_kept_and_is_no_drift() -> None:
    judgement = judged(declared("google_compute_network", NETWORK), CHANGED_NETWORK)
    assert judgement.kind is None
    [kept] = judgement.suppressed
    assert kept.rule.endswith(UNDECLARED_CHANGE)
    assert kept.difference is not None
    assert kept.difference.kind == "undeclared_change"


def test_the_same_change_is_drift_where_the_configuration_writes_the_attribute() -> None:
    written = {"name": {"constant_value": "core"}, "routing_mode": {"constant_value": "REGIONAL"}}
    assert paths(declared("google_compute_network", NETWORK, written), CHANGED_NETWORK) == ["routingConfig.routingMode"]


def test_a_value_that_is_not_the_usual_one_counts_as_written_in_a_state() -> None:
    declaration = declared("google_compute_network", NETWORK | {"routing_mode": "GLOBAL"})
    assert paths(declaration, LIVE_NETWORK) == ["routingConfig.routingMode"]


def test_a_severe_undeclared_change_is_reported_and_never_remediated() -> None:
    values = {"name": "b", "location": "EU", "public_access_prevention": "inherited", "project": "fleet-shop"}
    declaration = declared("google_storage_bucket", values)
    live = {"name": "b", "location": "EU", "iamConfiguration": {"publicAccessPrevention": "enforced"}}
    judgement = judged(declaration, live)
    assert [difference.kind for difference in judgement.differences] == ["undeclared_change"]
    assert judgement.mode in {"off", "alert"}


def test_labels_of_others_are_no_drift_and_a_changed_label_is() -> None:
    values = {"name": "t", "project": "fleet-shop", "labels": {"team": "a"}, "effective_labels": {"team": "a"}}
    declaration = declared("google_pubsub_topic", values)
    assert paths(declaration, {"name": "t", "labels": {"team": "a", "goog-x": "1", "cost": "2"}}) == []
    assert paths(declaration, {"name": "t", "labels": {"team": "b"}}) == ["labels.team"]


def test_a_zero_that_the_provider_writes_for_none_declares_no_zero() -> None:
    condition = {"age": 30, "days_since_custom_time": 0}
    rule = {"action": [{"type": "Delete"}], "condition": [condition]}
    declaration = declared("google_storage_bucket", {"name": "b", "location": "EU", "lifecycle_rule": [rule]})
    [placed] = declaration.data["lifecycle"]["rule"]
    assert placed["condition"] == {"age": 30, "daysSinceCustomTime": None}


@pytest.mark.parametrize(("state", "is_live"), [("LIVE", True), ("ARCHIVED", False), ("ANY", None)])
def test_a_bucket_is_declared_in_the_words_of_the_api(state: str, is_live: bool | None) -> None:
    rule = {"action": [{"type": "Delete"}], "condition": [{"age": 3, "with_state": state}]}
    values = {"name": "b", "location": "EU", "enable_object_retention": True, "lifecycle_rule": [rule]}
    declaration = declared("google_storage_bucket", values)
    assert declaration.data["lifecycle"]["rule"][0]["condition"] == {"age": 3, "isLive": is_live}
    assert declaration.data["objectRetention"] == {"mode": "Enabled"}
    live = {"name": "b", "location": "EU", "objectRetention": {"mode": "Enabled"}}
    lived = {"age": 3} if is_live is None else {"age": 3, "isLive": is_live}
    live["lifecycle"] = {"rule": [{"action": {"type": "Delete"}, "condition": lived}]}
    assert paths(declaration, live) == []


def test_an_attribute_that_is_declared_to_be_absent_is_removed_again() -> None:
    declaration = declared("google_compute_firewall", FIREWALL)
    schema = default_catalogue().schema_for(declaration.asset_type)
    own = own_project("fleet-shop", Observation(declaration.key, declaration.asset_type, NOW, data=LIVE))
    recording = record(declaration.data, LIVE | {"description": "x"}, schema, own, null_is_absent=True)
    assert [(change.difference.path, change.difference.op) for change in recording.changes] == [
        ("description", "unexpected")
    ]


def test_a_secret_of_the_provider_s_schema_is_not_in_the_declaration() -> None:
    values = {"name": "u", "instance": "i", "project": "fleet-shop", "host": "", "root_password": "hunter2"}
    declaration = declared("google_sql_database_instance", values | {"database_version": "POSTGRES_16"})
    assert "hunter2" not in repr(declaration)


def test_the_table_accounts_for_every_attribute_of_every_type() -> None:
    names = terraform_types.names()
    assert len(names) > 900
    unmapped = {
        f"{name}.{attribute}"
        for name in names
        for attribute, entry in (terraform_types.of(name) or terraform_types.TerraformType({})).attributes.items()
        if entry.reason == "unmapped"
    }
    assert len(unmapped) <= 10


TOPIC: dict[str, Any] = {"name": "t", "project": "fleet-shop", "message_retention_duration": None, "labels": None}


@pytest.mark.parametrize("written", [None, {"name": {"constant_value": "t"}}], ids=["state", "plan"])
def test_null_of_an_attribute_that_is_the_authors_alone_declares_absence(written: dict[str, Any] | None) -> None:
    topic = declared("google_pubsub_topic", TOPIC, written)
    assert paths(topic, {"messageRetentionDuration": "86400s"}) == ["messageRetentionDuration"]
    assert paths(topic, {}) == []
    assert paths(topic, {"labels": {"managed-by": "a-controller"}}) == []


def test_null_of_an_attribute_that_the_service_may_choose_declares_nothing_in_a_plan() -> None:
    network = declared("google_compute_network", {"name": "n", "project": "fleet-shop", "mtu": None}, {"name": {}})
    assert paths(network, {"mtu": 1500}) == []


@pytest.mark.parametrize("switch", [None, False])
def test_a_zero_that_the_provider_leaves_out_declares_absence(switch: bool | None) -> None:
    condition = {"age": 30, "num_newer_versions": 0, "send_num_newer_versions_if_zero": switch}
    rule = {"action": [{"type": "Delete"}], "condition": [condition]}
    bucket = declared("google_storage_bucket", {"name": "b", "project": "fleet-shop", "lifecycle_rule": [rule]})
    live = {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]}}
    assert paths(bucket, live) == []
    live["lifecycle"]["rule"][0]["condition"]["numNewerVersions"] = 3
    assert paths(bucket, live) == ["lifecycle.rule[0].condition.numNewerVersions"]


def test_a_zero_that_the_provider_sends_is_declared() -> None:
    condition = {"age": 30, "num_newer_versions": 0, "send_num_newer_versions_if_zero": True}
    rule = {"action": [{"type": "Delete"}], "condition": [condition]}
    bucket = declared("google_storage_bucket", {"name": "b", "project": "fleet-shop", "lifecycle_rule": [rule]})
    live = {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]}}
    assert paths(bucket, live) == ["lifecycle.rule[0].condition.numNewerVersions"]
