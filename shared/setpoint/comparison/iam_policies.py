"""Compare IAM policies as sets of grants.

A grant is (role, member, condition). The order of bindings and members, the distribution of grants over bindings, the
policy's version and its etag have no meaning. A deleted member has no access until it is recovered, and the policy then
names it as before. Source: https://cloud.google.com/iam/docs/reference/rest/v1/Policy
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from setpoint.catalog import google_service_agents
from setpoint.comparison import grant_origins, iam_members
from setpoint.model.declaration import Authority
from setpoint.model.difference import Difference
from setpoint.model.references import Project
from setpoint.util.json_values import as_list, as_object

_DELETED = "deleted:"
_HIDDEN_CONDITION = "_withcond_"
"""Part of a role's name if a policy of version 1 omits its condition: ``roles/x_withcond_0a1b``."""
_UNREADABLE = str.maketrans('[]"', "()'")
"""Characters that would end an element's name in a path, and that a title may contain."""


class Grant(NamedTuple):
    """A role granted to a member, with or without a condition.

    Args:
        role: ``roles/owner``, or the name of a custom role.
        member: ``user:a@example.com``, with the address in lower case.
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
    """The grant of a binding to a member."""
    title, expression = _condition(binding)
    return Grant(str(binding.get("role", "")), iam_members.canonical(str(member)), title, expression)


def audit_path(service: str, log_type: str) -> str:
    """The path of the audit configuration of a service and log type."""
    named = service.translate(_UNREADABLE), log_type.translate(_UNREADABLE)
    return "auditConfigs[service={}].auditLogConfigs[logType={}]".format(*named)


def compare(
    declared: Mapping[str, Any],
    observed: Mapping[str, Any],
    authority: Authority,
    *,
    exact: bool = False,
    own: Project = Project(),  # noqa: B008 - an immutable value
) -> tuple[Difference, ...]:
    """The missing and the unexpected grants.

    Args:
        declared: the declared policy: ``bindings`` and, if owned, ``auditConfigs``.
        observed: the policy of the resource itself, without inherited grants.
        authority: ``policy`` owns every grant, ``role`` those of the declared roles and conditions, ``member`` only the
            declared ones.
        exact: whether undeclared grants by Google are unexpected, too.
        own: the project of the resource.
    """
    want, have = grants(declared), grants(observed)
    missing, more = want - have, have - want
    if any(_HIDDEN_CONDITION in grant_.role for grant_ in more):
        missing, more = _without_hidden_conditions(missing, more)
    differences = [_difference(grant_, "missing") for grant_ in sorted(missing)]
    if authority != "member":
        owned = _owned_roles(declared)
        differences += [
            _difference(grant_, "unexpected")
            for grant_ in sorted(more)
            if (authority == "policy" or (grant_.role, grant_.title, grant_.expression) in owned)
            and (exact or not is_googles_own(grant_, own))
        ]
    if "auditConfigs" in declared:
        differences += _audit_differences(declared, observed, authority)
    return tuple(differences)


def is_googles_own(grant: Grant, own: Project = Project()) -> bool:  # noqa: B008 - an immutable value
    """Whether Google creates this grant itself, for its own service agent or by default.

    Args:
        grant: the grant.
        own: the project of the resource; grants to accounts of other projects are not Google's. If only its id or its
            number is known, no account counts as the project's own.
    """
    if grant.expression or not google_service_agents.is_granted_by_google(grant.role, grant.member):
        return False
    is_own = google_service_agents.belongs_to(grant.member, own.id, own.number, own.ancestors)
    return is_own or (is_own is None and not (own.id or own.number or own.ancestors))


def is_deleted(member: str) -> bool:
    """Whether a member is a deleted user, group or account: ``deleted:user:a@example.com?uid=123``."""
    return member.startswith(_DELETED)


def is_grant(value: Any) -> bool:
    """Whether a difference's value is a grant."""
    return isinstance(value, dict) and "member" in value and value.keys() <= {"role", "member", "condition"}


def describe_grants(difference: Difference) -> str:
    """A missing or unexpected grant as text: ``roles/owner granted to user:a@example.com (condition none)``.

    A grant by Privileged Access Manager, and one to a group, say so: ``…, to everybody in the group``.
    """
    value = difference.declared if difference.op == "missing" else difference.observed
    condition = value.get("condition") or {}
    when = condition.get("title") or condition.get("expression") or "none"
    verb = "not granted" if difference.op == "missing" else "granted"
    origin = grant_origins.origin(value)
    text = f"{value.get('role', '')} {verb} to {value['member']}"
    return f"{text}{f', {origin}' if origin else ''} (condition {when})"


def _without_hidden_conditions(
    missing: frozenset[Grant], more: frozenset[Grant]
) -> tuple[frozenset[Grant], frozenset[Grant]]:
    """Remove grants with omitted conditions: each may be the declared one of its role and member."""
    hidden = {
        (grant.role.partition(_HIDDEN_CONDITION)[0], grant.member): grant
        for grant in more
        if _HIDDEN_CONDITION in grant.role
    }
    matched = {grant for grant in missing if grant.expression and (grant.role, grant.member) in hidden}
    return missing - matched, more - {hidden[grant.role, grant.member] for grant in matched}


def _grants(bindings: Iterable[Mapping[str, Any]]) -> Iterable[Grant]:
    for binding in bindings:
        for member in map(str, _list(binding, "members")):
            if not is_deleted(member):
                yield grant(binding, member)


def _owned_roles(declared: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """The declared roles and conditions; one without members is owned, too: no member may have it."""
    return {(str(object_.get("role", "")), *_condition(object_)) for object_ in _objects(declared, "bindings")}


def _condition(binding: Mapping[str, Any]) -> tuple[str, str]:
    condition = binding.get("condition")
    if not isinstance(condition, dict):
        return "", ""
    return str(condition.get("title", "")), str(condition.get("expression", "")).strip()


def _list(holder: Any, key: str) -> list[Any]:
    """The list under a key; empty if an observed policy has another type there."""
    return as_list(as_object(holder).get(key))


def _objects(holder: Any, key: str) -> list[dict[str, Any]]:
    """The objects in the list under a key."""
    return [element for element in _list(holder, key) if isinstance(element, dict)]


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
    """The differing audit configs: of all services, or only of declared ones if not the whole policy is owned."""
    want, have = _audited(declared), _audited(observed)
    if authority != "policy":
        services = {service for service, _ in want}
        have = {key: members for key, members in have.items() if key[0] in services}
    differences = []
    for key in sorted(want | have):
        path = audit_path(*key)
        declared_members, observed_members = want.get(key, msgspec.UNSET), have.get(key, msgspec.UNSET)
        if declared_members is msgspec.UNSET:
            differences.append(Difference(path, "unexpected", observed=observed_members))
        elif observed_members is msgspec.UNSET:
            differences.append(Difference(path, "missing", declared=declared_members))
        elif declared_members != observed_members:
            differences.append(Difference(f"{path}.exemptedMembers", "changed", declared_members, observed_members))
    return differences


def _audited(policy: Mapping[str, Any]) -> dict[tuple[str, str], list[str]]:
    """The exempted members of each service and log type, sorted."""
    return {
        audited: sorted(
            iam_members.canonical(member)
            for member in map(str, _list(log, "exemptedMembers"))
            if not is_deleted(member)
        )
        for audited, log in audit_logs(policy).items()
    }


def audit_logs(policy: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The audit configuration of each service and log type."""
    return {
        (str(config.get("service", "")), str(log.get("logType", ""))): log
        for config in _objects(policy, "auditConfigs")
        for log in _objects(config, "auditLogConfigs")
    }
