"""Fields that Config Connector names or shapes otherwise than the API are compared, and named in the author's words."""

from __future__ import annotations

from typing import Any

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.readers import krm, krm_kinds
from setpoint.declarations.readers.krm_references import Objects
from setpoint.declarations.readers.translation import Translated


def translated(group: str, kind: str, spec: dict[str, Any]) -> Translated:
    head = {"apiVersion": f"{group}.cnrm.cloud.google.com/v1beta1", "kind": kind}
    value = {**head, "metadata": {"name": "x", "namespace": "p-123"}, "spec": spec}
    target = krm_kinds.resolve(group, kind)
    schema = default_catalogue().schema_for(target.asset_type)
    return krm.translate(
        value, Objects([value]), name="//x.googleapis.com/projects/p-123/x", asset_type=target.asset_type, schema=schema
    )


@pytest.mark.parametrize(
    ("group", "kind", "spec", "data"),
    [
        (
            "storage",
            "StorageBucket",
            {"lifecycleRule": [{"condition": {"withState": "ARCHIVED"}}, {"condition": {"withState": "LIVE"}}]},
            {"lifecycle": {"rule": [{"condition": {"isLive": False}}, {"condition": {"isLive": True}}]}},
        ),
        ("storage", "StorageBucket", {"requesterPays": True}, {"billing": {"requesterPays": True}}),
        (
            "secretmanager",
            "SecretManagerSecret",
            {"replication": {"automatic": True}},
            {"replication": {"automatic": {}}},
        ),
        ("secretmanager", "SecretManagerSecret", {"replication": {"auto": {}}}, {"replication": {"automatic": {}}}),
        ("bigtable", "BigtableAppProfile", {"multiClusterRoutingUseAny": True}, {"multiClusterRoutingUseAny": {}}),
        (
            "bigtable",
            "BigtableAppProfile",
            {"multiClusterRoutingClusterIds": ["a"]},
            {"multiClusterRoutingUseAny": {"clusterIds": ["a"]}},
        ),
        (
            "bigtable",
            "BigtableTable",
            {"columnFamily": [{"family": "f"}], "changeStreamRetention": "24h"},
            {"columnFamilies": {"f": {}}, "changeStreamConfig": {"retentionPeriod": "24h"}},
        ),
        (
            "managedkafka",
            "ManagedKafkaCluster",
            {"gcpConfig": {"accessConfig": {"networkConfigs": [{"subnetworkRef": {"external": "s"}}]}}},
            {"gcpConfig": {"accessConfig": {"networkConfigs": [{"subnet": "s"}]}}},
        ),
        (
            "workstations",
            "WorkstationConfig",
            {"persistentDirectories": [{"mountPath": "/home", "gcePersistentDisk": {"sizeGB": 200}}]},
            {"persistentDirectories": [{"mountPath": "/home", "gcePd": {"sizeGb": 200}}]},
        ),
        (
            "memorystore",
            "MemorystoreInstance",
            {"endpoints": [{"connections": [{"pscAutoConnection": {"projectRef": {"external": "p"}}}]}]},
            {"endpoints": [{"connections": [{"pscAutoConnection": {"projectId": "p"}}]}]},
        ),
        ("dns", "DNSManagedZone", {"reverseLookup": True}, {"reverseLookupConfig": {}}),
        ("dns", "DNSManagedZone", {"reverseLookup": False}, {"reverseLookupConfig": None}),
        (
            "secretmanager",
            "SecretManagerSecret",
            {"replication": {"automatic": False}},
            {"replication": {"automatic": None}},
        ),
        ("secretmanager", "SecretManagerSecretVersion", {"enabled": False}, {"state": "DISABLED"}),
        (
            "privateca",
            "PrivateCACAPool",
            {"issuancePolicy": {"baselineValues": {"caOptions": {"isCa": True, "zeroMaxIssuerPathLength": True}}}},
            {"issuancePolicy": {"baselineValues": {"caOptions": {"isCa": True, "maxIssuerPathLength": 0}}}},
        ),
        (
            "privateca",
            "PrivateCACertificate",
            {"config": {"x509Config": {"caOptions": {"nonCa": True, "zeroMaxIssuerPathLength": False}}}},
            {"config": {"x509Config": {"caOptions": {"isCa": False}}}},
        ),
        (
            "apigee",
            "ApigeeEnvironment",
            {"properties": {"a": "b"}},
            {"properties": {"property": [{"name": "a", "value": "b"}]}},
        ),
        (
            "dlp",
            "DLPStoredInfoType",
            {"description": "d"},
            {"currentVersion": {"config": {"description": "d"}}},
        ),
        (
            "binaryauthorization",
            "BinaryAuthorizationAttestor",
            {"userOwnedDrydockNote": {"noteRef": {"external": "projects/p/notes/n"}}},
            {"userOwnedGrafeasNote": {"noteReference": "projects/p/notes/n"}},
        ),
        (
            "compute",
            "ComputeResourcePolicy",
            {"diskConsistencyGroupPolicy": {"enabled": True}},
            {"diskConsistencyGroupPolicy": {}},
        ),
        (
            "compute",
            "ComputeResourcePolicy",
            {"diskConsistencyGroupPolicy": {"enabled": False}},
            {"diskConsistencyGroupPolicy": None},
        ),
        (
            "compute",
            "ComputeInstance",
            {"reservationAffinity": {"type": "A", "specificReservation": {"key": "k", "values": ["r"]}}},
            {"reservationAffinity": {"consumeReservationType": "A", "key": "k", "values": ["r"]}},
        ),
        (
            "compute",
            "ComputeServiceAttachment",
            {"consumerAcceptLists": [{"projectRef": {"external": "partner"}, "connectionLimit": 2}]},
            {"consumerAcceptLists": [{"projectIdOrNum": "partner", "connectionLimit": 2}]},
        ),
        (
            "compute",
            "ComputeInstance",
            {
                "bootDisk": {"autoDelete": True, "initializeParams": {"size": 10}},
                "attachedDisk": [{"sourceDiskRef": {"external": "d"}, "mode": "READ_ONLY"}],
            },
            {"disks": [{"boot": True, "autoDelete": True, "diskSizeGb": 10}, {"source": "d", "mode": "READ_ONLY"}]},
        ),
        (
            "compute",
            "ComputeInstance",
            {"metadata": [{"key": "a", "value": "b"}], "metadataStartupScript": "run"},
            {"metadata": {"items": [{"key": "a", "value": "b"}, {"key": "startup-script", "value": "run"}]}},
        ),
        (
            "compute",
            "ComputeAutoscaler",
            {"autoscalingPolicy": {"scalingSchedules": [{"name": "night", "minRequiredReplicas": 1}]}},
            {"autoscalingPolicy": {"scalingSchedules": {"night": {"minRequiredReplicas": 1}}}},
        ),
    ],
)
def test_a_field_is_put_where_the_api_has_it(group: str, kind: str, spec: dict[str, Any], data: dict[str, Any]) -> None:
    mapped = translated(group, kind, spec)
    assert mapped.declaration.data == data
    assert mapped.unplaced == ()


def test_a_state_that_means_any_is_not_compared() -> None:
    spec = {"lifecycleRule": [{"condition": {"withState": "ANY", "age": 3}}]}
    mapped = translated("storage", "StorageBucket", spec)
    assert mapped.declaration.data == {"lifecycle": {"rule": [{"condition": {"age": 3}}]}}
    assert mapped.unchecked == ("spec.lifecycleRule[0].condition.withState",)


@pytest.mark.parametrize(
    ("api", "author"),
    [
        ("disks[0].autoDelete", "spec.bootDisk.autoDelete"),
        ("disks[1].source", "spec.attachedDisk[0].sourceDiskRef"),
    ],
)
def test_a_disk_is_named_as_the_author_wrote_it(api: str, author: str) -> None:
    spec = {"bootDisk": {"autoDelete": True}, "attachedDisk": [{"sourceDiskRef": {"external": "d"}}]}
    mapped = translated("compute", "ComputeInstance", spec)
    assert mapped.declared_path(api).startswith(author.rpartition(".")[0])


def test_an_api_that_is_declared_is_declared_to_be_switched_on() -> None:
    mapped = translated("serviceusage", "Service", {"resourceID": "compute.googleapis.com"})
    assert mapped.declaration.data == {"state": "ENABLED"}
    assert mapped.declared_path("state") == "kind"
