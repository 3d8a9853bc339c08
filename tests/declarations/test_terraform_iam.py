from __future__ import annotations

import json
from typing import Any

import pytest

from setpoint.comparison import iam_policies
from setpoint.declarations.readers import terraform
from setpoint.declarations.readers.documents import Document
from setpoint.declarations.readers.terraform import TerraformLoaded
from setpoint.model.severity import severity

TEAM = "group:ops@example.com"


def load(kind: str, values: dict[str, Any]) -> TerraformLoaded:
    resource = {"address": f"{kind}.x", "mode": "managed", "type": kind, "name": "x", "values": values}
    resource["provider_name"] = "registry.terraform.io/hashicorp/google"
    value = {"format_version": "1.0", "values": {"root_module": {"resources": [resource]}}}
    document = Document(file="state.json", line=1, position=0, value=value, text="", text_line=1)
    return terraform.read(document, project="fleet-shop")


@pytest.mark.parametrize(
    ("kind", "values", "name"),
    [
        ("google_project_iam_member", {}, "//cloudresourcemanager.googleapis.com/projects/fleet-shop"),
        ("google_folder_iam_member", {"folder": "folders/7"}, "//cloudresourcemanager.googleapis.com/folders/7"),
        ("google_organization_iam_member", {"org_id": "5"}, "//cloudresourcemanager.googleapis.com/organizations/5"),
        ("google_storage_bucket_iam_member", {"bucket": "b/orders"}, "//storage.googleapis.com/orders"),
        ("google_pubsub_topic_iam_member", {"topic": "t"}, "//pubsub.googleapis.com/projects/fleet-shop/topics/t"),
        (
            "google_service_account_iam_member",
            {"service_account_id": "projects/fleet-shop/serviceAccounts/ci@x.example"},
            "//iam.googleapis.com/projects/fleet-shop/serviceAccounts/ci@x.example",
        ),
        (
            "google_compute_instance_iam_member",
            {"instance_name": "vm", "zone": "us-east1-b"},
            "//compute.googleapis.com/projects/fleet-shop/zones/us-east1-b/instances/vm",
        ),
        (
            "google_kms_crypto_key_iam_member",
            {"crypto_key_id": "projects/p/locations/eu/keyRings/r/cryptoKeys/k"},
            "//cloudkms.googleapis.com/projects/p/locations/eu/keyRings/r/cryptoKeys/k",
        ),
        (
            "google_kms_key_ring_iam_member",
            {"key_ring_id": "eu/ring"},
            "//cloudkms.googleapis.com/projects/fleet-shop/locations/eu/keyRings/ring",
        ),
    ],
)
def test_a_grant_is_declared_on_the_resource_that_it_is_about(kind: str, values: dict[str, Any], name: str) -> None:
    [translated] = load(kind, {"role": "roles/viewer", "member": TEAM, "condition": [], **values}).translated
    assert translated.declaration.key.name == name
    assert translated.declaration.key.content == "iam_policy"
    assert translated.declaration.authority == "member"
    assert translated.declaration.data == {"bindings": [{"role": "roles/viewer", "members": [TEAM]}]}


def test_a_binding_owns_its_role_and_a_policy_all() -> None:
    binding = {"topic": "t", "role": "roles/viewer", "members": [TEAM]}
    [owned] = load("google_pubsub_topic_iam_binding", binding).translated
    assert owned.declaration.authority == "role"
    policy = json.dumps({"bindings": [{"role": "roles/viewer", "members": [TEAM]}]})
    [whole] = load("google_pubsub_topic_iam_policy", {"topic": "t", "policy_data": policy}).translated
    assert whole.declaration.authority == "policy"
    live = {"bindings": [{"role": "roles/viewer", "members": []}]}
    [missing] = iam_policies.compare(owned.declaration.data, live, owned.declaration.authority)
    assert missing.op == "missing"
    assert owned.declared_path("bindings[0]") == "google_pubsub_topic_iam_binding.x.members"


def test_the_condition_of_a_grant_is_a_part_of_it() -> None:
    condition = [{"title": "until May", "expression": "request.time < timestamp('2030-05-01T00:00:00Z')"}]
    values = {"topic": "t", "role": "roles/viewer", "member": TEAM, "condition": condition}
    [translated] = load("google_pubsub_topic_iam_member", values).translated
    assert translated.declaration.data["bindings"][0]["condition"] == condition[0]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("google_pubsub_topic_iam_policy", {"topic": "t"}),
        ("google_pubsub_topic_iam_policy", {"topic": "t", "policy_data": "not json"}),
        ("google_pubsub_topic_iam_binding", {"topic": "t", "role": "roles/viewer"}),
        ("google_project_iam_audit_config", {"service": "allServices"}),
    ],
)
def test_what_is_not_known_of_a_policy_is_never_taken_for_nothing(kind: str, values: dict[str, Any]) -> None:
    loaded = load(kind, values)
    assert loaded.translated == []
    assert loaded.skipped == {kind: 1}


def audited(*exempted: str) -> dict[str, Any]:
    log = {"logType": "DATA_READ"} | ({"exemptedMembers": list(exempted)} if exempted else {})
    return {"bindings": [], "auditConfigs": [{"service": "allServices", "auditLogConfigs": [log]}]}


@pytest.mark.parametrize(
    ("live", "op"),
    [({"bindings": []}, "missing"), (audited("user:ann@example.com"), "changed"), (audited(), "")],
)
def test_logging_that_is_switched_off_or_somebody_exempted_from_it_is_critical(live: dict[str, Any], op: str) -> None:
    values = {"service": "allServices", "audit_log_config": [{"log_type": "DATA_READ", "exempted_members": []}]}
    [translated] = load("google_project_iam_audit_config", values).translated
    differences = iam_policies.compare(translated.declaration.data, live, translated.declaration.authority)
    assert [difference.op for difference in differences] == ([op] if op else [])
    assert not differences or severity("modified", "iam_policy", differences) == "critical"


def test_an_audit_config_owns_its_service_and_a_policy_all_of_them() -> None:
    other = {"service": "storage.googleapis.com", "auditLogConfigs": [{"logType": "DATA_READ"}]}
    live = audited()
    live["auditConfigs"] = [*live["auditConfigs"], other]
    values = {"service": "allServices", "audit_log_config": [{"log_type": "DATA_READ"}]}
    [config] = load("google_project_iam_audit_config", values).translated
    assert iam_policies.compare(config.declaration.data, live, config.declaration.authority) == ()
    [whole] = load("google_pubsub_topic_iam_policy", {"topic": "t", "policy_data": json.dumps({})}).translated
    assert [difference.op for difference in iam_policies.compare(whole.declaration.data, live, "policy")] == [
        "unexpected",
        "unexpected",
    ]
