from __future__ import annotations

from typing import Any

import pytest

from setpoint.declarations.readers.krm_names import full_name
from setpoint.declarations.readers.krm_references import Objects

NAMESPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "team-a", "annotations": {"cnrm.cloud.google.com/project-id": "orders-prod"}},
}


def an_object(group: str, kind: str, spec: dict[str, Any], name: str = "x", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{group}.cnrm.cloud.google.com/v1beta1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "team-a", **metadata},
        "spec": spec,
    }


RING = an_object("kms", "KMSKeyRing", {"location": "europe"}, "ring")
ALLOY = an_object("alloydb", "AlloyDBCluster", {"location": "us-east1", "projectRef": {"external": "data-prod"}}, "db")


@pytest.mark.parametrize(
    ("group", "kind", "spec", "name"),
    [
        ("compute", "ComputeNetwork", {}, "compute.googleapis.com/projects/orders-prod/global/networks/x"),
        # The place decides among an API's paths.
        (
            "compute",
            "ComputeAddress",
            {"location": "global"},
            "compute.googleapis.com/projects/orders-prod/global/addresses/x",
        ),
        (
            "compute",
            "ComputeAddress",
            {"location": "us-east1"},
            "compute.googleapis.com/projects/orders-prod/regions/us-east1/addresses/x",
        ),
        (
            "compute",
            "ComputeDisk",
            {"location": "us-east1-b"},
            "compute.googleapis.com/projects/orders-prod/zones/us-east1-b/disks/x",
        ),
        (
            "container",
            "ContainerCluster",
            {"location": "us-east1"},
            "container.googleapis.com/projects/orders-prod/locations/us-east1/clusters/x",
        ),
        (
            "container",
            "ContainerCluster",
            {"location": "us-east1-b"},
            "container.googleapis.com/projects/orders-prod/zones/us-east1-b/clusters/x",
        ),
        # Of a kind without a place, where the path has one.
        (
            "apigateway",
            "APIGatewayAPI",
            {},
            "apigateway.googleapis.com/projects/orders-prod/locations/global/apis/x",
        ),
        # What holds it: an object, a name from outside, a plain field.
        (
            "kms",
            "KMSCryptoKey",
            {"keyRingRef": {"name": "ring"}},
            "cloudkms.googleapis.com/projects/orders-prod/locations/europe/keyRings/ring/cryptoKeys/x",
        ),
        (
            "alloydb",
            "AlloyDBInstance",
            {"clusterRef": {"name": "db"}},
            "alloydb.googleapis.com/projects/data-prod/locations/us-east1/clusters/db/instances/x",
        ),
        (
            "alloydb",
            "AlloyDBInstance",
            {"clusterRef": {"external": "projects/p/locations/l/clusters/c"}},
            "alloydb.googleapis.com/projects/p/locations/l/clusters/c/instances/x",
        ),
        (
            "bigquery",
            "BigQueryTable",
            {"datasetRef": {"external": "sales"}},
            "bigquery.googleapis.com/projects/orders-prod/datasets/sales/tables/x",
        ),
        # Its own id, where the object says another; where it has no id at all; where two fields are it.
        ("pubsub", "PubSubTopic", {"resourceID": "y"}, "pubsub.googleapis.com/projects/orders-prod/topics/y"),
        (
            "kms",
            "KMSAutokeyConfig",
            {"folderRef": {"external": "folders/7"}},
            "cloudkms.googleapis.com/folders/7/autokeyConfig",
        ),
        (
            "dns",
            "DNSRecordSet",
            {"name": "a.example.", "type": "A", "managedZoneRef": {"external": "z"}},
            "dns.googleapis.com/projects/orders-prod/managedZones/z/rrsets/a.example./A",
        ),
        # Hosts and forms of the inventory.
        ("storage", "StorageBucket", {}, "storage.googleapis.com/x"),
        ("sql", "SQLInstance", {"region": "us-east1"}, "cloudsql.googleapis.com/projects/orders-prod/instances/x"),
        ("bigtable", "BigtableInstance", {}, "bigtable.googleapis.com/projects/orders-prod/instances/x"),
        (
            "iam",
            "IAMServiceAccount",
            {},
            "iam.googleapis.com/projects/orders-prod/serviceAccounts/x@orders-prod.iam.gserviceaccount.com",
        ),
        # Above projects.
        (
            "logging",
            "LoggingLogSink",
            {"organizationRef": {"external": "organizations/55"}},
            "logging.googleapis.com/organizations/55/sinks/x",
        ),
        (
            "logging",
            "LoggingLogBucket",
            {"location": "global", "folderRef": {"external": "7"}},
            "logging.googleapis.com/folders/7/locations/global/buckets/x",
        ),
        ("tags", "TagsTagKey", {"resourceID": "9"}, "cloudresourcemanager.googleapis.com/tagKeys/9"),
    ],
)
def test_an_object_tells_its_full_resource_name(group: str, kind: str, spec: dict[str, Any], name: str) -> None:
    assert full_name(an_object(group, kind, spec), Objects([NAMESPACE, RING, ALLOY])) == f"//{name}"


def test_an_annotation_of_the_object_wins_over_its_namespace_and_a_reference_over_both() -> None:
    annotated = {"annotations": {"cnrm.cloud.google.com/project-id": "own-prod"}}
    value = an_object("pubsub", "PubSubTopic", {}, **annotated)
    assert full_name(value, Objects([NAMESPACE])) == "//pubsub.googleapis.com/projects/own-prod/topics/x"
    value["spec"]["projectRef"] = {"external": "third-prod"}
    assert full_name(value, Objects([NAMESPACE])) == "//pubsub.googleapis.com/projects/third-prod/topics/x"


def test_a_namespace_without_an_annotation_is_named_after_its_project() -> None:
    value = an_object("pubsub", "PubSubTopic", {}, namespace="orders-dev")
    assert full_name(value, Objects()) == "//pubsub.googleapis.com/projects/orders-dev/topics/x"


@pytest.mark.parametrize(
    ("group", "kind", "spec"),
    [
        ("tags", "TagsTagKey", {}),  # the server numbers it
        ("compute", "ComputeSubnetwork", {}),  # no region
        ("compute", "ComputeNetwork", {"location": "us-east1"}),  # networks have none
        ("kms", "KMSCryptoKey", {}),  # no key ring
    ],
)
def test_a_name_that_is_not_told_is_not_made_up(group: str, kind: str, spec: dict[str, Any]) -> None:
    assert full_name(an_object(group, kind, spec), Objects([NAMESPACE])) == ""


def test_objects_that_hold_each_other_end() -> None:
    value = an_object("alloydb", "AlloyDBInstance", {"clusterRef": {"name": "x"}})
    cluster = an_object("alloydb", "AlloyDBInstance", {"clusterRef": {"name": "x"}})
    assert full_name(value, Objects([NAMESPACE, cluster])) == ""
