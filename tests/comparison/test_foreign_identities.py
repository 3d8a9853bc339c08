"""Google's identities are believed by whose they are, never by their shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from setpoint.catalog import google_service_agents
from setpoint.comparison.compare import compare as compare_resources
from setpoint.comparison.iam_policies import compare
from setpoint.model.difference import Difference
from setpoint.model.references import Project
from setpoint.model.severity import severity

OWN = Project("shop-prod", "123", ancestors=("projects/123", "folders/45", "organizations/67"))
SA = "serviceAccount:"

FOREIGN = [
    ("roles/editor", f"{SA}999@cloudservices.gserviceaccount.com"),
    ("roles/editor", f"{SA}999-compute@developer.gserviceaccount.com"),
    ("roles/editor", f"{SA}other-prod@appspot.gserviceaccount.com"),
    ("roles/editor", f"{SA}shop-prod.evil.com@appspot.gserviceaccount.com"),
    ("roles/cloudbuild.builds.builder", f"{SA}999@cloudbuild.gserviceaccount.com"),
    ("roles/firebase.sdkAdminServiceAgent", f"{SA}firebase-adminsdk-ab1cd@other-prod.iam.gserviceaccount.com"),
    ("roles/firebaserules.system", f"{SA}service-999@firebase-rules.iam.gserviceaccount.com"),
    ("roles/storage.legacyBucketOwner", "projectEditor:other-prod"),
    ("roles/storage.legacyBucketOwner", "projectOwner:other-prod"),
    ("roles/storage.legacyBucketReader", "projectViewer:other-prod"),
    ("roles/storage.legacyObjectOwner", "projectEditor:other-prod"),
    ("roles/storage.legacyObjectReader", "projectViewer:other-prod"),
    ("roles/storage.legacyBucketOwner", "projectEditor:999"),
    ("roles/container.serviceAgent", f"{SA}service-999@container-engine-robot.iam.gserviceaccount.com"),
    ("roles/container.defaultNodeServiceAgent", f"{SA}service-999@gcp-sa-gkenode.iam.gserviceaccount.com"),
    ("roles/compute.serviceAgent", f"{SA}service-999@compute-system.iam.gserviceaccount.com"),
    ("roles/run.serviceAgent", f"{SA}service-999@serverless-robot-prod.iam.gserviceaccount.com"),
    ("roles/cloudfunctions.serviceAgent", f"{SA}service-999@gcf-admin-robot.iam.gserviceaccount.com"),
    ("roles/pubsub.serviceAgent", f"{SA}service-999@gcp-sa-pubsub.iam.gserviceaccount.com"),
    ("roles/dataflow.serviceAgent", f"{SA}service-999@dataflow-service-producer-prod.iam.gserviceaccount.com"),
    ("roles/dataproc.serviceAgent", f"{SA}service-999@dataproc-accounts.iam.gserviceaccount.com"),
    ("roles/composer.serviceAgent", f"{SA}service-999@cloudcomposer-accounts.iam.gserviceaccount.com"),
    ("roles/ml.serviceAgent", f"{SA}service-999@cloud-ml.google.com.iam.gserviceaccount.com"),
    ("roles/cloudsql.serviceAgent", f"{SA}p999-abc123@gcp-sa-cloud-sql.iam.gserviceaccount.com"),
    ("roles/logging.serviceAgent", f"{SA}o99-abc123@gcp-sa-logging.iam.gserviceaccount.com"),
    ("roles/logging.serviceAgent", f"{SA}f99-abc123@gcp-sa-logging.iam.gserviceaccount.com"),
    ("roles/bigqueryconnection.serviceAgent", f"{SA}bqcx-999-ab@gcp-sa-bigquery-condel.iam.gserviceaccount.com"),
    ("roles/bigqueryconnection.serviceAgent", f"{SA}connection-999-ab@gcp-sa-bigquery-condel.iam.gserviceaccount.com"),
    ("roles/storagetransfer.serviceAgent", f"{SA}project-999@storage-transfer-service.iam.gserviceaccount.com"),
    ("roles/securitycenter.serviceAgent", f"{SA}service-org-99@security-center-api.iam.gserviceaccount.com"),
    ("roles/securitycenter.serviceAgent", f"{SA}service-folder-99@security-center-api.iam.gserviceaccount.com"),
    ("roles/viewer", f"{SA}ci@other-prod.iam.gserviceaccount.com"),
    ("roles/viewer", f"{SA}other-prod.svc.id.goog[default/app]"),
    ("roles/viewer", "principal://iam.googleapis.com/projects/999/locations/global/workloadIdentityPools/p/subject/s"),
    ("roles/viewer", "principalSet://iam.googleapis.com/projects/999/locations/global/workloadIdentityPools/p/*"),
    ("roles/viewer", "principalSet://cloudresourcemanager.googleapis.com/projects/999/type/ServiceAccount"),
    ("roles/viewer", "principalSet://cloudresourcemanager.googleapis.com/folders/99/type/ServiceAccount"),
    ("roles/viewer", "principalSet://cloudresourcemanager.googleapis.com/organizations/99/type/ServiceAgent"),
    ("roles/compute.serviceAgent", f"{SA}service-123@compute-system.other-prod.iam.gserviceaccount.com"),
    ("roles/compute.serviceAgent", f"{SA}service-123@other-prod.iam.gserviceaccount.com"),
]
"""Identities of another project, folder or organisation, with a role that the like of the own one may have."""

ODD = [
    ("roles/owner", f"{SA}123@cloudservices.gserviceaccount.com"),
    ("roles/owner", f"{SA}123-compute@developer.gserviceaccount.com"),
    ("roles/container.serviceAgent", f"{SA}service-123@gcp-sa-pubsub.iam.gserviceaccount.com"),
    ("roles/pubsub.serviceAgent", f"{SA}service-123@gcp-sa-not-yet-known.iam.gserviceaccount.com"),
    ("roles/iam.serviceAccountTokenCreator", f"{SA}service-123@gcp-sa-pubsub.iam.gserviceaccount.com"),
    ("roles/editor", "projectEditor:shop-prod"),
]
"""Identities of the own project with a role that Google does not give them."""


def unexpected(role: str, member: str, own: Project = OWN) -> tuple[Difference, ...]:
    return compare({"bindings": []}, {"bindings": [{"role": role, "members": [member]}]}, "policy", own=own)


@pytest.mark.parametrize(("role", "member"), FOREIGN)
def test_an_identity_of_another_project_is_drift_and_critical(role: str, member: str) -> None:
    differences = unexpected(role, member)
    assert len(differences) == 1
    assert severity("modified", "iam_policy", differences, OWN) == "critical"


@pytest.mark.parametrize(("role", "member"), ODD)
def test_an_own_identity_with_a_role_that_google_does_not_give_it_is_drift(role: str, member: str) -> None:
    assert len(unexpected(role, member)) == 1


GKE, GKE_DOMAIN = "roles/container.serviceAgent", "container-engine-robot.iam.gserviceaccount.com"
SCC, SCC_DOMAIN = "roles/securitycenter.serviceAgent", "security-center-api.iam.gserviceaccount.com"
SQL, SQL_DOMAIN = "roles/cloudsql.serviceAgent", "gcp-sa-cloud-sql.iam.gserviceaccount.com"
BUILDER = "roles/cloudbuild.builds.builder"
BUCKET_OWNER = "roles/storage.legacyBucketOwner"
FORGED = [
    # Numbers that only begin or end like those of the own project, folder and organisation.
    (GKE, f"{SA}service-1234@{GKE_DOMAIN}"),
    (GKE, f"{SA}service-0123@{GKE_DOMAIN}"),
    (GKE, f"{SA}service-4123@{GKE_DOMAIN}"),
    (GKE, f"{SA}service-12@{GKE_DOMAIN}"),
    ("roles/editor", f"{SA}1234@cloudservices.gserviceaccount.com"),
    ("roles/editor", f"{SA}0123@cloudservices.gserviceaccount.com"),
    ("roles/editor", f"{SA}1234-compute@developer.gserviceaccount.com"),
    ("roles/editor", f"{SA}00123-compute@developer.gserviceaccount.com"),
    (BUILDER, f"{SA}1230@cloudbuild.gserviceaccount.com"),
    # Digits that are none of ASCII.
    (GKE, f"{SA}service-\uff11\uff12\uff13@{GKE_DOMAIN}"),
    ("roles/editor", f"{SA}\u0661\u0662\u0663@cloudservices.gserviceaccount.com"),
    ("roles/editor", f"{SA}\u0661\u0662\u0663-compute@developer.gserviceaccount.com"),
    # A number of the own side that stands for something else.
    (SCC, f"{SA}service-org-123@{SCC_DOMAIN}"),
    (SCC, f"{SA}service-folder-67@{SCC_DOMAIN}"),
    (SCC, f"{SA}service-org-45@{SCC_DOMAIN}"),
    (SQL, f"{SA}p67-ab@{SQL_DOMAIN}"),
    (SQL, f"{SA}o123-ab@{SQL_DOMAIN}"),
    (SQL, f"{SA}f67-ab@{SQL_DOMAIN}"),
    (GKE, f"{SA}service-45@{GKE_DOMAIN}"),
    (GKE, f"{SA}service-67@{GKE_DOMAIN}"),
    # Domains that only begin or end like Google's.
    (GKE, f"{SA}service-123@{GKE_DOMAIN}.evil.example"),
    (GKE, f"{SA}service-123@evil-{GKE_DOMAIN}"),
    (GKE, f"{SA}service-123@container-engine-robot.evil.iam.gserviceaccount.com"),
    (GKE, f"{SA}service-123@container-engine-robots.iam.gserviceaccount.com"),
    (GKE, f"{SA}service-123@container-engine-robot.iam.gserviceaccount.co"),
    (GKE, f"{SA}service-123@container-engine-robot-iam.gserviceaccount.com"),
    ("roles/editor", f"{SA}123@cloudservices.gserviceaccount.com.evil.example"),
    ("roles/editor", f"{SA}123@evil.cloudservices.gserviceaccount.com"),
    ("roles/editor", f"{SA}123-compute@developer.gserviceaccount.com.evil.example"),
    ("roles/editor", f"{SA}123-compute@evil.iam.gserviceaccount.com"),
    # Names of the own project with something before or after them.
    ("roles/editor", f"{SA}shop-prod-1@appspot.gserviceaccount.com"),
    ("roles/editor", f"{SA}my-shop-prod@appspot.gserviceaccount.com"),
    (BUCKET_OWNER, "projectEditor:shop-prod-1"),
    (BUCKET_OWNER, "projectEditor:shop-prod\u200b"),
    (BUCKET_OWNER, "projectEditor:sh\u043ep-prod"),
    (BUCKET_OWNER, "projectEditor:example.com:shop-prod"),
    (BUCKET_OWNER, "projectEditor:1234"),
    ("roles/firebase.sdkAdminServiceAgent", f"{SA}firebase-adminsdk-ab1cd@shop-prod-1.iam.gserviceaccount.com"),
    ("roles/firebase.sdkAdminServiceAgent", f"{SA}firebase-adminsdk-ab1cd@shop-prod.evil.iam.gserviceaccount.com"),
    # People and groups with such names, and an end of the line.
    (GKE, f"user:service-123@{GKE_DOMAIN}"),
    (GKE, f"group:service-123@{GKE_DOMAIN}"),
    (GKE, f"{SA}service-123@{GKE_DOMAIN}\n"),
    ("roles/editor", f"{SA}123@cloudservices.gserviceaccount.com\n"),
    (BUCKET_OWNER, "projectEditor:shop-prod\n"),
]
"""What only looks like an identity of the own project, folder or organisation."""


@pytest.mark.parametrize(("role", "member"), FORGED)
def test_an_identity_that_only_looks_like_an_own_one_is_drift(role: str, member: str) -> None:
    assert len(unexpected(role, member)) == 1


@pytest.mark.parametrize(("role", "member"), [("roles/editor", f"{SA}123@cloudservices.gserviceaccount.com")])
def test_what_google_grants_is_drift_under_a_condition_that_somebody_added(role: str, member: str) -> None:
    condition = {"title": "t", "expression": "true"}
    observed = {"bindings": [{"role": role, "members": [member], "condition": condition}]}
    assert len(compare({"bindings": []}, observed, "policy", own=OWN)) == 1


def documented() -> list[tuple[str, str]]:
    table = Path(google_service_agents.__file__).parent / "data" / "service_agents.tsv"
    rows = [line.split("\t") for line in table.read_text().splitlines() if not line.startswith("#")]
    return [(role, project) for project, roles in rows for role in roles.split() if role != "-"]


def test_what_google_documents_for_the_agents_of_the_own_project_is_no_drift() -> None:
    grants = documented()
    assert len(grants) > 150
    for role, project in grants:
        for name in ("service-123", "service-p123", "p123-ab", "service-org-67", "o67-ab", "service-folder-45"):
            member = f"{SA}{name}@{project}.iam.gserviceaccount.com"
            assert unexpected(role, member) == (), (role, member)


@pytest.mark.parametrize(
    ("role", "member"),
    [
        ("roles/editor", f"{SA}123@cloudservices.gserviceaccount.com"),
        ("roles/editor", f"{SA}123-compute@developer.gserviceaccount.com"),
        ("roles/editor", f"{SA}Shop-Prod@appspot.gserviceaccount.com"),
        ("roles/cloudbuild.builds.builder", f"{SA}123@cloudbuild.gserviceaccount.com"),
        ("roles/firebase.sdkAdminServiceAgent", f"{SA}firebase-adminsdk-ab1cd@shop-prod.iam.gserviceaccount.com"),
        ("roles/storage.legacyBucketOwner", "projectOwner:shop-prod"),
        ("roles/storage.legacyBucketReader", "projectViewer:shop-prod"),
    ],
)
def test_the_default_grants_of_the_own_project_are_no_drift(role: str, member: str) -> None:
    assert unexpected(role, member) == ()


def test_an_account_of_a_project_with_a_domain_is_its_own() -> None:
    own = Project("example.com:web", "123")
    assert unexpected("roles/editor", f"{SA}web.example.com@appspot.gserviceaccount.com", own) == ()
    assert unexpected("roles/editor", f"{SA}web.example.org@appspot.gserviceaccount.com", own)


def test_an_identity_whose_owner_is_not_known_is_drift_and_not_called_foreign() -> None:
    number_only = Project("", "123", ancestors=("projects/123",))
    differences = unexpected("roles/storage.legacyBucketOwner", "projectOwner:shop-prod", number_only)
    assert len(differences) == 1
    assert severity("modified", "iam_policy", differences, number_only) == "high"


def test_in_a_folder_the_accounts_of_any_project_are_foreign() -> None:
    folder = Project(ancestors=("folders/45", "organizations/67"))
    member = f"{SA}123-compute@developer.gserviceaccount.com"
    differences = unexpected("roles/editor", member, folder)
    assert severity("modified", "iam_policy", differences, folder) == "critical"
    agent = f"{SA}service-org-67@security-center-api.iam.gserviceaccount.com"
    assert unexpected("roles/securitycenter.serviceAgent", agent, folder) == ()


def test_a_missing_grant_to_another_project_is_not_critical() -> None:
    declared = {"bindings": [{"role": "roles/viewer", "members": [f"{SA}ci@other-prod.iam.gserviceaccount.com"]}]}
    differences = compare(declared, {"bindings": []}, "policy", own=OWN)
    assert severity("modified", "iam_policy", differences, OWN) == "high"


def test_the_default_account_of_another_project_is_not_the_declared_default() -> None:
    declared = {"serviceAccounts": [{"email": "default"}]}
    for number, count in (("123", 0), ("999", 1)):
        live = {"serviceAccounts": [{"email": f"{number}-compute@developer.gserviceaccount.com"}]}
        assert len(compare_resources(declared, live, own=OWN)) == count
