"""Who is behind an entry, whatever the shape of its identities."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from setpoint.attribution.audit_log_parser import parse
from setpoint.attribution.principals import Authentication, principals_of
from setpoint.catalog.principal_kinds import kind_of
from setpoint.detection.actor_resolution import actor_of
from setpoint.model.actors import AuditedChange
from setpoint.model.drift_onset import DriftOnset
from setpoint.model.policy import Policy

ROBOT = "service-123456789012@gcf-admin-robot.iam.gserviceaccount.com"
DEPLOY = "deploy@fleet-prod-123.iam.gserviceaccount.com"
JANITOR = "janitor@fleet-prod-123.iam.gserviceaccount.com"
POOL = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/ci/subject/repo:a"
STAFF = "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/bob"
POD = "fleet-prod-123.svc.id.goog[cnrm-system/controller]"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def first_party(email: str) -> dict[str, object]:
    return {"firstPartyPrincipal": {"principalEmail": email}}


def originator(info: dict[str, object]) -> str:
    return principals_of(msgspec.convert(info, Authentication)).principal


@pytest.mark.parametrize(
    ("chain", "caller", "principal"),
    [
        ([first_party("ann@example.com")], DEPLOY, "ann@example.com"),
        ([first_party(JANITOR), first_party("ann@example.com")], DEPLOY, "ann@example.com"),
        ([{"principalSubject": POOL}], DEPLOY, POOL),
        ([first_party(JANITOR), {"principalSubject": STAFF}], DEPLOY, STAFF),
        ([first_party(ROBOT)], JANITOR, JANITOR),
        ([first_party(ROBOT), first_party(DEPLOY)], JANITOR, DEPLOY),
        ([first_party(JANITOR)], DEPLOY, JANITOR),
        ([{"principalSubject": f"serviceAccount:{POD}"}], DEPLOY, POD),
        ([], ROBOT, ROBOT),
        ([{"thirdPartyPrincipal": {"thirdPartyClaims": {"sub": "user-1"}}}], DEPLOY, "user-1"),
    ],
)
def test_the_originator_is_found_wherever_it_stands_in_the_chain(chain, caller, principal):
    assert originator({"principalEmail": caller, "serviceAccountDelegationInfo": chain}) == principal


def test_the_original_principal_of_an_entry_is_behind_it():
    info = {"principalEmail": ROBOT, "originalPrincipal": {"principalEmail": "ann@example.com"}}
    assert originator(info) == "ann@example.com"


def test_third_parties_and_redacted_principals_are_named_as_such():
    assert originator({"thirdPartyPrincipal": {"@type": "x"}}) == "third party"
    assert originator({}) == "redacted"


@pytest.mark.parametrize(
    ("principal", "kind"),
    [
        ("ann@example.com", "person"),
        (STAFF, "person"),
        (DEPLOY, "service"),
        (POOL, "service"),
        (POD, "service"),
        (f"serviceAccount:{POD}", "service"),
        ("123456789012-compute@developer.gserviceaccount.com", "service"),
        ("123456789012@cloudbuild.gserviceaccount.com", "service"),
        (ROBOT, "google"),
        ("service-agent-manager@system.gserviceaccount.com", "google"),
        ("123456789012@cloudservices.gserviceaccount.com", "google"),
        ("system@google.com", "google"),
        ("ann@google.com.example.com", "person"),
    ],
)
def test_a_principal_has_a_kind(principal, kind):
    assert kind_of(principal) == kind


@pytest.mark.parametrize("applier", [POD, f"serviceAccount:{POD}", "*.svc.id.goog[cnrm-system/*]"])
def test_a_workload_of_kubernetes_can_be_an_applier(applier):
    change = AuditedChange(principal=POD, method="storage.buckets.update", requested_at=NOON, through=(DEPLOY,))
    actor = actor_of([change], DriftOnset(NOON), policy=Policy(name="fleet", appliers=(applier,)))
    assert actor is not None
    assert actor.kind == "applier"


def test_a_person_who_acts_through_an_applier_acts_by_hand():
    change = AuditedChange(
        principal="ann@example.com", method="storage.buckets.update", requested_at=NOON, through=(DEPLOY,)
    )
    actor = actor_of([change], DriftOnset(NOON), policy=Policy(name="fleet", appliers=(DEPLOY,)))
    assert actor is not None
    assert actor.kind == "person"


@pytest.mark.parametrize(
    ("service", "method", "name", "more", "expected"),
    [
        (
            "logging.googleapis.com",
            "google.logging.v2.MetricsServiceV2.CreateLogMetric",
            "projects/fleet-prod-123/metrics",
            {"request": {"metric": {"name": "errors"}}},
            ["//logging.googleapis.com/projects/fleet-prod-123/metrics/errors"],
        ),
        (
            "serviceusage.googleapis.com",
            "google.api.serviceusage.v1.ServiceUsage.BatchEnableServices",
            "projects/fleet-prod-123/services",
            {"request": {"serviceIds": ["run.googleapis.com"]}},
            ["//serviceusage.googleapis.com/projects/fleet-prod-123/services/run.googleapis.com"],
        ),
        (
            "dataflow.googleapis.com",
            "dataflow.jobs.create",
            "projects/fleet-prod-123/locations/us-central1/jobs",
            {"request": {"job": {"name": "wordcount"}}, "response": {"id": "2026-03-01_1"}},
            ["//dataflow.googleapis.com/projects/fleet-prod-123/locations/us-central1/jobs/2026-03-01_1"],
        ),
        (
            "bigquery.googleapis.com",
            "tableservice.insert",
            "projects/fleet-prod-123",
            {
                "serviceData": {
                    "tableInsertRequest": {
                        "resource": {
                            "tableName": {"projectId": "fleet-prod-123", "datasetId": "sales", "tableId": "orders"}
                        }
                    }
                }
            },
            ["//bigquery.googleapis.com/projects/fleet-prod-123/datasets/sales/tables/orders"],
        ),
        (
            "cloudresourcemanager.googleapis.com",
            "google.cloud.resourcemanager.v3.Folders.UpdateFolder",
            "folders/12345",
            {},
            ["//cloudresourcemanager.googleapis.com/folders/12345"],
        ),
    ],
)
def test_an_entry_that_names_a_collection_is_about_the_member(service, method, name, more, expected):
    payload = {
        "serviceName": service,
        "methodName": method,
        "resourceName": name,
        "authenticationInfo": {"principalEmail": "ann@example.com"},
        **more,
    }
    entry = {
        "logName": "projects/fleet-prod-123/logs/cloudaudit.googleapis.com%2Factivity",
        "timestamp": "2026-03-01T12:00:00Z",
        "resource": {"labels": {"project_id": "fleet-prod-123"}},
        "protoPayload": payload,
    }
    names = [change.key.name for change in parse(msgspec.json.encode(entry), mask_ip=True)]
    assert list(dict.fromkeys(names)) == expected
