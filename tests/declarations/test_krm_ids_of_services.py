"""Ids that a service chooses: where an object tells them, and what is said where it does not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from setpoint.catalog import config_connector
from setpoint.declarations.readers import krm_names
from setpoint.declarations.readers.krm_references import Objects
from setpoint.declarations.readers.load import LoadResult, load


def an_object(group: str, kind: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    head = {"apiVersion": f"{group}.cnrm.cloud.google.com/v1beta1", "kind": kind}
    return {**head, "metadata": {"name": "mine", "namespace": "fleet-prod-123"}, "spec": spec, **more}


def name(value: dict[str, Any], *others: dict[str, Any]) -> str:
    return krm_names.full_name(value, Objects([value, *others]))


def loaded(tmp_path: Path, *values: dict[str, Any]) -> LoadResult:
    path = tmp_path / "all.json"
    path.write_text("\n".join(map(json.dumps, values)))
    return load([str(path)])


@pytest.mark.parametrize(
    ("group", "kind", "spec", "status", "expected"),
    [
        ("resourcemanager", "Folder", {}, {"folderId": "77"}, "//cloudresourcemanager.googleapis.com/folders/77"),
        ("resourcemanager", "Folder", {}, {"name": "folders/77"}, "//cloudresourcemanager.googleapis.com/folders/77"),
        ("tags", "TagsTagKey", {}, {"name": "tagKeys/5"}, "//cloudresourcemanager.googleapis.com/tagKeys/5"),
        (
            "monitoring",
            "MonitoringAlertPolicy",
            {},
            {"name": "projects/fleet-prod-123/alertPolicies/9"},
            "//monitoring.googleapis.com/projects/fleet-prod-123/alertPolicies/9",
        ),
        (
            "dataflow",
            "DataflowJob",
            {"region": "us-central1"},
            {"jobId": "2026-03-01_1"},
            "//dataflow.googleapis.com/projects/fleet-prod-123/locations/us-central1/jobs/2026-03-01_1",
        ),
        (
            "dlp",
            "DLPInspectTemplate",
            {"location": "us-west2", "projectRef": {"external": "fleet-prod-123"}},
            {"externalRef": "//dlp.googleapis.com/projects/fleet-prod-123/locations/us-west2/inspectTemplates/4"},
            "//dlp.googleapis.com/projects/fleet-prod-123/locations/us-west2/inspectTemplates/4",
        ),
    ],
)
def test_the_status_tells_the_id_that_the_service_chose(
    group: str, kind: str, spec: dict[str, Any], status: dict[str, Any], expected: str
) -> None:
    assert name(an_object(group, kind, spec, status=status)) == expected


def test_the_spec_counts_before_the_status() -> None:
    value = an_object("resourcemanager", "Folder", {"resourceID": "1"}, status={"folderId": "2"})
    assert name(value) == "//cloudresourcemanager.googleapis.com/folders/1"


@pytest.mark.parametrize(
    ("group", "kind", "spec"),
    [
        ("datacatalog", "DataCatalogTaxonomy", {"region": "us"}),
        ("iap", "IAPBrand", {"applicationTitle": "shop"}),
        ("sql", "SQLSSLCert", {"instanceRef": {"name": "i"}}),
        ("storagetransfer", "StorageTransferJob", {}),
        ("resourcemanager", "ResourceManagerLien", {"parent": {"projectRef": {"external": "p"}}}),
        ("iam", "IAMServiceAccountKey", {"serviceAccountRef": {"name": "ci"}}),
    ],
)
def test_the_name_of_a_manifest_is_no_id_that_a_service_chooses(
    tmp_path: Path, group: str, kind: str, spec: dict[str, Any]
) -> None:
    value = an_object(group, kind, spec)
    assert name(value) == ""
    result = loaded(tmp_path, value)
    assert not result.problems
    assert [(warning.category, warning.subject) for warning in result.warnings] == [("pending", f"{kind}/mine")]
    assert "kubectl get -o yaml" in result.warnings[0].message


def test_a_sink_of_an_unknown_folder_is_none_of_the_project(tmp_path: Path) -> None:
    sink = an_object("logging", "LoggingLogSink", {"folderRef": {"name": "platform"}})
    assert name(sink) == ""
    (problem,) = loaded(tmp_path, sink).problems
    assert (problem.field, problem.category) == ("spec.folderRef", "unnamed")
    folder = an_object("resourcemanager", "Folder", {}, status={"folderId": "77"}, metadata={"name": "platform"})
    assert name(sink, folder) == "//logging.googleapis.com/folders/77/sinks/mine"


def test_a_child_of_what_the_service_names_has_no_name_of_its_own() -> None:
    tag = an_object("datacatalog", "DataCatalogPolicyTag", {"taxonomyRef": {"name": "pii"}, "resourceID": "1"})
    assert name(tag) == ""


@pytest.mark.parametrize(
    ("group", "kind", "spec", "expected"),
    [
        ("compute", "ComputeImage", {}, "//compute.googleapis.com/projects/fleet-prod-123/global/images/mine"),
        (
            "compute",
            "ComputeSnapshot",
            {"zone": "us-central1-a"},
            "//compute.googleapis.com/projects/fleet-prod-123/global/snapshots/mine",
        ),
        (
            "pubsublite",
            "PubSubLiteReservation",
            {"region": "us-central1"},
            "//pubsublite.googleapis.com/projects/fleet-prod-123/locations/us-central1/reservations/mine",
        ),
        (
            "edgecontainer",
            "EdgeContainerNodePool",
            {"location": "us-central1", "clusterRef": {"external": "c"}},
            "//edgecontainer.googleapis.com/projects/fleet-prod-123/locations/us-central1/clusters/c/nodePools/mine",
        ),
        (
            "cloudquota",
            "APIQuotaPreference",
            {"location": "global"},
            "//cloudquotas.googleapis.com/projects/fleet-prod-123/locations/global/quotaPreferences/mine",
        ),
        (
            "spanner",
            "SpannerBackupSchedule",
            {"databaseRef": {"external": "projects/p/instances/i/databases/d"}},
            "//spanner.googleapis.com/projects/p/instances/i/databases/d/backupSchedules/mine",
        ),
    ],
)
def test_names_follow_the_api(group: str, kind: str, spec: dict[str, Any], expected: str) -> None:
    assert name(an_object(group, kind, spec)) == expected


def test_a_schedule_without_the_instance_of_its_database_has_no_name() -> None:
    assert name(an_object("spanner", "SpannerBackupSchedule", {"databaseRef": {"external": "d"}})) == ""


def test_rules_of_a_firewall_policy_are_parts_of_it(tmp_path: Path) -> None:
    rules = [
        an_object(
            "compute", "ComputeNetworkFirewallPolicyRule", {"firewallPolicyRef": {"name": "p"}, "priority": number}
        )
        for number in (1, 2)
    ]
    result = loaded(tmp_path, *rules)
    assert not result.problems
    (declared,) = result.desired
    assert [declaration.element for declaration in declared.declarations] == ["rules.priority"] * 2


@pytest.mark.parametrize(
    ("version", "kind", "message"),
    [
        ("storage.cnrm.cloud.google.com/v1beta1", "StorageBukcet", "did you mean StorageBucket?"),
        ("storag.cnrm.cloud.google.com/v1beta1", "StorageBucket", "did you mean storage.cnrm.cloud.google.com?"),
        ("storage.cnrm.cloud.google.con/v1beta1", "StorageBucket", "did you mean storage.cnrm.cloud.google.com?"),
        ("pubsub.cnrm.cloud.google.com/v1beta1", "StorageBucket", "did you mean storage.cnrm.cloud.google.com?"),
        ("storage.cnrm.cloud.google.com/v1beta1", "Nonsense", "is not known"),
        ("storage.cnrm.cloud.google.com", "StorageBucket", "must be GROUP/VERSION"),
    ],
)
def test_a_misspelt_kind_or_group_is_an_error(tmp_path: Path, version: str, kind: str, message: str) -> None:
    result = loaded(tmp_path, {"apiVersion": version, "kind": kind, "metadata": {"name": "a", "namespace": "p"}})
    assert not result.desired
    (problem,) = result.problems
    assert problem.subject == f"{kind}/a"
    assert message in problem.message


@pytest.mark.parametrize("kind", ["VertexAIEndpoint", "VertexAIPipelineJob"])
def test_a_kind_is_taken_in_any_group_of_its_service(kind: str) -> None:
    assert config_connector.groups_of(kind)
    for group in ("vertexai", "aiplatform"):
        assert not list(krm_names.krm_kinds.faults({"apiVersion": f"{group}.cnrm.cloud.google.com/v1", "kind": kind}))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metadata": {"name": "a", "namespace": "HOST_PROJECT_ID"}}, "metadata.namespace"),
        ({"metadata": {"name": "a", "namespace": "${PROJECT}"}}, "metadata.namespace"),
        ({"metadata": {"name": "{{ .Values.name }}", "namespace": "p"}}, "metadata.name"),
        ({"spec": {"resourceID": "${PROJECT_ID?}-bucket"}}, "spec.resourceID"),
        ({"spec": {"projectRef": {"external": "projects/PROJECT_ID"}}}, "spec.projectRef.external"),
    ],
)
def test_a_placeholder_in_a_name_or_place_is_an_error(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    result = loaded(tmp_path, an_object("storage", "StorageBucket", {}) | change)
    assert [(problem.field, problem.category) for problem in result.problems] == [(field, "placeholder")]


@pytest.mark.parametrize("resource_id", ["DB_PASSWORD", "SALES_EU", "my_table"])
def test_capitals_in_an_id_are_no_placeholder(tmp_path: Path, resource_id: str) -> None:
    secret = an_object("secretmanager", "SecretManagerSecret", {"resourceID": resource_id})
    assert not loaded(tmp_path, secret).problems


def test_a_placeholder_in_a_value_is_a_text(tmp_path: Path) -> None:
    topic = an_object("pubsub", "PubSubTopic", {}, metadata={"name": "a", "namespace": "p", "labels": {"x": "${Y}"}})
    assert not loaded(tmp_path, topic).problems


def test_every_template_is_made_of_collections_and_placeholders() -> None:
    for key, kind in config_connector._all().items():
        for url in kind.urls:
            assert re.fullmatch(r"[^/]+(?:/[^/]+)*", url), key
            assert "}/{" not in url, key
