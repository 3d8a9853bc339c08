"""Writes that always need a person, whatever the policy says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from setpoint.comparison import grant_origins, iam_policies
from setpoint.comparison.iam_policies import Grant
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from setpoint.model.policy import Limits
from setpoint.model.write_plan import WritePlan
from setpoint.remediation.last_owners import HOLDERS, lost
from setpoint.util.counts import counted

_OWN_ACCOUNT = re.compile(r"(?:^|[:/])setpoint-[a-z-]+@[a-z0-9.:-]+\.iam\.gserviceaccount\.com")
"""The service accounts of an installation, as ``infra/`` names them."""
_OWN_ROLE = re.compile(r"/roles/setpoint[A-Za-z]*$")
"""The custom roles of an installation, as ``infra/`` names them."""
_OWN_RESOURCE = re.compile(
    r"/roles/setpoint[A-Za-z]*$"
    r"|/serviceAccounts/setpoint-[a-z-]+@"
    r"|^//storage\.googleapis\.com/[^/]+-setpoint(?:-source)?$"
    r"|/functions/setpoint-|/services/setpoint-"
)
"""Resources of an installation: a change may affect Setpoint's permissions or behaviour."""
_ORG_POLICIES = "orgpolicy.googleapis.com/"


class PlannedWrite(NamedTuple):
    """A write that is about to be claimed.

    Args:
        declaration: the declaration.
        plan: the planned write.
        reading: the resource that was just read.
        limits: the limits of the policy.
    """

    declaration: Declaration
    plan: WritePlan
    reading: Observation
    limits: Limits


def needs_person(write: PlannedWrite) -> str:
    """Why a person has to approve a write, for people; empty if it needs no approval."""
    reasons = (check(write) for check in _CHECKS)
    return "; ".join(filter(None, reasons))


def _of_installation(write: PlannedWrite) -> str:
    if _OWN_RESOURCE.search(write.declaration.key.name):
        return "it is a part of Setpoint's own installation"
    changed = _grants(write.reading.data) ^ _grants(_policy(write)) if _is_policy(write) else frozenset()
    own = next((grant for grant in changed if _is_own(grant)), None)
    return f"it changes what {own[1] if own else ''} may do, an account of Setpoint's own" if own else ""


def _is_own(grant: Grant) -> bool:
    role, member = str(grant[0]), str(grant[1])
    return bool(_OWN_ACCOUNT.search(member) or _OWN_ROLE.search(role))


def _of_org_policy(write: PlannedWrite) -> str:
    is_org_policy = write.declaration.asset_type.startswith(_ORG_POLICIES)
    return "it is an organisation policy" if is_org_policy or write.declaration.key.content == "org_policy" else ""


def _of_last_owner(write: PlannedWrite) -> str:
    if not _is_policy(write):
        return ""
    before, after = _grants(write.reading.data), _grants(_policy(write))
    holders = " and the last ".join(HOLDERS[role] for role in lost(before, after))
    return f"it removes the last {holders}" if holders else ""


def _of_lost_grants(write: PlannedWrite) -> str:
    if not _is_policy(write):
        return ""
    before, after = _grants(write.reading.data), _grants(_policy(write))
    removed, most = len(before - after), write.limits.grants_lost
    if removed <= max(1, int(len(before) * most)):
        return ""
    return f"it removes {removed} of {counted(len(before), 'grant')}, more than {most:.0%}"


def _of_privileged_access(write: PlannedWrite) -> str:
    """A grant by Privileged Access Manager was approved, and expires."""
    if not _is_policy(write):
        return ""
    removed = _grants(write.reading.data) - _grants(_policy(write))
    grants = ({"condition": {"title": grant.title, "expression": grant.expression}} for grant in removed)
    return "it revokes a grant by Privileged Access Manager" if any(map(grant_origins.is_by_pam, grants)) else ""


_CHECKS: tuple[Callable[[PlannedWrite], str], ...] = (
    _of_installation,
    _of_org_policy,
    _of_last_owner,
    _of_lost_grants,
    _of_privileged_access,
)


def _is_policy(write: PlannedWrite) -> bool:
    return write.declaration.key.content == "iam_policy"


def _policy(write: PlannedWrite) -> Any:
    """The policy in the planned request, without its wrapper."""
    body = write.plan.call.body
    if not isinstance(body, Mapping) or "bindings" in body:
        return body
    return next((part for part in body.values() if isinstance(part, Mapping) and "bindings" in part), {})


def _grants(policy: Any) -> frozenset[Grant]:
    return iam_policies.grants(policy) if isinstance(policy, Mapping) else frozenset()
