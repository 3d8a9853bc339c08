"""Google's own identities in a project, and what Google grants by itself.

A service agent lives in a project of Google's; which ones there are was checked against the list that Google keeps for
its own Terraform modules. Anybody's project may hold a `service-1@…`, so that the project decides and not the name.

Sources: https://cloud.google.com/iam/docs/service-agents,
https://github.com/GoogleCloudPlatform/cloud-foundation-fabric/blob/master/modules/project/service-agents.yaml,
https://cloud.google.com/compute/docs/access/service-accounts
"""

from __future__ import annotations

import re

_PROJECTS = frozenset(
    (
        "bigquery-encryption",  # BigQuery's use of keys
        "cloud-filer",  # Filestore
        "cloud-memcache-sa",  # Memorystore for Memcached
        "cloud-ml.google.com",  # AI Platform
        "cloud-redis",  # Memorystore for Redis
        "cloud-tpu",  # TPU
        "cloudcomposer-accounts",  # Composer
        "compute-system",  # Compute Engine
        "container-analysis",  # Artifact Analysis
        "container-engine-robot",  # GKE
        "containerregistry",  # Container Registry
        "dataflow-service-producer-prod",  # Dataflow
        "dataproc-accounts",  # Dataproc
        "dlp-api",  # Sensitive Data Protection
        "endpoints-portal",  # Endpoints Portal
        "firebase-rules",  # Firebase Rules
        "gae-api-prod.google.com",  # App Engine flexible environment
        "gcf-admin-robot",  # Cloud Functions
        "gcp-gae-service",  # App Engine standard environment
        "genomics-api.google.com",  # Life Sciences
        "gs-project-accounts",  # Cloud Storage
        "remotebuildexecution",  # Remote Build Execution
        "security-center-api",  # Security Command Center
        "serverless-robot-prod",  # Cloud Run
        "service-consumer-management",  # Service Consumer Management
        "service-networking",  # Service Networking
        "sourcerepo-service-accounts",  # Cloud Source Repositories
        "storage-transfer-service",  # Storage Transfer
    )
)
"""Projects of Google's in which service agents live, beside `gcp-sa-…`."""

_AGENT = re.compile(
    r"serviceAccount:(?:service-(?:org-|folder-|[pfo])?\d+|[pfo]\d+-\w+|(?:bq|project|organizations)-\d+"
    r"|(?:bqcx|connection)-\d+-\w+)@([a-z0-9.-]+)\.iam\.gserviceaccount\.com\Z"
)
_AGENT_ROLE = re.compile(r"roles/[\w.]*serviceAgent\Z", re.IGNORECASE)

_COMPUTE = r"\d+-compute@developer\.gserviceaccount\.com"
_APP_ENGINE = r"[a-z][a-z0-9.:-]*@appspot\.gserviceaccount\.com"
_FIREBASE = r"firebase-adminsdk-[a-z0-9]{5}@[a-z0-9.:-]+\.iam\.gserviceaccount\.com"
_DEFAULT_ACCOUNT = re.compile(rf"{_COMPUTE}|{_APP_ENGINE}|{_FIREBASE}")

_DEFAULT_GRANTS: tuple[tuple[str, str], ...] = (
    # Role, member; in the order of the sources below.
    (r"roles/editor", r"serviceAccount:\d+@cloudservices\.gserviceaccount\.com"),
    (r"roles/editor", rf"serviceAccount:({_COMPUTE}|{_APP_ENGINE})"),
    (r"roles/cloudbuild\.builds\.builder", r"serviceAccount:\d+@cloudbuild\.gserviceaccount\.com"),
    (r"roles/firebaserules\.system", r"serviceAccount:service-\d+@firebase-rules\.iam\.gserviceaccount\.com"),
    (r"roles/firebase\.sdkAdminServiceAgent", rf"serviceAccount:{_FIREBASE}"),
    (r"roles/storage\.legacyBucketOwner", r"project(Editor|Owner):.+"),
    (r"roles/storage\.legacyBucketReader", r"projectViewer:.+"),
    (r"roles/storage\.legacyObjectOwner", r"project(Editor|Owner):.+"),
    (r"roles/storage\.legacyObjectReader", r"projectViewer:.+"),
)
"""Grants that come with a project, an API that is switched on, or a bucket.

Sources: https://cloud.google.com/compute/docs/access/service-accounts#google_apis_service_agent,
https://cloud.google.com/appengine/docs/standard/python/service-account,
https://cloud.google.com/build/docs/cloud-build-service-account,
https://firebase.google.com/docs/rules/manage-deploy,
https://firebase.google.com/support/guides/service-accounts,
https://cloud.google.com/storage/docs/access-control/iam
"""
_GRANTED = tuple((re.compile(role), re.compile(member)) for role, member in _DEFAULT_GRANTS)


def is_service_agent(member: str) -> bool:
    """Whether a member, ``serviceAccount:…``, is a service agent of Google's."""
    match = _AGENT.match(member)
    return match is not None and (match[1].startswith("gcp-sa-") or match[1] in _PROJECTS)


def is_default_account(address: str) -> bool:
    """Whether a service account came with Compute Engine, App Engine or Firebase."""
    return _DEFAULT_ACCOUNT.fullmatch(address) is not None


_PROJECT_NUMBER = re.compile(r"serviceAccount:(?:service-|p)?(\d+)(?:-compute)?@")
_PROJECT_ID = re.compile(
    r"project(?:Owner|Editor|Viewer):(.+)|serviceAccount:(.+)@appspot\.gserviceaccount\.com"
    r"|serviceAccount:firebase-adminsdk-\w+@(.+)\.iam\.gserviceaccount\.com"
)


def is_of_another_project(member: str, project_id: str, project_number: str) -> bool:
    """Whether a member belongs to another project than the one that holds the resource.

    Google grants by itself only to accounts and groups of that project; the like of another was granted by somebody.

    Args:
        member: ``serviceAccount:…``, ``projectEditor:…``.
        project_id: of the project that holds the resource; empty where it is unknown.
        project_number: the same.
    """
    if number := _PROJECT_NUMBER.match(member):
        return bool(project_number) and number[1] != project_number
    if identifier := _PROJECT_ID.fullmatch(member):
        named = next(filter(None, identifier.groups()))
        return bool(project_id) and named not in (project_id, project_number)
    return False


def is_granted_by_google(role: str, member: str) -> bool:
    """Whether Google gives this role to this member by itself: to an agent of its own, or by default."""
    if _AGENT_ROLE.match(role) and is_service_agent(member):
        return True
    return any(
        role_pattern.fullmatch(role) and member_pattern.fullmatch(member) for role_pattern, member_pattern in _GRANTED
    )
