"""Checks before an installation is created: ``setpoint doctor --preflight``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from setpoint.operations.diagnostics.compute import enabled
from setpoint.operations.diagnostics.installation import Installation
from setpoint.operations.diagnostics.result import Check, Diagnosis
from setpoint.util.counts import counted

OPTIONS = ("alerts", "attribution", "console", "kms_key", "remediation", "reports")
"""Options of infra/ that need more than the base does."""
APIS = ("cloudasset", "cloudresourcemanager", "pubsub", "serviceusage", "storage")
"""What Terraform needs before it can enable the other APIs, docs/install.md."""
FEEDS_OF_A_PARENT = 200
"""Source: https://cloud.google.com/asset-inventory/docs/monitoring-asset-changes"""
CONTENTS = ("RESOURCE", "IAM_POLICY", "ORG_POLICY", "ACCESS_POLICY")
TOPICS = ("asset-changes", "sweeps", "drift-events", "dead-letters", "uploads")
ACCOUNTS = ("build", "detect", "push", "sweep", "sync")
_PROJECT = "https://cloudresourcemanager.googleapis.com/v3"
_TO_APPLY = (
    "cloudfunctions.functions.create",
    "cloudscheduler.jobs.create",
    "datastore.databases.create",
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.actAs",
    "logging.logMetrics.create",
    "monitoring.alertPolicies.create",
    "pubsub.subscriptions.create",
    "pubsub.topics.create",
    "pubsub.topics.setIamPolicy",
    "resourcemanager.projects.setIamPolicy",
    "secretmanager.secrets.create",
    "serviceusage.services.enable",
    "storage.buckets.create",
    "storage.buckets.update",
)
_BY_OPTION = {
    "console": ("compute.backendServices.create", "compute.globalAddresses.create"),
    "reports": ("bigquery.datasets.create",),
}


def apis(installation: Installation) -> Iterator[Diagnosis]:
    """The APIs that Terraform itself needs are enabled."""
    yield from enabled(installation, APIS)


def billing(installation: Installation) -> Iterator[Diagnosis]:
    """The project has billing."""
    url = f"https://cloudbilling.googleapis.com/v1/projects/{installation.project}/billingInfo"
    if (installation.get(url, "resourcemanager.projects.get") or {}).get("billingEnabled"):
        yield "pass", "the project has billing"
    else:
        do = f"gcloud billing projects link {installation.project} --billing-account=ACCOUNT"
        yield "fail", f"the project {installation.project} has no billing, or does not exist", do


def permissions(installation: Installation) -> Iterator[Diagnosis]:
    """The caller has the permissions to create what Terraform creates."""
    needed = [*_TO_APPLY, *(name for option in sorted(installation.options) for name in _BY_OPTION.get(option, ()))]
    yield from _missing(installation, f"projects/{installation.project}", needed, "roles/owner")
    for parent in installation.watch:
        kind = parent.partition("/")[0]
        granting = [f"resourcemanager.{kind}.getIamPolicy", f"resourcemanager.{kind}.setIamPolicy"]
        more = ["logging.sinks.create"] if "attribution" in installation.options else []
        of_roles = ["iam.roles.create"] if "remediation" in installation.options and kind == "organizations" else []
        role = f"roles/cloudasset.owner and roles/resourcemanager.{kind[:-1]}Admin"
        yield from _missing(installation, parent, ["cloudasset.feeds.create", *granting, *more, *of_roles], role)


def _missing(installation: Installation, place: str, needed: list[str], role: str) -> Iterator[Diagnosis]:
    if missing := sorted(set(needed) - installation.permitted(needed, place)):
        yield (
            "fail",
            f"the calling account lacks on {place}: {', '.join(missing)}",
            f"grant {role} on {place}",
        )
    else:
        yield "pass", f"the calling account has all permissions on {place}"


def organisation_policies(installation: Installation) -> Iterator[Diagnosis]:
    """No organisation policy refuses the resources of the installation."""
    for constraint, (option, refusing, what, do) in _CONSTRAINTS.items():
        if (option and option not in installation.options) or _MET_BY.get(constraint) in installation.options:
            continue
        url = f"https://orgpolicy.googleapis.com/v2/projects/{installation.project}/policies/{constraint}:getEffectivePolicy"
        policy = installation.get(url, "orgpolicy.policy.get") or {}
        rules = policy.get("spec", {}).get("rules") or []
        if any(_refuses(rule, refusing, installation.region) for rule in rules):
            yield "fail", f"{constraint} {what}", do.format(project=installation.project)
        else:
            yield "pass", f"{constraint} allows everything that is needed"


def _refuses(rule: dict[str, Any], refusing: str, region: str) -> bool:
    values = rule.get("values") or {}
    allowed, denied = values.get("allowedValues") or [], values.get("deniedValues") or []
    match refusing:
        case "enforced":
            return bool(rule.get("enforce"))
        case "restricted":
            return bool(rule.get("denyAll") or allowed)
        case "region":
            groups = {f"in:{region}-locations", f"in:{region.partition('-')[0]}-locations", region}
            return bool(rule.get("denyAll") or groups & set(denied) or (allowed and not groups & set(allowed)))
        case _:
            services = set(refusing.split())
            return bool(services & {value.removeprefix("is:") for value in denied})


_CONSTRAINTS = {
    "iam.disableServiceAccountCreation": (
        "",
        "enforced",
        "refuses the accounts that functions run as",
        "gcloud org-policies delete iam.disableServiceAccountCreation --project={project}",
    ),
    "gcp.resourceLocations": (
        "",
        "region",
        "does not allow the region",
        "choose another --region, or gcloud org-policies set-policy FILE for the project {project}",
    ),
    "gcp.restrictNonCmekServices": (
        "",
        "pubsub.googleapis.com storage.googleapis.com firestore.googleapis.com bigquery.googleapis.com",
        "requires a customer-managed key",
        "set kms_key of the module (docs/install.md), and ask again with --enable kms_key",
    ),
    "iam.allowedPolicyMemberDomains": (
        "alerts",
        "restricted",
        "refuses allUsers, which Slack's button clicks need",
        "except the project {project}, or set alerts.buttons = false",
    ),
    "run.allowedIngress": (
        "alerts",
        "restricted",
        "may refuse a function that is reachable from outside",
        "allow `all` for the project {project}, or set alerts.buttons = false",
    ),
    "cloudfunctions.allowedIngressSettings": (
        "alerts",
        "restricted",
        "may refuse a function that is reachable from outside",
        "allow ALLOW_ALL for the project {project}, or set alerts.buttons = false",
    ),
}
"""By constraint: the option that it concerns, what in its rules refuses, in words, and what to do.

Source: https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints
"""


_MET_BY = {"gcp.restrictNonCmekServices": "kms_key"}
"""The option that does what a constraint asks for."""


def feeds(installation: Installation) -> Iterator[Diagnosis]:
    """Each watched parent has quota for its feeds, and no feed of the same name."""
    for parent in installation.watch:
        url = f"https://cloudasset.googleapis.com/v1/{parent}/feeds"
        listed = installation.get(url, "cloudasset.feeds.list") or {}
        taken = {feed.get("name", "").rpartition("/")[2] for feed in listed.get("feeds") or ()}
        own = {f"setpoint-{content.lower().replace('_', '-')}" for content in CONTENTS}
        free = FEEDS_OF_A_PARENT - len(taken | own)
        kind, _, number = parent.partition("/")
        where = f"--{kind[:-1]}={number}"
        if free < 0:
            do = f"gcloud asset feeds list {where}, and delete unused feeds"
            yield "fail", f"{parent} has {len(taken)} feeds; the maximum is {FEEDS_OF_A_PARENT}", do
        elif taken & own:
            do = f"terraform import them, or: gcloud asset feeds delete {min(taken & own)} {where}"
            yield "warn", f"{parent} has feeds of these names: {', '.join(sorted(taken & own))}", do
        else:
            yield "pass", f"{parent} has room for {counted(free, 'more feed')}"


def names(installation: Installation) -> Iterator[Diagnosis]:
    """None of the resources exists yet."""
    project = installation.project
    accounts = [f"setpoint-{name}@{project}.iam.gserviceaccount.com" for name in ACCOUNTS]
    urls = {
        **{f"topic {n}": f"https://pubsub.googleapis.com/v1/projects/{project}/topics/{n}" for n in TOPICS},
        **{f"account {a}": f"https://iam.googleapis.com/v1/projects/{project}/serviceAccounts/{a}" for a in accounts},
        **{f"bucket {b}": f"https://storage.googleapis.com/storage/v1/b/{b}" for b in _buckets(project)},
    }
    reading = {"topic": "pubsub.topics.get", "account": "iam.serviceAccounts.get", "bucket": "storage.buckets.get"}
    taken = [name for name, url in urls.items() if installation.get(url, reading[name.partition(" ")[0]]) is not None]
    if taken:
        do = (
            "run `terraform import` for resources of an earlier installation; if they belong to another team, use "
            "another project"
        )
        yield "warn", f"exists already: {', '.join(taken)}", do
    else:
        yield "pass", "no name is in use"


def _buckets(project: str) -> tuple[str, str]:
    return f"{project}-setpoint", f"{project}-setpoint-source"


def database(installation: Installation) -> Iterator[Diagnosis]:
    """An existing database is of the right kind, and where the new one is to be."""
    name = installation.store_url.rpartition("/")[2]
    url = f"https://firestore.googleapis.com/v1/projects/{installation.project}/databases/{name}"
    existing = installation.get(url, "datastore.databases.get")
    location, kind = (existing or {}).get("locationId", ""), (existing or {}).get("type", _NATIVE)
    wanted = installation.database_location or installation.region
    imported = (
        "terraform import module.setpoint.google_firestore_database.setpoint "
        f"projects/{installation.project}/databases/{name}"
    )
    if existing is None:
        yield "pass", f"there is no database {name} yet"
    elif kind != _NATIVE:
        do = "set firestore = { database = ANOTHER } and --store; a project may have several databases"
        yield "fail", f"the database {name} is of the kind {kind}, and Setpoint needs {_NATIVE}", do
    elif location != wanted:
        do = (
            f'set firestore = {{ location = "{location}" }}, ask again with --database-location {location}, and '
            f"{imported}; or choose another firestore.database"
        )
        yield "fail", f"the database {name} is in {location}, and cannot be moved to {wanted}", do
    else:
        yield "warn", f"the database {name} exists already in {location}", imported


_NATIVE = "FIRESTORE_NATIVE"

PREFLIGHT: dict[str, Check] = {
    "apis": apis,
    "billing": billing,
    "permissions": permissions,
    "organisation policies": organisation_policies,
    "feeds": feeds,
    "names": names,
    "database": database,
}
"""What is asked before anything is made."""
