"""Comparing IAM policies as sets of grants.

A grant is (role, member, condition); the order of bindings and members, and how grants are spread over bindings, mean
nothing. Source: https://cloud.google.com/iam/docs/reference/rest/v1/Policy
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from setpoint.core.compare import Difference
from setpoint.core.declarations import Authority

_CASELESS = ("user:", "group:", "domain:", "serviceAccount:")
_AGENTS = frozenset(
    (
        "apigee-prod",  # Apigee
        "bigquery-encryption",  # BigQuery's use of keys
        "cloud-aiplatform-api-robot-prod",  # Vertex AI
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
        "genomics-api",  # Life Sciences
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
"""Projects of Google's in which service agents live, beside `gcp-sa-…`.

Anybody's project may hold a `service-1@…`: https://cloud.google.com/iam/docs/service-agents
"""
_AGENT = re.compile(
    r"serviceAccount:(?:service-(?:org-|folder-)?\d+|p\d+-\w+)@([a-z0-9.-]+)\.iam\.gserviceaccount\.com\Z"
)
_AGENT_ROLE = re.compile(r"roles/[\w.]*serviceAgent\Z", re.IGNORECASE)
_OTHER_GRANTS = (
    # https://cloud.google.com/compute/docs/access/service-accounts#google_apis_service_agent
    (re.compile(r"serviceAccount:\d+@cloudservices\.gserviceaccount\.com\Z"), "roles/editor"),
    # https://cloud.google.com/build/docs/cloud-build-service-account
    (re.compile(r"serviceAccount:\d+@cloudbuild\.gserviceaccount\.com\Z"), "roles/cloudbuild.builds.builder"),
    # https://firebase.google.com/docs/rules/manage-deploy
    (
        re.compile(r"serviceAccount:service-\d+@firebase-rules\.iam\.gserviceaccount\.com\Z"),
        "roles/firebaserules.system",
    ),
)
_UNREADABLE = str.maketrans('[]"', "()'")
"""What would end an element's name in a path; a role's name and an address have none of it, a title may."""


class Grant(NamedTuple):
    """A role given to a member, under a condition or none.

    Args:
        role: ``roles/owner``, or the name of a custom role.
        member: ``user:a@example.com``, in the case in which addresses are compared.
        title: the condition's title, or empty.
        expression: the condition's expression in CEL, or empty.
    """

    role: str
    member: str
    title: str = ""
    expression: str = ""


def grants(policy: Mapping[str, Any]) -> frozenset[Grant]:
    """All grants of a policy."""
    return frozenset(_grants(_objects(policy, "bindings")))


def grant(binding: Mapping[str, Any], member: str) -> Grant:
    """What a binding gives a member."""
    title, expression = _condition(binding)
    return Grant(str(binding.get("role", "")), _member(str(member)), title, expression)


def audit_path(service: str, log_type: str) -> str:
    """The path of the audit configuration of a service and log type."""
    named = service.translate(_UNREADABLE), log_type.translate(_UNREADABLE)
    return "auditConfigs[service={}].auditLogConfigs[logType={}]".format(*named)


def compare(declared: Mapping[str, Any], observed: Mapping[str, Any], authority: Authority) -> tuple[Difference, ...]:
    """The grants that are missing or unexpected.

    Args:
        declared: the declared policy: ``bindings`` and, where they are owned, ``auditConfigs``.
        observed: the policy of the resource itself; what it inherits is no part of it.
        authority: ``policy`` owns every grant, ``role`` those of the roles and conditions that it names, ``member``
            only those that it names.
    """
    want, have = grants(declared), grants(observed)
    found = [_difference(one, "missing") for one in sorted(want - have)]
    if authority != "member":
        owned = _owned_roles(declared)
        found += [
            _difference(one, "unexpected")
            for one in sorted(have - want)
            if (authority == "policy" and not is_googles_own(one))
            or (authority == "role" and (one.role, one.title, one.expression) in owned)
        ]
    if "auditConfigs" in declared:
        found += _audit_differences(declared, observed, authority)
    return tuple(found)


def is_googles_own(grant: Grant) -> bool:
    """Whether Google gives this grant to a service agent of its own when an API is enabled.

    Source: https://cloud.google.com/iam/docs/service-agents
    """
    found = _AGENT.match(grant.member)
    if found and (found[1].startswith("gcp-sa-") or found[1] in _AGENTS):
        return _AGENT_ROLE.match(grant.role) is not None or _is_other(grant)
    return _is_other(grant)


def _is_other(grant: Grant) -> bool:
    return any(grant.role == role and member.match(grant.member) for member, role in _OTHER_GRANTS)


def _grants(bindings: Iterable[Mapping[str, Any]]) -> Iterable[Grant]:
    for binding in bindings:
        for member in _list(binding, "members"):
            yield grant(binding, member)


def _owned_roles(declared: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """The roles and conditions that a policy names; one without members is owned too: nobody shall have it."""
    return {(str(one.get("role", "")), *_condition(one)) for one in _objects(declared, "bindings")}


def _condition(binding: Mapping[str, Any]) -> tuple[str, str]:
    condition = binding.get("condition")
    if not isinstance(condition, dict):
        return "", ""
    return str(condition.get("title", "")), str(condition.get("expression", "")).strip()


def _list(holder: Any, key: str) -> list[Any]:
    """The list under a key; an observed policy may hold anything, and what is none is left out."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _objects(holder: Any, key: str) -> list[dict[str, Any]]:
    """The objects in the list under a key."""
    return [one for one in _list(holder, key) if isinstance(one, dict)]


def _member(member: str) -> str:
    return member.lower().replace("serviceaccount:", "serviceAccount:", 1) if member.startswith(_CASELESS) else member


def _difference(grant: Grant, op: Any) -> Difference:
    condition = {"title": grant.title, "expression": grant.expression} if grant.expression or grant.title else None
    value: dict[str, Any] = {"role": grant.role, "member": grant.member}
    if condition:
        value["condition"] = condition
    role = f"{grant.role},condition={grant.title or grant.expression}" if condition else grant.role
    path = f"bindings[role={role.translate(_UNREADABLE)}].members[{grant.member.translate(_UNREADABLE)}]"
    if op == "missing":
        return Difference(path, op, declared=value)
    return Difference(path, op, observed=value)


def _audit_differences(
    declared: Mapping[str, Any], observed: Mapping[str, Any], authority: Authority
) -> list[Difference]:
    """The audit configs that differ: of all services, or of the declared ones where less than the policy is owned."""
    want, have = _audited(declared), _audited(observed)
    if authority != "policy":
        services = {service for service, _ in want}
        have = {at: members for at, members in have.items() if at[0] in services}
    found = []
    for at in sorted(want | have):
        path = audit_path(*at)
        one, other = want.get(at, msgspec.UNSET), have.get(at, msgspec.UNSET)
        if one is msgspec.UNSET:
            found.append(Difference(path, "unexpected", observed=other))
        elif other is msgspec.UNSET:
            found.append(Difference(path, "missing", declared=one))
        elif one != other:
            found.append(Difference(f"{path}.exemptedMembers", "changed", one, other))
    return found


def _audited(policy: Mapping[str, Any]) -> dict[tuple[str, str], list[str]]:
    """For each service and log type the members exempted from it, sorted."""
    return {
        (str(config.get("service", "")), str(log.get("logType", ""))): sorted(
            _member(str(member)) for member in _list(log, "exemptedMembers")
        )
        for config in _objects(policy, "auditConfigs")
        for log in _objects(config, "auditLogConfigs")
    }
