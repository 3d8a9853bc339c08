"""IAM policies put back on the fake: only ours are added, only unexpected ones go, and conditions are kept."""

from __future__ import annotations

from typing import Any

import pytest

from setpoint.catalog.methods import ApiResource, default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.errors import Conflict, Refused
from setpoint.model.declaration import Authority, Declaration
from setpoint.model.difference import Difference
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import Call, NotWritable, WritePlan, Written
from setpoint.remediation import api_requests, iam_planner, planner

PROJECT = "cloudresourcemanager.googleapis.com/Project", "//cloudresourcemanager.googleapis.com/projects/shop-prod"
KINDS = [
    PROJECT,
    ("storage.googleapis.com/Bucket", "//storage.googleapis.com/billing-exports"),
    ("pubsub.googleapis.com/Topic", "//pubsub.googleapis.com/projects/shop-prod/topics/orders"),
    ("bigquery.googleapis.com/Table", "//bigquery.googleapis.com/projects/shop-prod/datasets/sales/tables/orders"),
    ("iam.googleapis.com/ServiceAccount", "//iam.googleapis.com/projects/shop-prod/serviceAccounts/cart"),
    ("run.googleapis.com/Service", "//run.googleapis.com/projects/shop-prod/locations/europe-west1/services/cart"),
    ("spanner.googleapis.com/Instance", "//spanner.googleapis.com/projects/shop-prod/instances/main"),
    ("dns.googleapis.com/ManagedZone", "//dns.googleapis.com/projects/shop-prod/managedZones/shop"),
    (
        "compute.googleapis.com/Instance",
        "//compute.googleapis.com/projects/shop-prod/zones/europe-west1-b/instances/web-1",
    ),
    (
        "compute.googleapis.com/Subnetwork",
        "//compute.googleapis.com/projects/shop-prod/regions/europe-west1/subnetworks/web",
    ),
    (
        "cloudkms.googleapis.com/CryptoKey",
        "//cloudkms.googleapis.com/projects/shop-prod/locations/eu/keyRings/shop/cryptoKeys/orders",
    ),
    ("secretmanager.googleapis.com/Secret", "//secretmanager.googleapis.com/projects/shop-prod/secrets/signing"),
]
NIGHT = {"title": "night", "expression": "request.time.getHours() < 6"}
OURS = {"role": "roles/viewer", "members": ["group:web@example.com"]}
THEIRS = {"role": "roles/viewer", "members": ["user:ann@example.com"]}
NIGHTLY = {"role": "roles/viewer", "members": ["user:bob@example.com"], "condition": NIGHT}


def reached(of: tuple[str, str]) -> tuple[Any, ApiResource]:
    schema = default_catalogue().schema_for(of[0])
    assert schema is not None
    resource = default_methods().resource(of[1], schema)
    assert resource is not None
    return schema, resource


def read_call(of: tuple[str, str]) -> Call:
    call = iam_planner.read(reached(of)[1])
    assert call is not None
    return call


def held(google: Any, of: tuple[str, str], *bindings: dict[str, Any], **policy: Any) -> str:
    url = api_requests.read(reached(of)[1]).url
    google.put_policy(url, {"bindings": list(bindings), **policy})
    return url


def planned(
    api: Any, of: tuple[str, str], declared: dict[str, Any], authority: Authority = "member", **fields: Any
) -> WritePlan | NotWritable:
    schema, resource = reached(of)
    declaration = Declaration(ResourceKey(of[1], "iam_policy"), of[0], declared, authority=authority)
    return planner.plan(declaration, api.read(read_call(of)), schema, resource, **fields)


def grants(policy: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (binding["role"], member, binding.get("condition", {}).get("title", ""))
        for binding in policy.get("bindings", ())
        for member in binding["members"]
    }


@pytest.mark.parametrize("of", KINDS, ids=lambda of: of[0])
def test_a_missing_grant_is_added_and_every_other_is_kept(google_apis, google_rest, of):
    url = held(google_apis, of, THEIRS, NIGHTLY, version=3)
    plan = planned(google_rest, of, {"bindings": [OURS]})
    assert isinstance(plan, WritePlan)
    assert plan.etag
    assert plan.call.guarded
    assert plan.call.permission.endswith(".setIamPolicy")
    assert google_rest.write(plan) == Written()
    assert grants(google_apis.policy(url)) == {
        ("roles/viewer", "user:ann@example.com", ""),
        ("roles/viewer", "user:bob@example.com", "night"),
        ("roles/viewer", "group:web@example.com", ""),
    }
    again = planned(google_rest, of, {"bindings": [OURS]})
    assert isinstance(again, NotWritable)
    assert again.reason == "as_declared"


def test_only_what_the_authority_owns_is_removed(google_apis, google_rest):
    other = {"role": "roles/editor", "members": ["user:ann@example.com"]}
    url = held(google_apis, PROJECT, THEIRS, NIGHTLY, other, version=3)
    plan = planned(google_rest, PROJECT, {"bindings": [OURS]}, "role")
    assert isinstance(plan, WritePlan)
    google_rest.write(plan)
    assert grants(google_apis.policy(url)) == {
        ("roles/viewer", "group:web@example.com", ""),
        ("roles/viewer", "user:bob@example.com", "night"),
        ("roles/editor", "user:ann@example.com", ""),
    }


def test_a_condition_is_part_of_a_grant(google_apis, google_rest):
    url = held(google_apis, PROJECT, {**OURS})
    plan = planned(google_rest, PROJECT, {"bindings": [{**OURS, "condition": NIGHT}]}, "policy")
    assert isinstance(plan, WritePlan)
    google_rest.write(plan)
    assert grants(google_apis.policy(url)) == {("roles/viewer", "group:web@example.com", "night")}


def test_only_the_differences_that_are_asked_for_are_put_back(google_apis, google_rest):
    url = held(google_apis, PROJECT, THEIRS)
    two = {"role": "roles/viewer", "members": ["group:web@example.com", "group:ops@example.com"]}
    asked = [Difference("bindings[role=roles/viewer].members[group:ops@example.com]", "missing")]
    plan = planned(google_rest, PROJECT, {"bindings": [two]}, differences=asked)
    assert isinstance(plan, WritePlan)
    assert plan.summary == ("bindings[role=roles/viewer].members[group:ops@example.com]: add",)
    google_rest.write(plan)
    assert {member for _, member, _ in grants(google_apis.policy(url))} == {
        "user:ann@example.com",
        "group:ops@example.com",
    }


def test_a_policy_that_changed_since_it_was_read_is_not_written(google_apis, google_rest):
    url = held(google_apis, PROJECT, THEIRS)
    plan = planned(google_rest, PROJECT, {"bindings": [OURS]})
    assert isinstance(plan, WritePlan)
    google_apis.put_policy(url, {"bindings": [NIGHTLY], "version": 3})
    with pytest.raises(Conflict):
        google_rest.write(plan)
    assert google_apis.journal == []


def test_audit_configs_are_put_back_with_a_mask_that_names_them(google_apis, google_rest):
    kept = {"service": "storage.googleapis.com", "auditLogConfigs": [{"logType": "DATA_READ"}]}
    url = held(google_apis, PROJECT, THEIRS, auditConfigs=[kept])
    wanted = {"service": "allServices", "auditLogConfigs": [{"logType": "ADMIN_READ"}]}
    plan = planned(google_rest, PROJECT, {"bindings": [], "auditConfigs": [wanted]})
    assert isinstance(plan, WritePlan)
    google_rest.write(plan)
    assert google_apis.policy(url)["auditConfigs"] == [kept, wanted]
    assert grants(google_apis.policy(url)) == {("roles/viewer", "user:ann@example.com", "")}


def test_a_policy_that_was_read_without_its_conditions_is_not_written(google_apis, google_rest):
    held(google_apis, PROJECT, NIGHTLY, version=3)
    schema, resource = reached(PROJECT)
    stripped = google_rest.read(Call("x", "POST", read_call(PROJECT).url, body={}))
    assert "_withcond_" in stripped["bindings"][0]["role"]
    declaration = Declaration(ResourceKey(PROJECT[1], "iam_policy"), PROJECT[0], {"bindings": [OURS]})
    write_plan = planner.plan(declaration, stripped, schema, resource)
    assert isinstance(write_plan, NotWritable)
    assert write_plan.reason == "unread"


def test_the_fake_takes_no_conditions_below_version_3(google_apis, google_rest):
    held(google_apis, PROJECT, NIGHTLY, version=3)
    plan = planned(google_rest, PROJECT, {"bindings": [OURS]})
    assert isinstance(plan, WritePlan)
    plan.call.body["policy"]["version"] = 1
    with pytest.raises(Refused):
        google_rest.write(plan)


def test_a_kind_without_a_policy_is_handed_off():
    of = "bigquery.googleapis.com/Dataset", "//bigquery.googleapis.com/projects/shop-prod/datasets/sales"
    schema, resource = reached(of)
    assert iam_planner.read(resource) is None
    declaration = Declaration(ResourceKey(of[1], "iam_policy"), of[0], {"bindings": [OURS]})
    write_plan = planner.plan(declaration, {"etag": "a"}, schema, resource)
    assert isinstance(write_plan, NotWritable)
    assert write_plan.reason == "no_method"
