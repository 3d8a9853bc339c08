"""The severity of a drift, and its default grace period."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from setpoint.catalog import google_service_agents
from setpoint.model import security_meaning
from setpoint.model.difference import Difference
from setpoint.model.lifecycle import is_transitional
from setpoint.model.references import Project
from setpoint.model.resource_key import Content

Severity = Literal["low", "medium", "high", "critical"]
Kind = Literal["modified", "deleted", "unmanaged"]

SETTLING_SECONDS = 30.0
"""The default grace period of a resource with an operation in progress; a policy may override it."""

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")

_BY_KIND: dict[Kind, Severity] = {"deleted": "high", "unmanaged": "medium", "modified": "medium"}

_PUBLIC_MEMBER = re.compile(r"\[(allUsers|allAuthenticatedUsers)\]\Z")
_WIDE_ROLES = {
    "everything, and to give it away": ("owner",),
    "to change nearly everything": ("editor",),
    "to give any role to anybody": (
        "iam.securityAdmin",
        "iam.organizationRoleAdmin",
        "iam.roleAdmin",
        "resourcemanager.folderAdmin",
        "resourcemanager.folderIamAdmin",
        "resourcemanager.organizationAdmin",
        "resourcemanager.projectIamAdmin",
    ),
    "to be somebody else": (
        "iam.serviceAccountAdmin",
        "iam.serviceAccountOpenIdTokenCreator",
        "iam.serviceAccountTokenCreator",
        "iam.serviceAccountUser",
        "iam.workloadIdentityPoolAdmin",
        "iam.workloadIdentityUser",
    ),
    "to make keys, which go anywhere": ("iam.serviceAccountKeyAdmin",),
    "to lift what holds for all": ("accesscontextmanager.policyAdmin", "orgpolicy.policyAdmin"),
}
"""Roles whose grant alone is critical. Source: https://cloud.google.com/iam/docs/understanding-roles"""

_WIDE_ROLE = re.compile(
    rf"role=roles/(?:{'|'.join(re.escape(role) for roles in _WIDE_ROLES.values() for role in roles)})[],]"
)
_COSMETIC = re.compile(r"^(\w+\.)?(labels|annotations|description|displayName)\b", re.IGNORECASE)
_EXPOSING = re.compile(
    r"(sourceRanges|authorizedNetworks|publicAccessPrevention|uniformBucketLevelAccess|ipv4Enabled|requireSsl|sslMode"
    r"|allowed|kmsKeyName|enablePrivate\w+|natIP|ingress|authEnabled|deletionProtection\w*|masterAuthorized\w+"
    r"|rotationPeriod)\b|^(disabled|access|destination)\b",
    re.IGNORECASE,
)

_BY_FIELD: tuple[tuple[re.Pattern[str], Severity], ...] = (
    (_PUBLIC_MEMBER, "critical"),  # a grant to the whole world
    (_WIDE_ROLE, "critical"),  # a grant of one of the roles above
    (re.compile(r"bindings\["), "high"),  # any other grant
    (re.compile(r"^auditConfigs\["), "critical"),  # the audit logging of reads and writes
    (_EXPOSING, "high"),  # network exposure, encryption keys, protection and monitoring
    (_COSMETIC, "low"),  # no effect on behaviour
)
"""Severity by path; the first matching pattern applies, and without a match ``medium``."""


def severity(
    kind: Kind,
    content: Content,
    differences: Sequence[Difference],
    own: Project = Project(),  # noqa: B008 - an immutable value
) -> Severity:
    """The severity of a drift: by its kind, or of its most severe difference.

    Args:
        kind: the kind of the drift.
        content: the content of the resource.
        differences: the differing fields.
        own: the project of the resource; a grant to an identity of another project is critical.
    """
    if kind != "modified":
        return _BY_KIND[kind]
    floor: Severity = "high" if content in ("org_policy", "access_policy") else "low"
    severities = [_of_difference(difference, own) for difference in differences]
    return max((*severities, floor), key=SEVERITIES.index)


@lru_cache(maxsize=4096)
def _of_path(path: str) -> Severity:
    return next((level for pattern, level in _BY_FIELD if pattern.search(path)), "medium")


def _of_difference(difference: Difference, own: Project) -> Severity:
    if difference.kind == "undeclared_change":
        return security_meaning.undeclared_severity(difference.path, difference.declared, difference.observed)
    level = _of_path(difference.path)
    if level == "high" and _is_foreign_grant(difference, own):
        return "critical"
    return "high" if level == "critical" and _is_less(difference) else level


def _is_foreign_grant(difference: Difference, own: Project) -> bool:
    """Whether a role was granted to an identity of another project, whose owner could use it from outside."""
    member = difference.observed.get("member") if isinstance(difference.observed, dict) else None
    if difference.op != "unexpected" or not isinstance(member, str) or not difference.path.startswith("bindings["):
        return False
    return google_service_agents.belongs_to(member, own.id, own.number, own.ancestors) is False


def _is_less(difference: Difference) -> bool:
    """Whether a severe item was removed: a wide grant, or undeclared logging."""
    if difference.path.startswith("auditConfigs["):
        return difference.op == "unexpected"
    return difference.op == "missing"


def settling_seconds(kind: Kind, content: Content, level: Severity, data: Any) -> float:
    """The default grace period of a drift in seconds.

    A controller that writes in two steps should not raise an alert; a grant or an exposure alerts at once.

    Args:
        kind: the kind of the drift.
        content: the content of the resource.
        level: its severity.
        data: the observed data.
    """
    if kind == "deleted" or content != "resource" or level in ("high", "critical"):
        return 0.0
    return SETTLING_SECONDS if is_transitional(data) else 0.0
