from __future__ import annotations

from typing import Any

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.compare import compare
from setpoint.comparison.explain import examine
from setpoint.model.references import Project
from setpoint.model.secrecy import is_hidden

OWN = Project("billing-prod", "123456789012")


def schema(asset_type: str) -> Any:
    schema = default_catalogue().schema_for(asset_type)
    assert schema is not None
    return schema


def compared(
    declared: dict[str, Any], live: dict[str, Any], asset_type: str = "", **options: Any
) -> list[tuple[str, str]]:
    known = schema(asset_type) if asset_type else None
    return [(difference.path, difference.op) for difference in compare(declared, live, known, own=OWN, **options)]


def test_a_declaration_owns_what_it_names_and_no_more() -> None:
    live = {"location": "EU", "versioning": {"enabled": True}, "labels": {"a": "1", "b": "2"}, "id": "x"}
    assert compared({"location": "EU", "labels": {"a": "1"}}, live) == []
    assert compared({"location": "US", "labels": {"a": "2"}}, live) == [
        ("location", "changed"),
        ("labels.a", "changed"),
    ]


@pytest.mark.parametrize(
    "zero", [False, 0, "", [], {}, {"enabled": False}, {"deep": {"er": []}}, None, "MODE_UNSPECIFIED"]
)
def test_a_declared_zero_that_is_absent_is_in_sync(zero: Any) -> None:
    assert compared({"field": zero}, {}) == []


@pytest.mark.parametrize("value", [True, 1, "x", ["x"], {"enabled": True}])
def test_a_declared_value_that_is_absent_is_missing(value: Any) -> None:
    assert [op for _, op in compared({"field": value}, {})] == ["missing"]


def test_a_value_where_nothing_is_declared_but_emptiness_is_drift() -> None:
    assert [(d.path, d.op) for d in compare({"field": ""}, {"field": "x"})] == [("field", "changed")]
    assert compared({"field": 0, "other": False}, {"field": 5, "other": True}) == [
        ("field", "changed"),
        ("other", "changed"),
    ]


def test_a_leaf_that_is_missing_is_named_by_its_whole_path() -> None:
    assert compared({"versioning": {"enabled": True}}, {}) == [("versioning.enabled", "missing")]


def test_false_where_true_is_declared_is_drift_even_if_proto_json_omits_it() -> None:
    assert compared({"deletionProtection": True}, {"name": "x"}) == [("deletionProtection", "missing")]


def test_output_only_fields_are_never_drift() -> None:
    declared = {"name": "vm", "status": "RUNNING", "creationTimestamp": "2020", "id": "1", "fingerprint": "a"}
    assert (
        compared(declared, {"name": "vm", "status": "TERMINATED", "id": "2"}, "compute.googleapis.com/Instance") == []
    )


def test_what_the_system_keeps_is_never_drift() -> None:
    declared = {"etag": "a", "labels": {"managed-by-cnrm": "true", "goog-dataflow": "x", "team": "a"}}
    assert compared(declared, {"etag": "b", "labels": {"team": "a"}}) == []
    assert compared({"labels": {"team": "a"}}, {"labels": {"team": "a", "goog-x": "y"}}, exact=True) == []


def test_labels_of_a_controller_that_sets_none_on_this_kind_are_left() -> None:
    declared = {"labels": {"managed-by-cnrm": "true", "team": "a"}}
    assert compared(declared, {}) == []
    assert compared(declared, {"labels": {"goog-x": "y"}}) == []
    assert compared(declared, {"labels": {"team": "b"}}) == [("labels.team", "changed")]
    assert compared(declared, {"labels": {"other": "b"}}) == [("labels.team", "missing")]
    assert compared(declared, {"labels": {"managed-by-cnrm": "true"}}) == [("labels.team", "missing")]


def test_exact_reports_what_is_not_declared_and_not_the_servers() -> None:
    live = {"name": "vm", "description": "clicked", "status": "RUNNING", "canIpForward": False, "labels": {"a": "1"}}
    assert compared({"name": "vm"}, live, "compute.googleapis.com/Instance", exact=True) == [
        ("description", "unexpected"),
        ("labels", "unexpected"),
    ]


def test_a_set_has_no_order_and_is_reported_whole() -> None:
    difference = compare({"sourceRanges": ["10.0.0.0/8", "0.0.0.0/0"]}, {"sourceRanges": ["10.0.0.0/8"]})
    assert [(d.path, d.op, d.declared, d.observed) for d in difference] == [
        ("sourceRanges", "changed", ["10.0.0.0/8", "0.0.0.0/0"], ["10.0.0.0/8"])
    ]
    assert compared({"tags": ["a", "b"]}, {"tags": ["b", "a"]}) == []
    assert compared({"tags": ["a", "a"]}, {"tags": ["a"]}) == []
    assert compared({"tags": ["a", "b"]}, {"tags": ["a"]}) == [("tags", "changed")]


def test_a_moved_element_of_a_true_sequence_is_drift() -> None:
    assert compared({"args": ["--a", "--b"]}, {"args": ["--b", "--a"]}) == [("args", "changed")]
    steps = [{"name": "one"}, {"name": "two"}]
    assert compared({"steps": steps}, {"steps": steps[::-1]}) == [("steps", "changed")]
    twice = [{"name": "one", "at": 1}, {"name": "one", "at": 2}]
    assert compared({"steps": twice}, {"steps": twice[::-1]}) == [
        ("steps[0].at", "changed"),
        ("steps[1].at", "changed"),
    ]


def test_some_lists_have_an_order_by_what_they_hold() -> None:
    fields = [{"fieldPath": "a", "order": "ASCENDING"}, {"fieldPath": "b", "order": "ASCENDING"}]
    index = "firestore.googleapis.com/Index"
    assert compared({"fields": fields}, {"fields": fields[::-1]}, index) == [("fields", "changed")]
    assert compared({"fields": fields}, {"fields": [*fields, {"fieldPath": "__name__"}]}, index) == []
    schema_fields = {"schema": {"fields": [{"name": "a"}, {"name": "b"}]}}
    assert (
        compared(schema_fields, {"schema": {"fields": [{"name": "b"}, {"name": "a"}]}}, "bigquery.googleapis.com/Table")
        == []
    )


def test_what_is_unchecked_inside_of_a_matching_element_is_said() -> None:
    known = schema("compute.googleapis.com/Instance")
    declared = {"disks": [{"boot": True, "initializeParams": {"sourceImage": "x"}}]}
    explained = examine(declared, {"disks": [{"boot": True, "diskSizeGb": "10"}]}, known, OWN)
    assert (explained.differences, [note.path for note in explained.unchecked]) == ((), ["disks[0].initializeParams"])


def test_elements_are_named_by_the_field_that_identifies_them() -> None:
    declared = {"rules": [{"priority": 1000, "action": "allow"}, {"priority": 2000, "action": "deny(403)"}]}
    live = {"rules": [{"priority": 3000, "action": "allow"}, {"priority": 1000, "action": "deny(403)", "kind": "x"}]}
    assert compared(declared, live) == [
        ("rules[priority=1000].action", "changed"),
        ("rules[priority=2000]", "missing"),
        ("rules[priority=3000]", "unexpected"),
    ]


def test_elements_without_an_identity_go_with_the_most_alike() -> None:
    declared = {"rule": [{"action": {"kind": "Delete"}, "age": 30}, {"action": {"kind": "Archive"}, "age": 90}]}
    live = {"rule": [{"action": {"kind": "Archive"}, "age": 91}, {"action": {"kind": "Delete"}, "age": 30}]}
    assert compared(declared, live) == [("rule[1].age", "changed")]


def test_a_reference_as_key_is_recognised_in_another_spelling() -> None:
    group = "projects/billing-prod/zones/a/instanceGroups/g"
    declared = {"backends": [{"group": group, "balancingMode": "RATE"}]}
    live = {"backends": [{"group": f"https://www.googleapis.com/compute/v1/{group}", "balancingMode": "RATE"}]}
    assert compared(declared, live, "compute.googleapis.com/BackendService") == []


def test_keys_in_snake_case_are_the_same_keys() -> None:
    assert compared({"display_name": "a"}, {"displayName": "a"}) == []
    assert compared({"display_name": "a"}, {"displayName": "b"}) == [("display_name", "changed")]


def test_what_the_server_never_gives_back_is_unchecked_and_says_so() -> None:
    known = schema("sqladmin.googleapis.com/Instance")
    explained = examine({"rootPassword": "x", "region": "europe-west1"}, {"region": "europe-west1"}, known, OWN)
    assert explained.differences == ()
    assert [(note.path, explained.checked) for note in explained.unchecked] == [("rootPassword", 1)]


def test_a_list_that_tells_one_resource_twice_has_no_more_than_it() -> None:
    check = "https://www.googleapis.com/compute/{}/projects/billing-prod/global/healthChecks/{}"
    service = "compute.googleapis.com/BackendService"
    declared = {"healthChecks": ["ping"]}
    assert (
        compared(declared, {"healthChecks": [check.format("beta", "ping"), check.format("v1", "ping")]}, service) == []
    )
    assert compared(declared, {"healthChecks": [check.format("v1", "ping"), check.format("v1", "pong")]}, service) == [
        ("healthChecks", "changed")
    ]


def test_an_enum_by_its_number_proves_sameness_and_never_drift() -> None:
    database = "firestore.googleapis.com/Database"
    assert compared({"type": "DATASTORE_MODE"}, {"type": 2}, database) == []
    assert compared({"type": "DATASTORE_MODE"}, {"type": 1}, database) == []
    assert compared({"type": "DATASTORE_MODE"}, {"type": "FIRESTORE_NATIVE"}, database) == [("type", "changed")]


def test_a_text_where_the_schema_has_a_number_tells_nothing() -> None:
    table = "bigquery.googleapis.com/Table"
    assert compared({"expirationTime": "2064441632000"}, {"expirationTime": "2035-06-03T00:00:00Z"}, table) == []
    assert compared({"expirationTime": "2064441632000"}, {"expirationTime": "2064441632001"}, table) == [
        ("expirationTime", "changed")
    ]


def test_a_required_reference_that_an_answer_leaves_out_is_unchecked() -> None:
    known = schema("eventarc.googleapis.com/ChannelConnection")
    assert known.fields["channel"].required
    explained = examine({"channel": "projects/p/locations/l/channels/c"}, {"uid": "1"}, known, OWN)
    assert (explained.differences, [note.path for note in explained.unchecked]) == ((), ["channel"])
    other = {"channel": "projects/p/locations/l/channels/other"}
    assert compared(
        {"channel": "projects/p/locations/l/channels/c"}, other, "eventarc.googleapis.com/ChannelConnection"
    )


def test_a_masked_secret_is_unchecked_and_says_so() -> None:
    known = schema("monitoring.googleapis.com/UptimeCheckConfig")
    declared = {"httpCheck": {"authInfo": {"username": "u", "password": "x"}}}
    explained = examine(declared, {"httpCheck": {"authInfo": {"username": "u", "password": "******"}}}, known, OWN)
    assert explained.differences == ()
    assert [note.path for note in explained.unchecked] == ["httpCheck.authInfo.password"]


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"cors": [{"origin": ["https://shop"]}]}, {"cors": [{"origin": ["*"]}]}),
        ({"pathPrefix": "/shop"}, {"pathPrefix": "*"}),
        ({"pathGlob": "/shop"}, {"pathGlob": "**"}),
        ({"hosts": ["a", "b"]}, {"hosts": ["***", "*"]}),
        ({"hosts": ["a", "b"]}, {"hosts": ["***", "c"]}),
        ({"hosts": ["a", "b"]}, {"hosts": ["a", "b", "***"]}),
        ({"args": ["a", "b"]}, {"args": ["***", "c"]}),
        ({"args": ["a", "b"]}, {"args": ["***"]}),
    ],
)
def test_a_wildcard_is_no_mask_and_a_mask_hides_nothing_but_itself(declared: Any, live: Any) -> None:
    assert [op for _, op in compared(declared, live)] == ["changed"]


@pytest.mark.parametrize("name", ["keys", "args"])
def test_a_list_of_which_all_that_differs_is_masked_is_unchecked(name: str) -> None:
    explained = examine({name: ["a", "b"]}, {name: ["a", "****"]}, None, OWN)
    assert (explained.differences, [note.path for note in explained.unchecked]) == ((), [name])


@pytest.mark.parametrize(
    ("declared", "live", "path"),
    [
        ({"password": "old"}, {"password": "new"}, "password"),
        (
            {"env": [{"name": "DB_PASSWORD", "value": "a"}]},
            {"env": [{"name": "DB_PASSWORD", "value": "b"}]},
            "env[name=DB_PASSWORD].value",
        ),
        (
            {"items": [{"key": "startup-script", "value": "a"}]},
            {"items": [{"key": "startup-script", "value": "b"}]},
            "items[key=startup-script].value",
        ),
        ({"labels": {"auth_token": "a"}}, {"labels": {"auth_token": "b"}}, "labels.auth_token"),
    ],
)
def test_a_secret_that_differs_is_shown_as_different_and_not_shown(declared: Any, live: Any, path: str) -> None:
    (difference,) = compare(declared, live)
    assert difference.path == path
    assert is_hidden(difference.declared)
    assert is_hidden(difference.observed)
    assert difference.declared != difference.observed


def test_a_secret_inside_of_what_is_missing_is_not_shown() -> None:
    (difference,) = compare({"users": [{"name": "a", "password": "x"}]}, {"users": []})
    assert difference.declared["name"] == "a"
    assert is_hidden(difference.declared["password"])


def test_a_field_that_cannot_be_changed_says_so() -> None:
    (difference,) = compare({"purpose": "a"}, {"purpose": "b"}, schema("cloudkms.googleapis.com/CryptoKey"))
    assert difference.immutable


def test_another_choice_than_the_declared_empty_one_is_drift() -> None:
    manager = "secretmanager.googleapis.com/Secret"
    other = {"replication": {"userManaged": {"replicas": [{"location": "europe-west1"}]}}}
    assert compared({"replication": {"automatic": {}}}, other, manager) == [("replication.automatic", "missing")]
    assert compared({"replication": {"automatic": {}}}, {"replication": {"automatic": {}}}, manager) == []
    assert compared({"replication": {"automatic": {}}}, {"replication": {}}, manager) == [
        ("replication.automatic", "missing")
    ]


def test_exact_asks_for_nothing_that_nobody_has_to_declare() -> None:
    bucket = "storage.googleapis.com/Bucket"
    live = {"name": "b", "labels": {"goog-x": "y"}, "softDeletePolicy": {"effectiveTime": "2025-01-01T00:00:00Z"}}
    assert compared({"location": "EU"}, {**live, "location": "EU"}, bucket, exact=True) == []
    live["softDeletePolicy"]["retentionDurationSeconds"] = "3600"
    assert compared({"location": "EU"}, {**live, "location": "EU"}, bucket, exact=True) == [
        ("softDeletePolicy", "unexpected")
    ]


def test_a_reference_that_is_gone_with_its_message_is_missing() -> None:
    declared = {"vpcAccess": {"connector": "projects/billing-prod/locations/l/connectors/c"}}
    service = "run.googleapis.com/Service"
    assert compared({"template": declared}, {"template": {}}, service) == [("template.vpcAccess.connector", "missing")]


def test_a_web_address_counts_with_host_and_scheme() -> None:
    job = "cloudscheduler.googleapis.com/Job"
    for other in ("https://evil.example.com/run", "http://x.run.app/run"):
        assert compared({"httpTarget": {"uri": "https://x.run.app/run"}}, {"httpTarget": {"uri": other}}, job)


def test_a_key_is_the_same_with_the_version_that_was_used() -> None:
    key = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    live = {"diskEncryptionKey": {"kmsKeyName": f"{key}/cryptoKeyVersions/3"}}
    assert compared({"diskEncryptionKey": {"kmsKeyName": key}}, live, "compute.googleapis.com/Disk") == []
    assert compared({"diskEncryptionKey": {"kmsKeyName": f"{key}2"}}, live, "compute.googleapis.com/Disk")


def test_every_reason_has_a_name() -> None:
    known = schema("pubsub.googleapis.com/Subscription")
    declared = {"ackDeadlineSeconds": "10", "messageRetentionDuration": "1d", "enableMessageOrdering": False}
    explained = examine(declared, {"ackDeadlineSeconds": 10, "messageRetentionDuration": "86400s"}, known, OWN)
    assert explained.differences == ()
    assert {note.path: note.reason for note in explained.notes} == {
        "ackDeadlineSeconds": "number as string",
        "messageRetentionDuration": "same duration",
        "enableMessageOrdering": "zero is absent",
    }


def test_keys_with_odd_characters_are_quoted_in_paths() -> None:
    assert compared({"labels": {"a.b": "x"}}, {"labels": {"a.b": "y"}}) == [('labels["a.b"]', "changed")]
    assert compared({"labels": {"last-touched": "x"}}, {"labels": {"last-touched": "y"}}) == [
        ("labels.last-touched", "changed")
    ]


def test_the_rules_that_compute_adds_to_a_policy_are_not_unexpected() -> None:
    rule = {"priority": 1000, "action": "deny(403)"}
    live = {"rules": [{"priority": 2147483647, "action": "allow"}, rule]}
    assert compared({"rules": [rule]}, live, "compute.googleapis.com/SecurityPolicy") == []
    other = {"rules": [{"priority": 2147483646, "action": "allow"}, rule]}
    assert compared({"rules": [rule]}, other, "compute.googleapis.com/SecurityPolicy")
    assert compared({"rules": [rule]}, {"rules": [rule, {"priority": 7, "action": "allow"}]}) == [
        ("rules[priority=7]", "unexpected")
    ]


def test_what_firestore_adds_to_an_index_is_not_unexpected() -> None:
    declared = {"fields": [{"fieldPath": "a", "order": "ASCENDING"}]}
    live = {"fields": [{"fieldPath": "a", "order": "ASCENDING"}, {"fieldPath": "__name__", "order": "ASCENDING"}]}
    assert compared(declared, live, "firestore.googleapis.com/Index") == []


def test_a_map_that_is_owned_as_a_whole_has_no_other_entries() -> None:
    declared, live = (
        {"labels": {"a": "1"}, "other": {"b": "1"}},
        {"labels": {"a": "1", "c": "2"}, "other": {"b": "1", "d": "2"}},
    )
    assert compared(declared, live) == []
    assert compared(declared, live, whole=("labels",)) == [("labels.c", "unexpected")]
