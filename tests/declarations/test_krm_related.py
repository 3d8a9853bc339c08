"""Config Connector objects that declare other resources than their own, and fields that no resource has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from setpoint.cli import diff_jsonl
from setpoint.declarations.readers.load import LoadResult, load

PROJECT = "//compute.googleapis.com/projects/fleet-1"


def loaded(folder: Path, group: str, kind: str, spec: dict[str, Any], **metadata: Any) -> LoadResult:
    value = {
        "apiVersion": f"{group}.cnrm.cloud.google.com/v1beta1",
        "kind": kind,
        "metadata": {"name": "a", "namespace": "fleet-1", **metadata},
        "spec": spec,
    }
    (folder / "a.yaml").write_text(yaml.safe_dump(value))
    return load([str(folder)])


def declared(result: LoadResult) -> dict[str, Any]:
    assert not result.problems
    return {
        str(declaration.key.name): declaration.data
        for desired in result.desired
        for declaration in desired.declarations
    }


def test_the_clusters_of_an_instance_of_bigtable_are_resources_of_their_own(tmp_path: Path) -> None:
    clusters = [
        {"clusterId": "c1", "zone": "us-central1-b", "numNodes": 3, "storageType": "SSD"},
        {
            "clusterId": "c2",
            "zone": "us-east1-c",
            "autoscalingConfig": {"minNodes": 1, "maxNodes": 5, "cpuTarget": 60, "storageTarget": 2560},
            "kmsKeyRef": {"external": "projects/k/locations/us/keyRings/r/cryptoKeys/c"},
        },
    ]
    result = loaded(tmp_path, "bigtable", "BigtableInstance", {"displayName": "A", "cluster": clusters})
    instance = "//bigtable.googleapis.com/projects/fleet-1/instances/a"
    assert declared(result) == {
        instance: {"displayName": "A"},
        f"{instance}/clusters/c1": {
            "location": "projects/fleet-1/locations/us-central1-b",
            "serveNodes": 3,
            "defaultStorageType": "SSD",
        },
        f"{instance}/clusters/c2": {
            "location": "projects/fleet-1/locations/us-east1-c",
            "clusterConfig": {
                "clusterAutoscalingConfig": {
                    "autoscalingLimits": {"minServeNodes": 1, "maxServeNodes": 5},
                    "autoscalingTargets": {"cpuUtilizationPercent": 60, "storageUtilizationGibPerNode": 2560},
                }
            },
            "encryptionConfig": {"kmsKeyName": "projects/k/locations/us/keyRings/r/cryptoKeys/c"},
        },
    }
    assert not result.warnings
    cluster = result.desired[1].declarations[0]
    assert (cluster.project, cluster.origins["serveNodes"]) == ("fleet-1", "spec.cluster[0].numNodes")


def test_a_misspelt_field_of_a_cluster_is_an_error_at_its_place(tmp_path: Path) -> None:
    clusters = [{"clusterId": "c1", "zone": "us-central1-b", "numNode": 3, "defaultStorageTyp": "SSD"}]
    result = loaded(tmp_path, "bigtable", "BigtableInstance", {"cluster": clusters})
    assert [problem.field for problem in result.problems] == ["spec.cluster[0].defaultStorageTyp"]


@pytest.mark.parametrize("reference", ["0A1B2C-3D4E5F-678901", "billingAccounts/0A1B2C-3D4E5F-678901"])
def test_the_account_that_pays_for_a_project_is_declared_beside_it(tmp_path: Path, reference: str) -> None:
    spec = {"name": "Fleet", "billingAccountRef": {"external": reference}, "folderRef": {"external": "123"}}
    result = loaded(tmp_path, "resourcemanager", "Project", spec, name="fleet-2")
    data = declared(result)
    assert data["//cloudbilling.googleapis.com/projects/fleet-2/billingInfo"] == {
        "billingAccountName": "billingAccounts/0A1B2C-3D4E5F-678901"
    }
    assert len(data) == 2


def test_a_project_without_an_account_declares_itself_alone(tmp_path: Path) -> None:
    result = loaded(tmp_path, "resourcemanager", "Project", {"name": "Fleet", "folderRef": {"external": "123"}})
    assert len(declared(result)) == 1


def test_the_metadata_of_a_project_and_a_host_of_networks_are_fields_of_the_project(tmp_path: Path) -> None:
    result = loaded(tmp_path, "compute", "ComputeProjectMetadata", {"metadata": {"b": "2", "a": 1}})
    items = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    assert declared(result) == {PROJECT: {"commonInstanceMetadata": {"items": items}}}
    assert result.desired[0].declarations[0].mode == "alert"
    result = loaded(tmp_path, "compute", "ComputeSharedVPCHostProject", {})
    assert declared(result) == {PROJECT: {"xpnProjectStatus": "HOST"}}


@pytest.mark.parametrize(("nodes", "verdict"), [(3, "in_sync"), (4, "drift")])
def test_the_cluster_of_an_instance_is_compared_with_its_own_resource(nodes: int, verdict: str) -> None:
    clusters = [{"clusterId": "c0", "numNodes": 9}, {"clusterId": "c1", "zone": "us-central1-b", "numNodes": 3}]
    question = {
        "id": "q",
        "format": "krm",
        "declared": {
            "apiVersion": "bigtable.cnrm.cloud.google.com/v1beta1",
            "kind": "BigtableInstance",
            "metadata": {"name": "a", "namespace": "fleet-1"},
            "spec": {"cluster": clusters},
        },
        "live": {"location": "projects/fleet-1/locations/us-central1-b", "serveNodes": nodes},
        "asset_type": "bigtableadmin.googleapis.com/Cluster",
        "full_name": "//bigtable.googleapis.com/projects/fleet-1/instances/a/clusters/c1",
        "project": {"id": "fleet-1", "number": "123456789012"},
    }
    answer: Any = diff_jsonl.answer(msgspec.json.encode(question))
    assert (answer.verdict, answer.checked) == (verdict, 2)


@pytest.mark.parametrize(
    ("group", "kind", "spec", "reason"),
    [
        (
            "dataflow",
            "DataflowJob",
            {"resourceID": "1", "region": "r", "maxWorkers": 3},
            "given when the job is launched",
        ),
        ("compute", "ComputeInstance", {"zone": "us-a1-b", "desiredStatus": "RUNNING"}, "an act of the controller"),
        ("spanner", "SpannerDatabase", {"instanceRef": {"name": "i"}, "ddl": ["x"]}, "given when the resource is made"),
        ("redis", "RedisInstance", {"region": "us-a1", "maintenancePolicy": {"createTime": "x"}}, "set by the service"),
    ],
)
def test_a_field_that_cannot_be_compared_is_reported_with_its_reason(
    tmp_path: Path, group: str, kind: str, spec: dict[str, Any], reason: str
) -> None:
    result = loaded(tmp_path, group, kind, spec)
    messages = [problem.message for problem in (*result.warnings, *result.problems)]
    assert [message.startswith(f"not compared, {reason}") for message in messages if "not compared" in message] == [
        True
    ]


def test_a_reference_that_looks_like_json_hinders_no_document(tmp_path: Path) -> None:
    spec = {"location": "us", "resourceID": "1", "displayName": "d", "scheduleOptions": {"external": "[]"}}
    result = loaded(tmp_path, "bigquerydatatransfer", "BigQueryDataTransferConfig", spec)
    assert [problem.category for problem in result.problems if problem.category == "reader-failed"] == []
