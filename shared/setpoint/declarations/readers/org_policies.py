"""Convert native organization policies to the format of Cloud Asset Inventory.

The inventory sends the format of API v1. Accepted are one policy in it, several in ``policies``, and the format of API
v2, which ``gcloud org-policies`` writes: ``name`` and ``spec.rules``.

Sources: https://cloud.google.com/resource-manager/reference/rest/v1/Policy,
https://cloud.google.com/resource-manager/docs/reference/orgpolicy/rest/v2/organizations.policies
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from setpoint.declarations.readers.document_path import DocumentPath

_SEVERAL = ("policies", "orgPolicy")
_SERVER_KEPT = frozenset(("version", "etag", "updateTime"))
_TYPES = ("booleanPolicy", "listPolicy", "restoreDefault")
_V1: Mapping[str, frozenset[str]] = {
    "booleanPolicy": frozenset(("enforced",)),
    "listPolicy": frozenset(("allowedValues", "deniedValues", "allValues", "suggestedValue", "inheritFromParent")),
    "restoreDefault": frozenset(),
}
_V2 = frozenset(("name", "spec", "dryRunSpec", "alternate"))
_V2_SPEC = frozenset(("rules", "inheritFromParent", "reset"))
_V2_RULE = frozenset(("values", "allowAll", "denyAll", "enforce", "condition", "parameters"))
_V2_VALUES = frozenset(("allowedValues", "deniedValues"))
_POLICY_NAME = re.compile(r"(?:projects|folders|organizations)/[^/]+/policies/([^/]+)\Z")
_AS_RESOURCE = "declare it as a resource, assetType orgpolicy.googleapis.com/Policy"
_FLAGS = {"true": True, "false": False}
"""Terraform and gcloud write flags as words in capital letters."""

SIDES: Mapping[str, tuple[str, str]] = {"allow": ("allowedValues", "ALLOW"), "deny": ("deniedValues", "DENY")}
"""Terraform's blocks of a list policy, which Config Connector keeps: the API's field, and its value for all values."""


def list_side(side: str, block: Mapping[str, Any], path: str, origins: dict[str, str]) -> dict[str, Any]:
    """Convert a block ``allow`` or ``deny`` to the format of API v1.

    Args:
        side: one of ``SIDES``.
        block: the block.
        path: the author's path.
        origins: takes the author's path of each field.
    """
    fields: dict[str, Any] = {}
    listed, whole = SIDES[side]
    if block.get("all"):
        fields["allValues"] = whole
        origins["listPolicy.allValues"] = f"{path}.all"
    if block.get("values"):
        fields[listed] = block["values"]
        origins[f"listPolicy.{listed}"] = f"{path}.values"
    return fields


class OrgPolicyError(Exception):
    """An error in a policy.

    Args:
        where: the field.
        message: the error and the next step.
    """

    def __init__(self, where: DocumentPath, message: str) -> None:
        super().__init__(message)
        self.where = where
        self.message = message


class OrgPolicyFields(NamedTuple):
    """Policies in the format of API v1.

    Args:
        data: one policy, or several in ``policies``.
        unchecked: fields that cannot be compared.
    """

    data: dict[str, Any]
    unchecked: tuple[DocumentPath, ...] = ()


def read(data: Mapping[str, Any]) -> OrgPolicyFields:
    """Read the data of a declaration of organisation policies.

    Raises:
        OrgPolicyError: a field is unknown, or could not be compared.
    """
    several = next((name for name in _SEVERAL if name in data), None)
    if several is None:
        unchecked: list[DocumentPath] = []
        return OrgPolicyFields(_policy(data, (), unchecked), tuple(unchecked))
    _only(data, frozenset((several,)), ())
    policies = data[several]
    if not isinstance(policies, list) or not policies:
        raise OrgPolicyError((several,), "must be a list of policies")
    read_policies: list[dict[str, Any]] = []
    unchecked = []
    for index, policy in enumerate(policies):
        if not isinstance(policy, dict):
            raise OrgPolicyError((several, index), "must be a policy, {constraint, booleanPolicy or listPolicy}")
        read_policy = _policy(policy, (several, index), unchecked)
        if any(other["constraint"] == read_policy["constraint"] for other in read_policies):
            raise OrgPolicyError((several, index), f"{read_policy['constraint']} stands here twice")
        read_policies.append(read_policy)
    return OrgPolicyFields({"policies": read_policies}, tuple(unchecked))


def _policy(policy: Mapping[str, Any], where: DocumentPath, unchecked: list[DocumentPath]) -> dict[str, Any]:
    if "spec" in policy or ("name" in policy and "constraint" not in policy):
        return _from_v2(policy, where, unchecked)
    _only(policy, frozenset(("constraint", *_TYPES)), where)
    constraint = policy.get("constraint")
    if not isinstance(constraint, str) or not constraint.removeprefix("constraints/"):
        raise OrgPolicyError((*where, "constraint"), "is missing: name the constraint")
    types = [name for name in _TYPES if name in policy]
    if len(types) != 1:
        raise OrgPolicyError(where, f"must have one of {', '.join(_TYPES)}")
    kind = types[0]
    if not isinstance(policy[kind], dict):
        raise OrgPolicyError((*where, kind), "must be an object")
    _only(policy[kind], _V1[kind], (*where, kind))
    return {"constraint": _constraint(constraint), kind: policy[kind]}


def _from_v2(policy: Mapping[str, Any], where: DocumentPath, unchecked: list[DocumentPath]) -> dict[str, Any]:
    _only(policy, _V2, where)
    named = _POLICY_NAME.match(str(policy.get("name", "")))
    if named is None:
        raise OrgPolicyError(
            (*where, "name"), "does not name the constraint; use the form projects/P/policies/CONSTRAINT"
        )
    spec = policy.get("spec")
    if not isinstance(spec, dict):
        dry = f"; {_AS_RESOURCE}" if "dryRunSpec" in policy else ""
        raise OrgPolicyError((*where, "spec"), f"must be an object with `rules`, `inheritFromParent` or `reset`{dry}")
    unchecked += [(*where, name) for name in ("dryRunSpec", "alternate") if name in policy]
    return {"constraint": _constraint(named[1]), **_spec(spec, (*where, "spec"))}


def _spec(spec: Mapping[str, Any], where: DocumentPath) -> dict[str, Any]:
    """Convert the spec of API v2 to one of the three kinds of API v1."""
    _only(spec, _V2_SPEC, where)
    rules = spec.get("rules") or []
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise OrgPolicyError((*where, "rules"), "must be a list of rules")
    inherits = "inheritFromParent" in spec and _flag(spec["inheritFromParent"], (*where, "inheritFromParent"))
    if "reset" in spec and _flag(spec["reset"], (*where, "reset")):
        if rules or inherits:
            raise OrgPolicyError((*where, "reset"), "stands alone: with it there are no rules and nothing is inherited")
        return {"restoreDefault": {}}
    policy: dict[str, Any] = {}
    for index, rule in enumerate(rules):
        _add(policy, rule, (*where, "rules", index))
    if "enforced" in policy:
        if len(policy) > 1 or inherits:
            raise OrgPolicyError(
                where, "a rule with `enforce` stands alone: the constraint takes a flag or values, not both"
            )
        return {"booleanPolicy": policy}
    if inherits:
        policy["inheritFromParent"] = True
    if not policy:
        raise OrgPolicyError(where, "is empty: give `rules`, `inheritFromParent` or `reset`")
    if "allValues" in policy and not policy.keys().isdisjoint(_V2_VALUES):
        raise OrgPolicyError((*where, "rules"), "allow or deny all values, or name some")
    return {"listPolicy": policy}


def _add(policy: dict[str, Any], rule: Mapping[str, Any], where: DocumentPath) -> None:
    _only(rule, _V2_RULE, where)
    for name in ("condition", "parameters"):
        if rule.get(name):
            raise OrgPolicyError(
                (*where, name), f"cannot be compared: the inventory sends policies without it; {_AS_RESOURCE}"
            )
    before = len(policy)
    values = rule.get("values")
    if values is not None:
        _add_values(policy, values, (*where, "values"))
    for name, meant in (("allowAll", "ALLOW"), ("denyAll", "DENY")):
        if name in rule and _flag(rule[name], (*where, name)):
            _set(policy, "allValues", meant, (*where, name))
    if "enforce" in rule:
        _set(policy, "enforced", _flag(rule["enforce"], (*where, "enforce")), (*where, "enforce"))
    if len(policy) == before and not values:
        raise OrgPolicyError(where, "is empty: give `enforce`, `allowAll`, `denyAll` or `values`")


def _add_values(policy: dict[str, Any], values: Any, where: DocumentPath) -> None:
    if not isinstance(values, dict):
        raise OrgPolicyError(where, "must be {allowedValues} or {deniedValues}")
    _only(values, _V2_VALUES, where)
    for name, some in values.items():
        if not isinstance(some, list):
            raise OrgPolicyError((*where, name), "must be a list")
        policy[name] = [*policy.get(name, ()), *some]


def _set(policy: dict[str, Any], name: str, value: Any, where: DocumentPath) -> None:
    if policy.setdefault(name, value) != value:
        raise OrgPolicyError(where, "contradicts a rule before it")


def _flag(value: Any, where: DocumentPath) -> bool:
    meant = _FLAGS.get(str(value).lower())
    if meant is None:
        raise OrgPolicyError(where, "must be true or false")
    return meant


def _only(given: Mapping[str, Any], known: Iterable[str], where: DocumentPath) -> None:
    """Refuse an unknown field, since it would not be compared."""
    for name in given:
        if name not in known and name not in _SERVER_KEPT:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            raise OrgPolicyError((*where, name), "no such field" + (f"; did you mean {near[0]}?" if near else ""))


def _constraint(name: str) -> str:
    return "constraints/" + name.removeprefix("constraints/")
