"""What an absent field says: zero, a default, nothing at all, or something else than a zero."""

from __future__ import annotations

from typing import Any

import pytest

from comparison.compared import drift, explained
from setpoint.comparison.explain import as_inventoried

ZEROS_WITH_A_MEANING = [
    ("storage.googleapis.com/Bucket", {"lifecycle": {"rule": [{"condition": {"age": 3, "isLive": False}}]}}, "isLive"),
    ("pubsub.googleapis.com/Subscription", {"expirationPolicy": {}}, "expirationPolicy"),
    ("pubsub.googleapis.com/Subscription", {"retryPolicy": {}}, "retryPolicy"),
    ("cloudfunctions.googleapis.com/CloudFunction", {"eventTrigger": {"failurePolicy": {"retry": {}}}}, "retry"),
    ("secretmanager.googleapis.com/Secret", {"replication": {"automatic": {}}}, "automatic"),
    ("bigqueryconnection.googleapis.com/Connection", {"cloudResource": {}}, "cloudResource"),
    ("alloydb.googleapis.com/Cluster", {"automatedBackupPolicy": {"enabled": False}}, "enabled"),
    ("compute.googleapis.com/Autoscaler", {"autoscalingPolicy": {"minNumReplicas": 0}}, "minNumReplicas"),
]


def emptied(value: Any) -> Any:
    """The same objects without their innermost fields."""
    if isinstance(value, dict):
        return {key: emptied(part) for key, part in value.items() if part not in ({}, False, 0)}
    return [emptied(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("asset_type", "declared", "field"), ZEROS_WITH_A_MEANING)
def test_a_zero_that_says_something_else_than_absence_is_missed(
    asset_type: str, declared: dict[str, Any], field: str
) -> None:
    differences = drift(asset_type, declared, emptied(declared))
    assert [(path.rpartition(".")[2], op) for path, op in differences] == [(field, "missing")]
    assert drift(asset_type, declared, declared) == []


@pytest.mark.parametrize(
    ("asset_type", "declared"),
    [
        ("container.googleapis.com/Cluster", {"addonsConfig": {"httpLoadBalancing": {}}}),
        ("container.googleapis.com/Cluster", {"networkPolicy": {"enabled": False}}),
        ("compute.googleapis.com/BackendService", {"iap": {"enabled": False}}),
        ("run.googleapis.com/Service", {"scaling": {"minInstanceCount": 0}}),
        ("sqladmin.googleapis.com/Instance", {"settings": {"maintenanceWindow": {"hour": 0}}}),
        ("artifactregistry.googleapis.com/Repository", {"mavenConfig": {}}),
    ],
)
def test_a_zero_that_says_nothing_else_is_in_sync_with_nothing(asset_type: str, declared: dict[str, Any]) -> None:
    assert drift(asset_type, declared, {}) == []


@pytest.mark.parametrize(
    ("asset_type", "declared", "other"),
    [
        ("storage.googleapis.com/Bucket", {"ipFilter": {"mode": "Disabled"}}, {"ipFilter": {"mode": "Enabled"}}),
        (
            "compute.googleapis.com/RegionBackendService",
            {"subsetting": {"policy": "NONE"}},
            {"subsetting": {"policy": "CONSISTENT_HASH_SUBSETTING"}},
        ),
    ],
)
def test_a_default_equals_an_absent_message_and_another_value_does_not(
    asset_type: str, declared: dict[str, Any], other: dict[str, Any]
) -> None:
    assert drift(asset_type, declared, {}) == []
    assert drift(asset_type, other, {}) != []
    assert drift(asset_type, declared, other) != []
    assert drift(asset_type, other, declared) != []


def test_a_choice_without_limits_differs_from_one_with_limits() -> None:
    profile = "bigtableadmin.googleapis.com/AppProfile"
    declared: dict[str, Any] = {"multiClusterRoutingUseAny": {}}
    assert drift(profile, declared, {"multiClusterRoutingUseAny": {"clusterIds": ["c"]}}) == [
        ("multiClusterRoutingUseAny", "changed")
    ]
    subscription, expiring = "pubsub.googleapis.com/Subscription", {"expirationPolicy": {"ttl": "86400s"}}
    assert drift(subscription, {"expirationPolicy": {}}, expiring) == [("expirationPolicy", "changed")]
    assert drift(subscription, {"expirationPolicy": {}}, {"expirationPolicy": {"ttl": ""}}) == []
    assert drift(subscription, {"retryPolicy": {}}, {"retryPolicy": {"minimumBackoff": "10s"}}) == []
    secret = {"replication": {"automatic": {"customerManagedEncryption": {"kmsKeyName": "k"}}}}
    assert drift("secretmanager.googleapis.com/Secret", {"replication": {"automatic": {}}}, secret) == []


@pytest.mark.parametrize(
    ("asset_type", "field", "default", "other"),
    [
        ("compute.googleapis.com/Address", "ipVersion", "IPV4", "IPV6"),
        ("compute.googleapis.com/Network", "mtu", 1460, 1500),
        ("pubsub.googleapis.com/Subscription", "messageRetentionDuration", "7d", "600s"),
        ("sqladmin.googleapis.com/Instance", "instanceType", "CLOUD_SQL_INSTANCE", "READ_REPLICA_INSTANCE"),
        ("cloudkms.googleapis.com/CryptoKey", "destroyScheduledDuration", "2592000s", "86400s"),
        ("dns.googleapis.com/ManagedZone", "visibility", "public", "private"),
    ],
)
def test_a_declared_default_is_in_sync_with_nothing_and_another_value_is_missing(
    asset_type: str, field: str, default: Any, other: Any
) -> None:
    assert drift(asset_type, {field: default}, {}) == []
    assert drift(asset_type, {field: other}, {}) == [(field, "missing")]


def test_a_default_is_in_sync_with_unspecified_and_true_is_never_in_sync_with_false() -> None:
    address = "compute.googleapis.com/Address"
    assert drift(address, {"ipVersion": "IPV4"}, {"ipVersion": "UNSPECIFIED_VERSION"}) == []
    assert drift(address, {"ipVersion": "IPV6"}, {"ipVersion": "UNSPECIFIED_VERSION"}) == [("ipVersion", "changed")]
    policy = "alloydb.googleapis.com/Cluster"
    assert drift(
        policy, {"automatedBackupPolicy": {"enabled": True}}, {"automatedBackupPolicy": {"enabled": False}}
    ) == [("automatedBackupPolicy.enabled", "changed")]


def test_what_the_api_never_returns_is_unchecked_and_compared_where_it_is_there() -> None:
    instance = "apigee.googleapis.com/Instance"
    answer = explained(instance, {"ipRange": "10.87.8.0/22"}, {"name": "i"})
    assert (answer.differences, [note.path for note in answer.unchecked]) == ((), ["ipRange"])
    assert "not read back" in answer.unchecked[0].reason
    assert drift(instance, {"ipRange": "10.87.8.0/22"}, {"ipRange": "10.99.0.0/22"}) == [("ipRange", "changed")]


def test_the_parts_of_a_feature_that_is_off_are_no_drift_and_those_of_one_that_is_on_are() -> None:
    service = "compute.googleapis.com/BackendService"
    declared = {"logConfig": {"enable": False, "sampleRate": 1.0}}
    assert drift(service, declared, {}) == []
    assert drift(service, declared, {"logConfig": {"sampleRate": 0.0}}) == []
    assert drift(service, declared, {"logConfig": {"enable": True}}) != []
    on = {"logConfig": {"enable": True, "sampleRate": 1.0}}
    assert drift(service, on, {"logConfig": {"enable": True, "sampleRate": 0.0}}) == [
        ("logConfig.sampleRate", "changed")
    ]


def test_a_resource_that_is_switched_off_is_compared_as_any_other() -> None:
    alert = "monitoring.googleapis.com/AlertPolicy"
    declared = {"enabled": False, "displayName": "a", "notificationChannels": ["x"]}
    assert drift(alert, declared, {"enabled": False, "displayName": "a"}) == [("notificationChannels", "missing")]


def test_a_value_that_is_answered_under_another_field_is_the_same_value() -> None:
    dataset = "bigquery.googleapis.com/Dataset"
    declared = {"access": [{"role": "READER", "iamMember": "user:Ann@example.com"}]}
    assert drift(dataset, declared, {"access": [{"role": "READER", "userByEmail": "ann@example.com"}]}) == []
    assert drift(dataset, declared, {"access": [{"role": "READER", "userByEmail": "bob@example.com"}]}) != []
    assert drift(dataset, declared, {"access": [{"role": "READER", "groupByEmail": "ann@example.com"}]}) != []


@pytest.mark.parametrize(
    "live",
    [
        {"deleted": True},
        {"state": "DELETED"},
        {"lifecycleState": "DELETE_REQUESTED"},
        {"deleteTime": "2025-01-01T00:00:00Z"},
    ],
)
def test_a_resource_that_was_deleted_and_is_kept_for_a_while_is_drift(live: dict[str, Any]) -> None:
    role = "iam.googleapis.com/Role"
    resource = {"title": "Ops"}
    answer = as_inventoried(explained(role, resource, resource | live), role, resource | live)
    assert [difference.path for difference in answer.differences] == list(live)
    kept = resource | {"deleted": False}
    assert as_inventoried(explained(role, resource, kept), role, kept).differences == ()
