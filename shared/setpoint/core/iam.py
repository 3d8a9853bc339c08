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
_SERVICE_AGENT = re.compile(r"serviceAccount:(?:service-\d+@|\d+@cloudservices\.|p\d+-\d+@).*gserviceaccount\.com\Z")
_AGENT_ROLE = re.compile(r"roles/[\w.]*serviceAgent\Z|roles/editor\Z", re.IGNORECASE)


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
    return frozenset(_grants(policy.get("bindings") or ()))


def compare(declared: Mapping[str, Any], observed: Mapping[str, Any], authority: Authority) -> tuple[Difference, ...]:
    """The grants that are missing or unexpected.

    Args:
        declared: the declared policy: ``bindings`` and, where they are owned, ``auditConfigs``.
        observed: the policy of the resource itself; what it inherits is no part of it.
        authority: ``policy`` owns every grant, ``role`` those of the roles and conditions that it names, ``member``
            only those that it names.
    """
    want, have = grants(declared), grants(observed)
    found = [_difference(grant, "missing") for grant in sorted(want - have)]
    if authority != "member":
        owned = {(grant.role, grant.title, grant.expression) for grant in want} | _empty_roles(declared)
        found += [
            _difference(grant, "unexpected")
            for grant in sorted(have - want)
            if (authority == "policy" and not is_googles_own(grant))
            or (authority == "role" and (grant.role, grant.title, grant.expression) in owned)
        ]
    if "auditConfigs" in declared:
        found += _audit_differences(declared, observed, authority)
    return tuple(found)


def is_googles_own(grant: Grant) -> bool:
    """Whether Google gives this grant to a service agent of its own when an API is enabled.

    Source: https://cloud.google.com/iam/docs/service-agents
    """
    return bool(_SERVICE_AGENT.match(grant.member) and _AGENT_ROLE.match(grant.role))


def _grants(bindings: Iterable[Any]) -> Iterable[Grant]:
    for binding in bindings:
        if not isinstance(binding, dict):
            continue
        title, expression = _condition(binding)
        for member in binding.get("members") or ():
            yield Grant(str(binding.get("role", "")), _member(str(member)), title, expression)


def _empty_roles(declared: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """A declared role without members owns the role too: nobody shall have it."""
    bindings = [one for one in declared.get("bindings") or () if isinstance(one, dict)]
    return {(str(one.get("role", "")), *_condition(one)) for one in bindings}


def _condition(binding: Mapping[str, Any]) -> tuple[str, str]:
    condition = binding.get("condition") or {}
    return str(condition.get("title", "")), str(condition.get("expression", "")).strip()


def _member(member: str) -> str:
    return member.lower().replace("serviceaccount:", "serviceAccount:", 1) if member.startswith(_CASELESS) else member


def _difference(grant: Grant, op: Any) -> Difference:
    condition = {"title": grant.title, "expression": grant.expression} if grant.expression or grant.title else None
    value: dict[str, Any] = {"role": grant.role, "member": grant.member}
    if condition:
        value["condition"] = condition
    role = f"{grant.role},condition={grant.title or grant.expression}" if condition else grant.role
    path = f"bindings[role={role}].members[{grant.member}]"
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
        service, log_type = at
        path = f"auditConfigs[service={service}].auditLogConfigs[logType={log_type}]"
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
            _member(str(member)) for member in log.get("exemptedMembers") or ()
        )
        for config in policy.get("auditConfigs") or ()
        for log in config.get("auditLogConfigs") or ()
    }
