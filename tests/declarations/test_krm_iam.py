from __future__ import annotations

from typing import Any

import pytest

from setpoint.comparison import iam_policies
from setpoint.declarations.readers import krm
from setpoint.declarations.readers.documents import Document
from setpoint.declarations.readers.krm import Objects
from setpoint.declarations.readers.translation import Translated
from setpoint.model.declaration import clash

BUCKET = {"kind": "StorageBucket", "name": "exports"}
ACCOUNT = {
    "apiVersion": "iam.cnrm.cloud.google.com/v1beta1",
    "kind": "IAMServiceAccount",
    "metadata": {"name": "reader", "namespace": "orders-prod"},
}


def translated(kind: str, spec: dict[str, Any], *others: Any, group: str = "iam") -> Translated:
    value = {
        "apiVersion": f"{group}.cnrm.cloud.google.com/v1beta1",
        "kind": kind,
        "metadata": {"name": "x", "namespace": "orders-prod"},
        "spec": spec,
    }
    mapped = krm.read(
        Document(file="access.yaml", line=1, position=0, value=value, text="", text_line=1), Objects([value, *others])
    )
    assert isinstance(mapped, Translated), mapped
    return mapped


def test_a_policy_owns_all_grants_of_its_resource() -> None:
    bindings = [{"role": "roles/storage.admin", "members": ["group:ops@example.com"]}]
    mapped = translated("IAMPolicy", {"resourceRef": BUCKET, "bindings": bindings})
    declaration = mapped.declaration
    assert (declaration.key.name, declaration.key.content) == ("//storage.googleapis.com/exports", "iam_policy")
    assert declaration.asset_type == "storage.googleapis.com/Bucket"
    assert declaration.authority == "policy"
    assert declaration.data == {"bindings": bindings}
    assert (
        mapped.declared_path("bindings[role=roles/storage.admin].members[user:a@x.com]") == "spec.bindings[0].members"
    )


def test_a_policy_with_a_member_that_only_the_server_knows_owns_the_grants_that_it_names() -> None:
    """Otherwise the real member would be one that nobody declared."""
    members = [{"member": "group:ops@example.com"}, {"memberFrom": {"logSinkRef": {"name": "audit"}}}]
    mapped = translated(
        "IAMPolicy", {"resourceRef": BUCKET, "bindings": [{"role": "roles/viewer", "members": members}]}
    )
    assert mapped.declaration.authority == "member"
    assert mapped.declaration.data == {"bindings": [{"role": "roles/viewer", "members": ["group:ops@example.com"]}]}
    assert mapped.unchecked == ("spec.bindings[0].members[1]", "spec.bindings")
    live = {"bindings": [{"role": "roles/viewer", "members": ["group:ops@example.com", "serviceAccount:made@up.com"]}]}
    assert iam_policies.compare(mapped.declaration.data, live, mapped.declaration.authority) == ()


def test_a_partial_policy_owns_the_grants_that_it_names() -> None:
    mapped = translated(
        "IAMPartialPolicy",
        {
            "resourceRef": {"kind": "Project", "external": "projects/orders-prod"},
            "bindings": [
                {
                    "role": "roles/viewer",
                    "members": [
                        {"member": "group:ops@example.com"},
                        {"memberFrom": {"serviceAccountRef": {"name": "reader"}}},
                        {"memberFrom": {"logSinkRef": {"name": "audit"}}},
                    ],
                    "condition": {
                        "title": "until 2030",
                        "expression": "request.time < timestamp('2030-01-01T00:00:00Z')",
                    },
                }
            ],
        },
        ACCOUNT,
    )
    assert mapped.declaration.key.name == "//cloudresourcemanager.googleapis.com/projects/orders-prod"
    assert mapped.declaration.authority == "member"
    [binding] = mapped.declaration.data["bindings"]
    assert binding["members"] == [
        "group:ops@example.com",
        "serviceAccount:reader@orders-prod.iam.gserviceaccount.com",
    ]
    assert binding["condition"]["title"] == "until 2030"
    assert mapped.unchecked == ("spec.bindings[0].members[2]",)


def test_a_member_owns_one_grant_and_may_stand_beside_another() -> None:
    first, other = (
        translated("IAMPolicyMember", {"resourceRef": BUCKET, "role": "roles/viewer", "member": member}).declaration
        for member in ("user:a@example.com", "user:b@example.com")
    )
    assert first.data == {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.com"]}]}
    assert first.key == other.key
    assert not clash(first, other)


def test_a_member_that_only_the_server_knows_is_unchecked() -> None:
    spec = {"resourceRef": BUCKET, "role": "roles/viewer", "memberFrom": {"logSinkRef": {"name": "audit"}}}
    mapped = translated("IAMPolicyMember", spec)
    assert mapped.declaration.data == {"bindings": []}
    assert mapped.unchecked == ("spec.memberFrom",)


def test_an_audit_configuration_stands_beside_grants() -> None:
    logs = [{"logType": "DATA_READ"}]
    spec = {"resourceRef": BUCKET, "service": "storage.googleapis.com", "auditLogConfigs": logs}
    mapped = translated("IAMAuditConfig", spec).declaration
    assert mapped.data["auditConfigs"] == [{"service": "storage.googleapis.com", "auditLogConfigs": logs}]
    grant = translated("IAMPolicyMember", {"resourceRef": BUCKET, "role": "roles/viewer", "member": "user:a@x.com"})
    assert not clash(mapped, grant.declaration)


@pytest.mark.parametrize(
    ("reference", "name", "asset_type"),
    [
        (
            {"kind": "Project"},
            "//cloudresourcemanager.googleapis.com/projects/orders-prod",
            "cloudresourcemanager.googleapis.com/Project",
        ),
        (
            {"kind": "Organization", "external": "organizations/55"},
            "//cloudresourcemanager.googleapis.com/organizations/55",
            "cloudresourcemanager.googleapis.com/Organization",
        ),
        (
            {"kind": "BillingAccount", "external": "01ABCD-000000-FFFFFF"},
            "//cloudbilling.googleapis.com/billingAccounts/01ABCD-000000-FFFFFF",
            "cloudbilling.googleapis.com/BillingAccount",
        ),
        (
            {"kind": "ComputeSubnetwork", "external": "projects/p/regions/us-east1/subnetworks/apps"},
            "//compute.googleapis.com/projects/p/regions/us-east1/subnetworks/apps",
            "compute.googleapis.com/Subnetwork",
        ),
        (
            {"kind": "PubSubTopic", "apiVersion": "pubsub.cnrm.cloud.google.com/v1beta1", "name": "orders"},
            "//pubsub.googleapis.com/projects/orders-prod/topics/orders",
            "pubsub.googleapis.com/Topic",
        ),
        (
            {"kind": "StorageBucket", "external": "exports"},
            "//storage.googleapis.com/exports",
            "storage.googleapis.com/Bucket",
        ),
    ],
)
def test_the_resource_of_a_policy_is_named(reference: dict[str, Any], name: str, asset_type: str) -> None:
    mapped = translated("IAMPolicy", {"resourceRef": reference, "bindings": []}).declaration
    assert (mapped.key.name, mapped.asset_type) == (name, asset_type)


def test_an_organisation_policy_sets_a_constraint_of_its_resource() -> None:
    spec = {
        "constraint": "constraints/compute.vmExternalIpAccess",
        "folderRef": {"external": "folders/77"},
        "listPolicy": {"deny": {"all": True}, "inheritFromParent": True},
    }
    mapped = translated("ResourceManagerPolicy", spec, group="resourcemanager")
    assert mapped.declaration.key.name == "//cloudresourcemanager.googleapis.com/folders/77"
    assert mapped.declaration.key.content == "org_policy"
    assert mapped.declaration.data == {
        "constraint": "constraints/compute.vmExternalIpAccess",
        "listPolicy": {"inheritFromParent": True, "allValues": "DENY"},
    }
    assert mapped.declared_path("listPolicy.allValues") == "spec.listPolicy.deny.all"


@pytest.mark.parametrize(
    ("spec", "data"),
    [
        ({"booleanPolicy": {"enforced": False}}, {"booleanPolicy": {"enforced": False}}),
        ({"restorePolicy": {"default": True}}, {"restoreDefault": {}}),
        ({"listPolicy": {"allow": {"values": ["in:us"]}}}, {"listPolicy": {"allowedValues": ["in:us"]}}),
    ],
)
def test_kinds_of_constraints(spec: dict[str, Any], data: dict[str, Any]) -> None:
    mapped = translated("ResourceManagerPolicy", {"constraint": "constraints/c", **spec}, group="resourcemanager")
    assert mapped.declaration.data == {"constraint": "constraints/c", **data}
    assert mapped.declaration.key.name == "//cloudresourcemanager.googleapis.com/projects/orders-prod"


def test_a_policy_of_the_second_api_is_a_resource() -> None:
    spec = {"projectRef": {"external": "orders-prod"}, "resourceID": "gcp.resourceLocations", "spec": {"reset": True}}
    mapped = translated("OrgPolicyPolicy", spec, group="orgpolicy").declaration
    assert mapped.key.name == "//orgpolicy.googleapis.com/projects/orders-prod/policies/gcp.resourceLocations"
    assert mapped.key.content == "resource"
    assert mapped.data == {"spec": {"reset": True}}
