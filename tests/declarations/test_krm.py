from __future__ import annotations

from typing import Any

import pytest

from setpoint.comparison import explain
from setpoint.declarations.readers import krm
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.krm import Objects
from setpoint.declarations.readers.krm_kinds import resolve
from setpoint.declarations.readers.translation import Translated
from setpoint.model.references import Project

OWN = Project("orders-prod", "421337000001")


def an_object(
    kind: str, spec: dict[str, Any], *, name: str = "web", group: str = "", **metadata: Any
) -> dict[str, Any]:
    group = group or ("storage" if kind.startswith("Storage") else "compute")
    return {
        "apiVersion": f"{group}.cnrm.cloud.google.com/v1beta1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "orders-prod", **metadata},
        "spec": spec,
    }


def read(value: Any, *others: Any) -> Translated | list[Problem]:
    return krm.read(
        Document(file="fleet/web.yaml", line=7, position=2, value=value, text="", text_line=7),
        Objects([value, *others]),
    )


def translated(value: Any, *others: Any) -> Translated:
    mapped = read(value, *others)
    assert isinstance(mapped, Translated), mapped
    return mapped


@pytest.mark.parametrize(
    ("group", "kind", "asset_type"),
    [
        ("compute", "ComputeTargetHTTPSProxy", "compute.googleapis.com/TargetHttpsProxy"),
        ("compute", "ComputeManagedSSLCertificate", "compute.googleapis.com/SslCertificate"),
        ("sql", "SQLInstance", "sqladmin.googleapis.com/Instance"),
        ("sql", "SQLDatabase", "sqladmin.googleapis.com/Database"),
        ("kms", "KMSKeyRing", "cloudkms.googleapis.com/KeyRing"),
        ("dns", "DNSRecordSet", "dns.googleapis.com/ResourceRecordSet"),
        ("resourcemanager", "Project", "cloudresourcemanager.googleapis.com/Project"),
        ("vertexai", "VertexAIDataset", "aiplatform.googleapis.com/Dataset"),
        ("workstations", "WorkstationCluster", "workstations.googleapis.com/WorkstationCluster"),
        ("nobody", "NobodyThing", "nobody.googleapis.com/Thing"),
    ],
)
def test_a_kind_tells_its_asset_type(group: str, kind: str, asset_type: str) -> None:
    assert resolve(f"{group}.cnrm.cloud.google.com", kind).asset_type == asset_type


def test_only_objects_of_google_clouds_groups_are_read() -> None:
    assert krm.is_krm(an_object("ComputeFirewall", {}))
    assert not krm.is_krm({"apiVersion": "apps/v1", "kind": "Deployment"})
    assert not krm.is_krm({"apiVersion": "core.cnrm.cloud.google.com/v1beta1", "kind": "ConfigConnectorContext"})
    assert not krm.is_krm(["compute.cnrm.cloud.google.com/v1beta1"])


def test_a_firewall_becomes_the_apis_firewall() -> None:
    mapped = translated(
        an_object(
            "ComputeFirewall",
            {
                "networkRef": {"name": "shared"},
                "allow": [{"protocol": "tcp", "ports": ["443"]}],
                "sourceRanges": ["10.0.0.0/8"],
                "targetServiceAccounts": [{"name": "web"}],
            },
        )
    )
    assert mapped.declaration.key.name == "//compute.googleapis.com/projects/orders-prod/global/firewalls/web"
    assert mapped.declaration.asset_type == "compute.googleapis.com/Firewall"
    assert mapped.declaration.project == "orders-prod"
    assert mapped.declaration.data == {
        "network": "shared",
        "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}],
        "sourceRanges": ["10.0.0.0/8"],
        "targetServiceAccounts": ["web"],
    }
    assert str(mapped.declaration.source) == "fleet/web.yaml:7"
    assert mapped.unchecked == ()


def test_a_difference_is_told_in_the_manifests_words() -> None:
    mapped = translated(
        an_object("ComputeFirewall", {"allow": [{"protocol": "tcp", "ports": ["443"]}], "priority": 900})
    )
    live = {"allowed": [{"IPProtocol": "TCP", "ports": ["80"]}], "priority": 900}
    schema = resolve("compute", "ComputeFirewall").schema
    [difference] = explain.examine(mapped.declaration.data, live, schema, OWN).differences
    assert mapped.declared_path(difference.path) == "spec.allow[0].ports"


def test_labels_of_the_object_are_the_resources_where_it_has_labels() -> None:
    labels = {"team": "orders", "app.kubernetes.io/name": "web"}
    bucket = translated(an_object("StorageBucket", {"location": "EU"}, labels=labels))
    assert bucket.declaration.data["labels"] == {"team": "orders", "managed-by-cnrm": "true"}
    assert bucket.declared_path("labels.team") == "metadata.labels.team"
    sql = translated(an_object("SQLInstance", {"region": "europe-west1"}, group="sql", labels=labels))
    assert sql.declaration.data["settings"] == {"userLabels": {"team": "orders", "managed-by-cnrm": "true"}}
    firewall = translated(an_object("ComputeFirewall", {"priority": 1}, labels=labels))
    assert "labels" not in firewall.declaration.data


def test_labels_of_the_spec_win_over_those_of_the_object() -> None:
    mapped = translated(
        an_object(
            "SecretManagerSecret",
            {"labels": {"team": "spec"}},
            group="secretmanager",
            labels={"team": "object", "tier": "a"},
        )
    )
    assert mapped.declaration.data["labels"] == {"team": "spec", "tier": "a", "managed-by-cnrm": "true"}
    assert mapped.declared_path("labels.team") == "spec.labels.team"
    assert mapped.declared_path("labels.tier") == "metadata.labels.tier"


def test_fields_of_the_place_and_of_the_controller_are_no_data() -> None:
    mapped = translated(
        an_object(
            "ComputeAddress",
            {"location": "europe-west1", "resourceID": "nat-1", "projectRef": {"external": "projects/other"}},
        )
    )
    assert mapped.declaration.key.name == "//compute.googleapis.com/projects/other/regions/europe-west1/addresses/nat-1"
    assert mapped.declaration.data == {}
    assert mapped.unchecked == ()


def test_references_become_what_the_api_wants() -> None:
    account = an_object("IAMServiceAccount", {}, name="runner", group="iam")
    network = an_object("ComputeNetwork", {"resourceID": "shared-vpc"}, name="shared")
    template = an_object(
        "ComputeInstanceTemplate",
        {
            "machineType": "e2-small",
            "networkInterface": [{"networkRef": {"name": "shared"}}],
            "serviceAccount": {"serviceAccountRef": {"name": "runner"}, "scopes": ["cloud-platform"]},
        },
    )
    mapped = translated(template, account, network).declaration.data["properties"]
    assert mapped["networkInterfaces"] == [{"network": "shared-vpc"}]
    assert mapped["serviceAccounts"] == [
        {"email": "runner@orders-prod.iam.gserviceaccount.com", "scopes": ["cloud-platform"]}
    ]


def test_among_objects_of_one_name_the_field_tells_which_is_meant() -> None:
    network = an_object("ComputeNetwork", {"resourceID": "the-network"}, name="apps")
    subnetwork = an_object("ComputeSubnetwork", {"resourceID": "the-subnetwork", "region": "us-east1"}, name="apps")
    route = an_object("ComputeForwardingRule", {"networkRef": {"name": "apps"}, "subnetworkRef": {"name": "apps"}})
    mapped = translated(route | {"spec": route["spec"] | {"location": "us-east1"}}, network, subnetwork)
    assert mapped.declaration.data["network"] == "the-network"
    assert mapped.declaration.data["subnetwork"] == "the-subnetwork"


def test_what_only_the_cluster_or_the_server_knows_is_unchecked() -> None:
    channel = an_object("MonitoringNotificationChannel", {"type": "email"}, name="mail", group="monitoring")
    policy = an_object(
        "MonitoringAlertPolicy",
        {
            "resourceID": "17",
            "displayName": "Orders",
            "notificationChannels": [{"name": "mail"}],
            "documentation": {"content": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}},
        },
        group="monitoring",
    )
    policy["spec"]["notificationChannels"] = [{"notificationChannelRef": {"name": "mail"}}]
    mapped = translated(policy, channel)
    assert mapped.declaration.data == {"displayName": "Orders"}
    assert len(mapped.unchecked) >= 2


def test_free_form_json_in_protobufs_own_words_is_unchecked() -> None:
    spec = {
        "resourceID": "p",
        "location": "europe-west1",
        "displayName": "Train",
        "trainingTaskInputs": {"structValue": {"fields": {"a": {"stringValue": "b"}}}},
    }
    mapped = translated(an_object("VertexAITrainingPipeline", spec, group="aiplatform"))
    assert mapped.declaration.data == {"displayName": "Train"}
    assert mapped.unchecked == ("spec.trainingTaskInputs",)


def test_a_project_knows_its_parent_and_its_display_name() -> None:
    value = an_object("Project", {"name": "Orders", "folderRef": {"external": "folders/77"}}, group="resourcemanager")
    mapped = translated(value | {"metadata": {"name": "orders-prod"}})
    assert mapped.declaration.key.name == "//cloudresourcemanager.googleapis.com/projects/orders-prod"
    assert mapped.declaration.data == {"displayName": "Orders", "parent": "folders/77"}
    assert mapped.declared_path("parent") == "spec.folderRef"


def test_a_resource_that_no_document_describes_is_taken_as_written() -> None:
    spec = {"location": "europe-west1", "poolRef": {"external": "p"}, "hostURL": "x"}
    mapped = translated(an_object("VisionAIApplication", spec, group="visionai"))
    assert (
        mapped.declaration.key.name
        == "//visionai.googleapis.com/projects/orders-prod/locations/europe-west1/applications/web"
    )
    assert mapped.declaration.data == {"pool": "p", "hostUrl": "x"}


def test_an_address_by_name_is_unknown_unless_it_says_itself() -> None:
    rule = an_object("ComputeForwardingRule", {"location": "us-east1", "ipAddress": {"addressRef": {"name": "front"}}})
    address = an_object("ComputeAddress", {"location": "us-east1"}, name="front")
    mapped = translated(rule, address)
    assert mapped.declaration.data == {}
    assert mapped.unchecked == ("spec.ipAddress.addressRef",)
    address["spec"]["address"] = "192.0.2.7"
    assert translated(rule, address).declaration.data == {"IPAddress": "192.0.2.7"}


def test_a_service_account_among_members_is_told_by_its_kind() -> None:
    spec = {
        "resourceID": "accessPolicies/7/accessLevels/office",
        "title": "Office",
        "basic": {
            "conditions": [{"members": [{"serviceAccountRef": {"name": "bot"}}, {"user": "user:a@example.com"}]}]
        },
    }
    mapped = translated(an_object("AccessContextManagerAccessLevel", spec, group="accesscontextmanager"))
    [condition] = mapped.declaration.data["basic"]["conditions"]
    assert condition["members"] == [
        "serviceAccount:bot@orders-prod.iam.gserviceaccount.com",
        "user:a@example.com",
    ]


def test_labels_of_a_notification_channel_are_its_users_labels() -> None:
    spec = {"resourceID": "7", "type": "email", "labels": {"email_address": "ops@example.com"}}
    mapped = translated(
        an_object("MonitoringNotificationChannel", spec, group="monitoring", labels={"team": "orders"})
    ).declaration.data
    assert mapped["labels"] == {"email_address": "ops@example.com"}
    assert mapped["userLabels"] == {"team": "orders", "managed-by-cnrm": "true"}


def test_a_part_of_another_resource_that_does_not_say_of_which_declares_nothing_and_is_told() -> None:
    nat = an_object("ComputeRouterNAT", {"region": "us-east1", "routerRef": {"name": "r"}})
    (left_out,) = read(an_object("ComputeRouterNAT", {"region": "us-east1"}))
    assert (left_out.category, left_out.is_error) == ("part-of-another", False)
    assert "compute.googleapis.com/Router" in left_out.message
    assert krm.describes_other_type(nat, "compute.googleapis.com/Router")
    assert not krm.describes_other_type(an_object("ComputeRouter", {}), "compute.googleapis.com/Router")
    assert not krm.describes_other_type(
        an_object("ComputeForwardingRule", {}), "compute.googleapis.com/GlobalForwardingRule"
    )
    left = krm.uncomparable(nat, name="//compute.googleapis.com/x", asset_type="compute.googleapis.com/Router")
    assert left.declaration.data == {}
    assert left.unchecked == ("spec.routerRef",)


def test_a_misspelt_field_is_left_and_comes_with_the_nearest_names() -> None:
    mapped = translated(an_object("StorageBucket", {"versionin": {"enabled": True}}))
    assert [(field.path, field.nearest()) for field in mapped.unplaced] == [("spec.versionin", ("versioning",))]


@pytest.mark.parametrize(
    ("value", "field", "message"),
    [
        ({"apiVersion": "x.cnrm.cloud.google.com/v1", "metadata": {"name": "a"}}, "kind", "is missing"),
        ({"apiVersion": "x.cnrm.cloud.google.com/v1", "kind": "X"}, "metadata.name", "is missing"),
        (an_object("StorageBucket", {}) | {"spec": [1]}, "spec", "must be an object"),
        (
            an_object("Folder", {"displayName": "F"}, group="resourcemanager"),
            "spec.resourceID",
            "the service chooses the id of a Folder",
        ),
        (an_object("ComputeNetwork", {}) | {"metadata": {"name": "a"}}, "metadata", "does not name the project"),
        (an_object("ComputeSubnetwork", {}), "spec", "set its location"),
        (an_object("IAMPolicy", {"bindings": []}, group="iam"), "spec.resourceRef", "does not identify the resource"),
    ],
)
def test_what_is_wrong_is_said_with_its_field(value: dict[str, Any], field: str, message: str) -> None:
    result = read(value)
    assert isinstance(result, list)
    assert [problem.field for problem in result] == [field]
    assert message in result[0].message
    assert result[0].file == "fleet/web.yaml"
