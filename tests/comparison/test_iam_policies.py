from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.comparison.iam_policies import compare, grants
from setpoint.comparison.iam_policies import describe_grants as in_words
from setpoint.model.field_path import parse
from setpoint.model.references import Project
from setpoint.model.severity import severity

VIEWERS = {"role": "roles/viewer", "members": ["user:a@x.com", "group:g@x.com"]}
OWNER = {"role": "roles/owner", "members": ["user:boss@x.com"]}
NIGHT = {"title": "night", "expression": "request.time.getHours() > 20"}


def compared(declared: list[Any], live: list[Any], authority: Any = "policy") -> list[tuple[str, str]]:
    differences = compare({"bindings": declared}, {"bindings": live, "etag": "x", "version": 3}, authority)
    return [
        (difference.op, (difference.declared if difference.op == "missing" else difference.observed)["member"])
        for difference in differences
    ]


def test_the_order_of_bindings_and_members_means_nothing() -> None:
    split = [
        {"role": "roles/viewer", "members": ["group:g@x.com"]},
        OWNER,
        {"role": "roles/viewer", "members": ["user:a@x.com"]},
    ]
    assert compared([VIEWERS, OWNER], split) == []


def test_the_case_of_an_address_means_nothing() -> None:
    assert compared([VIEWERS], [{"role": "roles/viewer", "members": ["user:A@X.com", "group:G@x.com"]}]) == []


def test_the_whole_policy_owns_every_grant() -> None:
    assert compared([VIEWERS], [VIEWERS, OWNER]) == [("unexpected", "user:boss@x.com")]
    assert compared([VIEWERS, OWNER], [VIEWERS]) == [("missing", "user:boss@x.com")]


def test_a_role_owns_the_grants_of_that_role_only() -> None:
    more = {"role": "roles/viewer", "members": ["user:a@x.com", "group:g@x.com", "allUsers"]}
    assert compared([VIEWERS], [more, OWNER], "role") == [("unexpected", "allUsers")]
    assert compared([{"role": "roles/owner", "members": []}], [VIEWERS, OWNER], "role") == [
        ("unexpected", "user:boss@x.com")
    ]


def test_a_member_owns_its_own_grant_only() -> None:
    assert compared([{"role": "roles/viewer", "members": ["user:a@x.com"]}], [VIEWERS, OWNER], "member") == []
    assert compared([{"role": "roles/viewer", "members": ["user:z@x.com"]}], [VIEWERS, OWNER], "member") == [
        ("missing", "user:z@x.com")
    ]


def test_the_condition_is_part_of_a_grant() -> None:
    assert compared([OWNER], [{**OWNER, "condition": NIGHT}]) == [
        ("missing", "user:boss@x.com"),
        ("unexpected", "user:boss@x.com"),
    ]
    (difference,) = compare({"bindings": []}, {"bindings": [{**OWNER, "condition": NIGHT}]}, "policy")
    assert difference.path == "bindings[role=roles/owner,condition=night].members[user:boss@x.com]"
    assert difference.observed == {"role": "roles/owner", "member": "user:boss@x.com", "condition": NIGHT}


def test_googles_own_service_agents_are_not_unexpected() -> None:
    agent = "serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com"
    assert compared([], [{"role": "roles/container.serviceAgent", "members": [agent]}]) == []
    assert compared([], [{"role": "roles/owner", "members": [agent]}]) == [("unexpected", agent)]


@pytest.mark.parametrize(
    ("role", "member"),
    [
        ("roles/editor", "123456789012@cloudservices.gserviceaccount.com"),
        ("roles/cloudbuild.builds.builder", "123456789012@cloudbuild.gserviceaccount.com"),
        ("roles/firebaserules.system", "service-123456789012@firebase-rules.iam.gserviceaccount.com"),
        ("roles/containerregistry.ServiceAgent", "service-123456789012@containerregistry.iam.gserviceaccount.com"),
        ("roles/pubsub.serviceAgent", "service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"),
        ("roles/cloudsql.serviceAgent", "p123456789012-abc123@gcp-sa-cloud-sql.iam.gserviceaccount.com"),
        ("roles/ml.serviceAgent", "service-123456789012@cloud-ml.google.com.iam.gserviceaccount.com"),
        ("roles/securitycenter.serviceAgent", "service-org-1234@security-center-api.iam.gserviceaccount.com"),
    ],
)
def test_what_google_grants_to_its_service_agents_is_googles_own(role: str, member: str) -> None:
    assert compared([], [{"role": role, "members": [f"serviceAccount:{member}"]}]) == []


@pytest.mark.parametrize(
    ("role", "member"),
    [
        ("roles/editor", "service-123@attacker.iam.gserviceaccount.com"),
        ("roles/compute.serviceAgent", "service-123@attacker.iam.gserviceaccount.com"),
        ("roles/compute.serviceAgent", "service-123@attacker-compute-system.iam.gserviceaccount.com"),
        ("roles/compute.serviceAgent", "service-123@compute-system.attacker.iam.gserviceaccount.com"),
        ("roles/editor", "service-123@compute-system.iam.gserviceaccount.com"),
        ("roles/editor", "service-123@gcp-sa-pubsub.iam.gserviceaccount.com"),
        ("roles/owner", "123@cloudservices.gserviceaccount.com"),
        ("roles/cloudbuild.builds.builder", "123@cloudservices.gserviceaccount.com"),
        ("roles/editor", "123@cloudbuild.gserviceaccount.com"),
        ("roles/editor", "x123@cloudservices.gserviceaccount.com"),
        ("projects/p/roles/my.serviceAgent", "service-123@gcp-sa-pubsub.iam.gserviceaccount.com"),
        ("roles/pubsub.serviceAgent", "anybody@gcp-sa-pubsub.iam.gserviceaccount.com"),
    ],
)
def test_what_only_looks_like_a_service_agent_is_unexpected(role: str, member: str) -> None:
    assert compared([], [{"role": role, "members": [f"serviceAccount:{member}"]}]) == [
        ("unexpected", f"serviceAccount:{member}")
    ]


@pytest.mark.parametrize(
    ("role", "member"),
    [
        ("roles/editor", "serviceAccount:123456789012-compute@developer.gserviceaccount.com"),
        ("roles/editor", "serviceAccount:shop@appspot.gserviceaccount.com"),
        ("roles/firebase.sdkAdminServiceAgent", "serviceAccount:firebase-adminsdk-ab1cd@shop.iam.gserviceaccount.com"),
        ("roles/storage.legacyBucketOwner", "projectOwner:shop"),
        ("roles/storage.legacyBucketOwner", "projectEditor:shop"),
        ("roles/storage.legacyBucketReader", "projectViewer:shop"),
        (
            "roles/storagetransfer.serviceAgent",
            "serviceAccount:project-12@storage-transfer-service.iam.gserviceaccount.com",
        ),
        ("roles/appengine.serviceAgent", "serviceAccount:service-12@gcp-gae-service.iam.gserviceaccount.com"),
        ("roles/genomics.serviceAgent", "serviceAccount:service-12@genomics-api.google.com.iam.gserviceaccount.com"),
        (
            "roles/bigqueryconnection.serviceAgent",
            "serviceAccount:bqcx-12-ab@gcp-sa-bigquery-condel.iam.gserviceaccount.com",
        ),
    ],
)
def test_default_grants_are_known_and_reported_only_where_it_is_asked_for(role: str, member: str) -> None:
    live = {"bindings": [{"role": role, "members": [member]}]}
    assert compare({"bindings": []}, live, "policy") == ()
    assert compare({"bindings": [{"role": role, "members": []}]}, live, "role") == ()
    (difference,) = compare({"bindings": []}, live, "policy", exact=True)
    assert difference.observed == {"role": role, "member": member}


@pytest.mark.parametrize(
    ("role", "member"),
    [
        ("roles/owner", "serviceAccount:123456789012-compute@developer.gserviceaccount.com"),
        ("roles/editor", "serviceAccount:compute@developer.gserviceaccount.com"),
        ("roles/editor", "projectEditor:shop"),
        ("roles/storage.legacyBucketOwner", "projectViewer:shop"),
        ("roles/storage.legacyBucketOwner", "allUsers"),
        ("roles/compute.serviceAgent", "serviceAccount:project-12@attacker.iam.gserviceaccount.com"),
    ],
)
def test_what_only_looks_like_a_default_grant_is_unexpected(role: str, member: str) -> None:
    assert compared([], [{"role": role, "members": [member]}]) == [("unexpected", member)]


def test_a_default_grant_under_a_condition_is_nobodys_default() -> None:
    member = "serviceAccount:12-compute@developer.gserviceaccount.com"
    assert compared([], [{"role": "roles/editor", "members": [member], "condition": NIGHT}]) == [("unexpected", member)]


def test_a_member_that_was_deleted_holds_nothing_on_either_side() -> None:
    gone = {"role": "roles/viewer", "members": ["deleted:user:a@x.com?uid=123", "group:g@x.com"]}
    assert compared([{"role": "roles/viewer", "members": ["group:g@x.com"]}], [gone]) == []
    assert compared([gone], [{"role": "roles/viewer", "members": ["group:g@x.com"]}]) == []
    assert compared([VIEWERS], [gone]) == [("missing", "user:a@x.com")]
    exempted = {"service": "s", "auditLogConfigs": [{"logType": "DATA_READ", "exemptedMembers": gone["members"]}]}
    same = {"service": "s", "auditLogConfigs": [{"logType": "DATA_READ", "exemptedMembers": ["group:G@x.com"]}]}
    assert compare({"bindings": [], "auditConfigs": [same]}, {"auditConfigs": [exempted]}, "policy") == ()


def test_the_version_and_the_etag_of_a_policy_mean_nothing() -> None:
    for version in (0, 1, 3):
        assert compare({"bindings": [OWNER]}, {"bindings": [OWNER], "version": version, "etag": "x"}, "policy") == ()


def test_a_condition_that_a_policy_of_version_1_does_not_tell_is_taken_for_the_declared_one() -> None:
    undetermined = {
        "role": "roles/owner_withcond_2b17cc25d2cd9e2c54d8",
        "members": ["user:boss@x.com", "user:new@x.com"],
    }
    assert compared([{**OWNER, "condition": NIGHT}], [undetermined]) == [("unexpected", "user:new@x.com")]
    assert compared([OWNER], [undetermined]) == [
        ("missing", "user:boss@x.com"),
        ("unexpected", "user:boss@x.com"),
        ("unexpected", "user:new@x.com"),
    ]


def test_a_condition_is_known_by_its_title_and_expression_and_not_by_its_description() -> None:
    described = {**NIGHT, "description": "for the night shift"}
    assert compared([{**OWNER, "condition": NIGHT}], [{**OWNER, "condition": described}]) == []
    other = {**NIGHT, "title": "dark"}
    assert len(compared([{**OWNER, "condition": NIGHT}], [{**OWNER, "condition": other}])) == 2


def test_the_case_of_a_workload_identity_means_something() -> None:
    principal = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/A"
    live = [{"role": "roles/viewer", "members": [principal.replace("/A", "/a")]}]
    assert len(compared([{"role": "roles/viewer", "members": [principal]}], live)) == 2


def test_a_difference_reads_as_a_grant() -> None:
    live = [{**OWNER, "condition": NIGHT}, {"role": "roles/editor", "members": ["allUsers"]}]
    assert [in_words(difference) for difference in compare({"bindings": [OWNER]}, {"bindings": live}, "policy")] == [
        "roles/owner not granted to user:boss@x.com (condition none)",
        "roles/editor granted to allUsers (condition none)",
        "roles/owner granted to user:boss@x.com (condition night)",
    ]


@pytest.mark.parametrize(
    ("role", "member", "level"),
    [
        ("roles/owner", "user:a@x.com", "critical"),
        ("roles/editor", "group:g@x.com", "critical"),
        ("roles/iam.serviceAccountTokenCreator", "user:a@x.com", "critical"),
        ("roles/iam.workloadIdentityUser", "serviceAccount:p.svc.id.goog[ns/a]", "critical"),
        ("roles/iam.serviceAccountKeyAdmin", "user:a@x.com", "critical"),
        ("roles/resourcemanager.projectIamAdmin", "user:a@x.com", "critical"),
        ("roles/orgpolicy.policyAdmin", "user:a@x.com", "critical"),
        ("roles/storage.objectViewer", "allUsers", "critical"),
        ("roles/storage.objectViewer", "allAuthenticatedUsers", "critical"),
        ("roles/storage.objectViewer", "user:a@x.com", "high"),
        ("roles/ownership.viewer", "user:a@x.com", "high"),
        ("projects/p/roles/owner", "user:a@x.com", "high"),
    ],
)
def test_the_severity_of_a_grant_rises_with_what_it_gives(role: str, member: str, level: str) -> None:
    for condition in ({}, {"condition": NIGHT}):
        given = {"bindings": [{"role": role, "members": [member], **condition}]}
        assert severity("modified", "iam_policy", compare({"bindings": []}, given, "policy")) == level
        assert severity("modified", "iam_policy", compare(given, {"bindings": []}, "policy")) == "high"


def test_what_is_no_longer_written_down_is_critical() -> None:
    logs = {"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}
    differences = compare({"bindings": [], "auditConfigs": [logs]}, {"bindings": []}, "policy")
    assert severity("modified", "iam_policy", differences) == "critical"


def test_a_title_with_brackets_leaves_the_path_readable() -> None:
    (difference,) = compare(
        {"bindings": []},
        {"bindings": [{"role": "roles/owner", "members": ["user:a@x.com"], "condition": {"title": 'a["b"]'}}]},
        "policy",
    )
    assert parse(difference.path) == ("bindings", "[role=roles/owner,condition=a('b')]", "members", "[user:a@x.com]")


def test_audit_configs_count_only_where_they_are_declared() -> None:
    logs = {"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}, {"logType": "DATA_WRITE"}]}
    live = {"bindings": [], "auditConfigs": [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}]}
    assert compare({"bindings": []}, live, "policy") == ()
    (difference,) = compare({"bindings": [], "auditConfigs": [logs]}, live, "policy")
    assert (difference.op, difference.path) == (
        "missing",
        "auditConfigs[service=allServices].auditLogConfigs[logType=DATA_WRITE]",
    )


def test_less_than_a_policy_owns_the_audit_configs_of_the_services_that_it_names() -> None:
    def audited(service: str, *types: str) -> dict[str, Any]:
        return {"service": service, "auditLogConfigs": [{"logType": type_} for type_ in types]}

    live = {"auditConfigs": [audited("a.googleapis.com", "DATA_READ"), audited("b.googleapis.com", "DATA_READ")]}
    declared = {"bindings": [], "auditConfigs": [audited("a.googleapis.com", "DATA_READ")]}
    assert compare(declared, live, "role") == ()
    assert [difference.op for difference in compare(declared, live, "policy")] == ["unexpected"]
    declared["auditConfigs"] = [audited("a.googleapis.com", "DATA_WRITE")]
    assert [difference.op for difference in compare(declared, live, "role")] == ["unexpected", "missing"]


members = st.sampled_from(["user:a@x.com", "user:b@x.com", "group:g@x.com", "allUsers"])
bindings = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["roles/viewer", "roles/editor"]), "members": st.lists(members, max_size=3)},
        optional={"condition": st.just(NIGHT)},
    ),
    max_size=4,
)


@given(bindings, bindings)
def test_a_whole_policy_is_in_sync_just_when_both_grant_the_same(first: list[Any], other: list[Any]) -> None:
    same = grants({"bindings": first}) == grants({"bindings": other})
    assert (compared(first, other) == []) == same


@pytest.mark.parametrize(
    ("role", "member"),
    [
        ("roles/editor", "serviceAccount:999-compute@developer.gserviceaccount.com"),
        ("roles/editor", "serviceAccount:other-prod@appspot.gserviceaccount.com"),
        ("roles/editor", "serviceAccount:999@cloudservices.gserviceaccount.com"),
        ("roles/container.serviceAgent", "serviceAccount:service-999@container-engine-robot.iam.gserviceaccount.com"),
        ("roles/storage.legacyBucketOwner", "projectEditor:other-prod"),
    ],
)
def test_the_like_of_another_project_was_granted_by_somebody(role: str, member: str) -> None:
    policy = {"bindings": [{"role": role, "members": [member]}]}
    own = Project("shop-prod", "123")
    assert compare({"bindings": []}, policy, "policy") == ()
    assert len(compare({"bindings": []}, policy, "policy", own=own)) == 1
    mine = member.replace("999", "123").replace("other-prod", "shop-prod")
    policy = {"bindings": [{"role": role, "members": [mine]}]}
    assert compare({"bindings": []}, policy, "policy", own=own) == ()
