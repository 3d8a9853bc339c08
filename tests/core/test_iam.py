from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.core.iam import compare, grants
from setpoint.core.paths import parse

VIEWERS = {"role": "roles/viewer", "members": ["user:a@x.com", "group:g@x.com"]}
OWNER = {"role": "roles/owner", "members": ["user:boss@x.com"]}
NIGHT = {"title": "night", "expression": "request.time.getHours() > 20"}


def told(declared: list[Any], live: list[Any], authority: Any = "policy") -> list[tuple[str, str]]:
    found = compare({"bindings": declared}, {"bindings": live, "etag": "x", "version": 3}, authority)
    return [(one.op, (one.declared if one.op == "missing" else one.observed)["member"]) for one in found]


def test_the_order_of_bindings_and_members_means_nothing() -> None:
    split = [
        {"role": "roles/viewer", "members": ["group:g@x.com"]},
        OWNER,
        {"role": "roles/viewer", "members": ["user:a@x.com"]},
    ]
    assert told([VIEWERS, OWNER], split) == []


def test_the_case_of_an_address_means_nothing() -> None:
    assert told([VIEWERS], [{"role": "roles/viewer", "members": ["user:A@X.com", "group:G@x.com"]}]) == []


def test_the_whole_policy_owns_every_grant() -> None:
    assert told([VIEWERS], [VIEWERS, OWNER]) == [("unexpected", "user:boss@x.com")]
    assert told([VIEWERS, OWNER], [VIEWERS]) == [("missing", "user:boss@x.com")]


def test_a_role_owns_the_grants_of_that_role_only() -> None:
    more = {"role": "roles/viewer", "members": ["user:a@x.com", "group:g@x.com", "allUsers"]}
    assert told([VIEWERS], [more, OWNER], "role") == [("unexpected", "allUsers")]
    assert told([{"role": "roles/owner", "members": []}], [VIEWERS, OWNER], "role") == [
        ("unexpected", "user:boss@x.com")
    ]


def test_a_member_owns_its_own_grant_only() -> None:
    assert told([{"role": "roles/viewer", "members": ["user:a@x.com"]}], [VIEWERS, OWNER], "member") == []
    assert told([{"role": "roles/viewer", "members": ["user:z@x.com"]}], [VIEWERS, OWNER], "member") == [
        ("missing", "user:z@x.com")
    ]


def test_the_condition_is_part_of_a_grant() -> None:
    assert told([OWNER], [{**OWNER, "condition": NIGHT}]) == [
        ("missing", "user:boss@x.com"),
        ("unexpected", "user:boss@x.com"),
    ]
    (found,) = compare({"bindings": []}, {"bindings": [{**OWNER, "condition": NIGHT}]}, "policy")
    assert found.path == "bindings[role=roles/owner,condition=night].members[user:boss@x.com]"
    assert found.observed == {"role": "roles/owner", "member": "user:boss@x.com", "condition": NIGHT}


def test_googles_own_service_agents_are_not_unexpected() -> None:
    agent = "serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com"
    assert told([], [{"role": "roles/container.serviceAgent", "members": [agent]}]) == []
    assert told([], [{"role": "roles/owner", "members": [agent]}]) == [("unexpected", agent)]


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
    assert told([], [{"role": role, "members": [f"serviceAccount:{member}"]}]) == []


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
    assert told([], [{"role": role, "members": [f"serviceAccount:{member}"]}]) == [
        ("unexpected", f"serviceAccount:{member}")
    ]


def test_a_title_with_brackets_leaves_the_path_readable() -> None:
    (found,) = compare(
        {"bindings": []},
        {"bindings": [{"role": "roles/owner", "members": ["user:a@x.com"], "condition": {"title": 'a["b"]'}}]},
        "policy",
    )
    assert parse(found.path) == ("bindings", "[role=roles/owner,condition=a('b')]", "members", "[user:a@x.com]")


def test_audit_configs_count_only_where_they_are_declared() -> None:
    logs = {"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}, {"logType": "DATA_WRITE"}]}
    live = {"bindings": [], "auditConfigs": [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}]}
    assert compare({"bindings": []}, live, "policy") == ()
    (found,) = compare({"bindings": [], "auditConfigs": [logs]}, live, "policy")
    assert (found.op, found.path) == (
        "missing",
        "auditConfigs[service=allServices].auditLogConfigs[logType=DATA_WRITE]",
    )


def test_less_than_a_policy_owns_the_audit_configs_of_the_services_that_it_names() -> None:
    def audited(service: str, *types: str) -> dict[str, Any]:
        return {"service": service, "auditLogConfigs": [{"logType": one} for one in types]}

    live = {"auditConfigs": [audited("a.googleapis.com", "DATA_READ"), audited("b.googleapis.com", "DATA_READ")]}
    declared = {"bindings": [], "auditConfigs": [audited("a.googleapis.com", "DATA_READ")]}
    assert compare(declared, live, "role") == ()
    assert [one.op for one in compare(declared, live, "policy")] == ["unexpected"]
    declared["auditConfigs"] = [audited("a.googleapis.com", "DATA_WRITE")]
    assert [one.op for one in compare(declared, live, "role")] == ["unexpected", "missing"]


members = st.sampled_from(["user:a@x.com", "user:b@x.com", "group:g@x.com", "allUsers"])
bindings = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["roles/viewer", "roles/editor"]), "members": st.lists(members, max_size=3)},
        optional={"condition": st.just(NIGHT)},
    ),
    max_size=4,
)


@given(bindings, bindings)
def test_a_whole_policy_is_in_sync_just_when_both_grant_the_same(one: list[Any], other: list[Any]) -> None:
    same = grants({"bindings": one}) == grants({"bindings": other})
    assert (told(one, other) == []) == same
