"""Lists whose order has a meaning keep it, sets do not, and some have a first element."""

from __future__ import annotations

from typing import Any

import pytest

from comparison.compared import drift

ORDERED = [
    (
        "osconfig.googleapis.com/OSPolicyAssignment",
        "osPolicies.resourceGroups",
        [{"resources": [{"id": "x"}]}, {"resources": [{"id": "y"}]}],
    ),
    (
        "clouddeploy.googleapis.com/DeliveryPipeline",
        "serialPipeline.stages.strategy.standard.predeploy.actions",
        ["a", "b"],
    ),
    (
        "binaryauthorization.googleapis.com/PlatformPolicy",
        "gkePolicy.checkSets",
        [{"displayName": "a"}, {"displayName": "b"}],
    ),
    ("compute.googleapis.com/Instance", "networkInterfaces", [{"subnetwork": "a"}, {"subnetwork": "b"}]),
    ("appengine.googleapis.com/Version", "handlers", [{"urlRegex": "a"}, {"urlRegex": "b"}]),
    (
        "dlp.googleapis.com/InspectTemplate",
        "inspectConfig.ruleSet.rules",
        [
            {"hotwordRule": {"proximity": {"windowBefore": 1}}},
            {"exclusionRule": {"matchingType": "MATCHING_TYPE_FULL_MATCH"}},
        ],
    ),
    (
        "pubsub.googleapis.com/Topic",
        "messageTransforms",
        [{"javascriptUdf": {"functionName": "a"}}, {"javascriptUdf": {"functionName": "b"}}],
    ),
    (
        "gkebackup.googleapis.com/RestorePlan",
        "restoreConfig.transformationRules",
        [{"description": "a"}, {"description": "b"}],
    ),
]
SETS = [
    ("compute.googleapis.com/Firewall", "sourceRanges", ["10.0.0.0/8", "10.1.0.0/16"]),
    ("orgpolicy.googleapis.com/Policy", "spec.rules.values.allowedValues", ["is:projects/a", "is:projects/b"]),
    ("bigtableadmin.googleapis.com/AppProfile", "multiClusterRoutingUseAny.clusterIds", ["a", "b"]),
    ("iam.googleapis.com/Role", "includedPermissions", ["a.b.c", "a.b.d"]),
    (
        "compute.googleapis.com/SecurityPolicy",
        "rules",
        [{"priority": 1, "action": "allow"}, {"priority": 2, "action": "allow"}],
    ),
]


def at_path(path: str, value: Any) -> dict[str, Any]:
    """An object that holds a value at a path; a message on the way that is a list has one element."""
    *around, last = path.split(".")
    whole: dict[str, Any] = {last: value}
    for name in reversed(around):
        whole = {name: [whole] if name in ("osPolicies", "stages", "ruleSet", "rules") else whole}
    return whole


@pytest.mark.parametrize(("asset_type", "path", "elements"), ORDERED)
def test_another_order_of_an_ordered_list_is_drift(asset_type: str, path: str, elements: list[Any]) -> None:
    assert drift(asset_type, at_path(path, elements), at_path(path, elements[::-1])) != []
    assert drift(asset_type, at_path(path, elements), at_path(path, elements)) == []


@pytest.mark.parametrize(("asset_type", "path", "elements"), SETS)
def test_another_order_of_a_set_is_no_drift_and_another_element_is(
    asset_type: str, path: str, elements: list[Any]
) -> None:
    assert drift(asset_type, at_path(path, elements), at_path(path, elements[::-1])) == []
    assert drift(asset_type, at_path(path, elements), at_path(path, elements[:1])) != []


def test_of_disks_and_certificates_only_the_first_has_a_place() -> None:
    disks = [{"source": "boot", "boot": True}, {"source": "data-1"}, {"source": "data-2"}]
    instance = "compute.googleapis.com/Instance"
    assert drift(instance, {"disks": disks}, {"disks": [disks[0], disks[2], disks[1]]}) == []
    assert drift(instance, {"disks": disks}, {"disks": [disks[1], disks[0], disks[2]]}) == [("disks", "changed")]
    proxy = "compute.googleapis.com/TargetHttpsProxy"
    assert drift(proxy, {"sslCertificates": ["a", "b"]}, {"sslCertificates": ["b", "a"]}) == [
        ("sslCertificates", "changed")
    ]


@pytest.mark.parametrize(
    ("config", "taint"),
    [
        (
            {"accelerators": [{"acceleratorType": "nvidia-l4"}]},
            {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"},
        ),
        ({"machineType": "t2a-standard-4"}, {"key": "kubernetes.io/arch", "value": "arm64", "effect": "NO_SCHEDULE"}),
        (
            {"sandboxConfig": {"type": "GVISOR"}},
            {"key": "sandbox.gke.io/runtime", "value": "gvisor", "effect": "NO_SCHEDULE"},
        ),
    ],
)
def test_a_taint_that_gke_adds_is_no_drift_on_the_nodes_that_get_it(
    config: dict[str, Any], taint: dict[str, str]
) -> None:
    pool = "container.googleapis.com/NodePool"
    own = {"key": "team", "value": "shop", "effect": "NO_SCHEDULE"}
    declared = {"config": {**config, "taints": [own]}}
    assert drift(pool, declared, {"config": {**config, "taints": [own, taint]}}) == []
    assert drift(pool, {"config": {"taints": [own]}}, {"config": {"taints": [own, taint]}}) != []
    assert drift(pool, declared, {"config": {**config, "taints": [own, {**own, "key": "other"}]}}) != []


def test_a_default_rule_counts_with_the_action_that_it_comes_with() -> None:
    policy = "compute.googleapis.com/SecurityPolicy"
    rule = {"priority": 1, "action": "deny(403)"}
    default = {"priority": 2147483647, "action": "allow"}
    assert drift(policy, {"rules": [rule]}, {"rules": [rule, default]}) == []
    assert drift(policy, {"rules": [rule]}, {"rules": [rule, {**default, "action": "deny(403)"}]}) != []


TABLE = "bigquery.googleapis.com/Table"


def columns(*names_and_types: tuple[str, str]) -> dict[str, Any]:
    return {"schema": {"fields": [{"name": name, "type": kind} for name, kind in names_and_types]}}


def test_a_column_that_bigquery_has_added_at_the_end_is_no_drift():
    declared = columns(("id", "STRING"), ("team", "STRING"), ("at", "TIMESTAMP"))
    assert drift(TABLE, declared, columns(("id", "STRING"), ("at", "TIMESTAMP"), ("team", "STRING"))) == []


def test_columns_in_another_order_hide_no_change_of_one():
    declared = columns(("id", "STRING"), ("at", "TIMESTAMP"))
    assert drift(TABLE, declared, columns(("at", "TIMESTAMP"), ("id", "INTEGER")))
    assert drift(TABLE, declared, columns(("at", "TIMESTAMP"), ("ident", "STRING")))
    assert drift(TABLE, declared, columns(("at", "TIMESTAMP"), ("id", "STRING"), ("more", "STRING")))
