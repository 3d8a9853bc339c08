"""Plan the smallest change of an IAM policy: add only declared grants, remove only unexpected ones.

A policy is read and written whole, guarded by its etag, and always as version 3, since lower versions lose conditions:
https://cloud.google.com/iam/docs/policies#versions
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from setpoint.catalog.methods import ApiResource
from setpoint.comparison import iam_policies
from setpoint.comparison.iam_policies import Grant
from setpoint.model import ignore_patterns
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.references import Project
from setpoint.model.write_plan import Call, NotWritable, WritePlan
from setpoint.remediation import last_owners
from setpoint.remediation.api_requests import call

VERSION = 3
_STRIPPED = re.compile(r"_withcond_[0-9a-f]{20}\Z")
"""Suffix of the role of a binding whose condition was omitted because a lower version was requested.

The id of a custom role may contain the same text. Source: https://cloud.google.com/iam/docs/troubleshoot-withcond
"""


def read(resource: ApiResource) -> Call | None:
    """The request that reads the policy of a resource; None if it has no policy of its own."""
    method = resource.kind.methods.get("getIamPolicy")
    if method is None:
        return None
    if method.policy_version == "options":
        return call(resource, method, body={"options": {"requestedPolicyVersion": VERSION}})
    query = {method.policy_version: str(VERSION)} if method.policy_version else {}
    return call(resource, method, query=query, body={} if method.verb == "POST" else None)


def plan_policy(
    declaration: Declaration,
    live: Mapping[str, Any],
    resource: ApiResource,
    wanted: set[tuple[str, Any]] | None,
    own: Project = Project(),  # noqa: B008 - an immutable value
) -> WritePlan | NotWritable:
    """Plan one write of a policy; see ``planner.plan``.

    Args:
        declaration: the declaration, with its authority.
        live: the policy that was just read, with its etag.
        resource: the resource of the policy.
        wanted: path and operation of the differences to remediate; None for all.
        own: the project of the resource.
    """
    differences = [
        difference
        for difference in iam_policies.compare(
            declaration.data, live, declaration.authority, exact=declaration.exact, own=own
        )
        if (wanted is None or (difference.path, difference.op) in wanted)
        and ignore_patterns.covering(difference.path, declaration.ignore) is None
    ]
    if not differences:
        return NotWritable(declaration.key, "as_declared")
    if declaration.by_scope and not (differences := _without_last_owner(live, differences)):
        return NotWritable.for_resource(
            declaration.key,
            "by_hand",
            "it would remove the last owner or administrator: declare them without a condition, or remove them "
            "manually",
        )
    method = resource.kind.methods.get("setIamPolicy")
    if method is None or "getIamPolicy" not in resource.kind.methods:
        return NotWritable.for_resource(
            declaration.key, "no_method", "the API has no policy for this kind of resource: change it manually"
        )
    if not live.get("etag") or any(_is_stripped(binding) for binding in live.get("bindings") or ()):
        return NotWritable.for_resource(
            declaration.key, "unread", "the policy was not read with its conditions and etag: read it again"
        )
    audits = any(difference.path.startswith("auditConfigs") for difference in differences)
    if audits and not method.wrapped_mask:
        return NotWritable.for_resource(
            declaration.key, "no_method", "the API accepts no audit configuration here: change it manually"
        )
    policy = {**live, "version": VERSION, "bindings": _bindings(declaration.data, live, differences)}
    if audits:
        policy["auditConfigs"] = _audit_configs(declaration.data, live, differences)
    body: dict[str, Any] = {method.wrap: policy} if method.wrap else policy
    if audits:
        body[method.wrapped_mask] = "bindings,etag,auditConfigs"
    return WritePlan(
        declaration.key,
        call(resource, method, body=body, guarded=True),
        str(live["etag"]),
        paths=tuple(difference.path for difference in differences),
        summary=tuple(
            f"{difference.path}: {'add' if difference.op == 'missing' else _VERBS[difference.op]}"
            for difference in differences
        ),
    )


def _without_last_owner(live: Mapping[str, Any], differences: list[Difference]) -> list[Difference]:
    """The differences without the removals that would leave the resource without an owner or administrator."""
    held = iam_policies.grants(live)
    removed = {_grant(difference.observed) for difference in differences if _is_removal(difference)}
    lost = last_owners.lost(held, held - removed)
    return [
        difference
        for difference in differences
        if not _is_removal(difference) or _grant(difference.observed).role not in lost
    ]


def _is_removal(difference: Difference) -> bool:
    return difference.op == "unexpected" and difference.path.startswith("bindings")


def _is_stripped(binding: Mapping[str, Any]) -> bool:
    """Whether the condition of a binding was omitted."""
    return not binding.get("condition") and _STRIPPED.search(str(binding.get("role"))) is not None


_VERBS = {"unexpected": "remove", "changed": "change", "missing": "add"}


def _bindings(
    declared: Mapping[str, Any], live: Mapping[str, Any], differences: list[Difference]
) -> list[dict[str, Any]]:
    removed = {_grant(difference.observed) for difference in differences if _is_removal(difference)}
    added = {
        _grant(difference.declared)
        for difference in differences
        if difference.op == "missing" and difference.path.startswith("bindings")
    }
    bindings = [
        {
            **binding,
            "members": [m for m in binding.get("members") or () if iam_policies.grant(binding, m) not in removed],
        }
        for binding in live.get("bindings") or ()
    ]
    for binding in declared.get("bindings") or ():
        for member in binding.get("members") or ():
            grant = iam_policies.grant(binding, member)
            if grant in added:
                added.discard(grant)
                _holder(bindings, binding)["members"].append(member)
    return [binding for binding in bindings if binding["members"]]


def _holder(bindings: list[dict[str, Any]], like: Mapping[str, Any]) -> dict[str, Any]:
    """The binding of a role and condition; a new one if there is none."""
    wanted = iam_policies.grant(like, "")
    for binding in bindings:
        if iam_policies.grant(binding, "") == wanted:
            return binding
    made: dict[str, Any] = {"role": like.get("role"), "members": []}
    if like.get("condition"):
        made["condition"] = like["condition"]
    bindings.append(made)
    return made


def _grant(value: Mapping[str, Any]) -> Grant:
    return iam_policies.grant(value, value["member"])


def _audit_configs(
    declared: Mapping[str, Any], live: Mapping[str, Any], differences: list[Difference]
) -> list[dict[str, Any]]:
    """The live audit configuration with the differences remediated, for each log type."""
    differing = {
        entry.path.removesuffix(".exemptedMembers"): entry
        for entry in differences
        if entry.path.startswith("auditConfigs")
    }
    want, have = iam_policies.audit_logs(declared), iam_policies.audit_logs(live)
    for audited in {**have, **want}:
        difference = differing.get(iam_policies.audit_path(*audited))
        if difference is None:
            continue
        if difference.op == "unexpected":
            have.pop(audited, None)
        else:
            have[audited] = want[audited]
    services: dict[str, list[Any]] = {}
    for (service, _), log in have.items():
        services.setdefault(service, []).append(log)
    return [{"service": service, "auditLogConfigs": logs} for service, logs in services.items()]
