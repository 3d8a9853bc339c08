"""Read Config Connector's IAM kinds: `IAMPolicy`, `IAMPartialPolicy`, `IAMPolicyMember`, `IAMAuditConfig`.

A policy owns all grants of its resource, unless a member is known only to the server; a partial policy and a member own
only the grants that they name. `ResourceManagerPolicy` sets one constraint of the organization policy in the same way.

Sources: https://cloud.google.com/config-connector/docs/reference/resource-docs/iam/iampolicy,
https://cloud.google.com/config-connector/docs/reference/resource-docs/iam/iampartialpolicy,
https://cloud.google.com/config-connector/docs/reference/resource-docs/resourcemanager/resourcemanagerpolicy
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from setpoint.declarations.readers import krm_kinds, krm_names, org_policies
from setpoint.declarations.readers.krm_references import (
    FOLDER_ID,
    ORGANIZATION_ID,
    Objects,
    annotation,
    annotations_of,
    namespace_of,
    resolve,
)
from setpoint.declarations.readers.krm_references import project_of as project_of_object
from setpoint.declarations.readers.translation import Translated
from setpoint.model import references
from setpoint.model.declaration import Authority, Declaration, Source
from setpoint.model.resource_key import Content, ResourceKey, project_of
from setpoint.util.json_values import as_list, as_object

_AUTHORITIES: Mapping[str, Authority] = {
    "IAMPolicy": "policy",
    "IAMPartialPolicy": "member",
    "IAMPolicyMember": "member",
    "IAMAuditConfig": "role",  # of one service's audit logs, and of no role
}
_ORG_POLICY = "ResourceManagerPolicy"

_HIERARCHY = {
    # Kind → the collection in its name; an organisation and a billing account are only ever named from outside.
    "Project": "projects",
    "Folder": "folders",
    "Organization": "organizations",
    "BillingAccount": "billingAccounts",
}


class _Target(NamedTuple):
    """The resource of a policy."""

    name: str
    asset_type: str


class _GrantFields(NamedTuple):
    """A policy, the author's paths of its parts, and the author's paths with unknown values."""

    policy: dict[str, Any]
    origins: dict[str, str]
    unknown: tuple[str, ...] = ()


def is_policy(kind: str) -> bool:
    """Whether a kind is a policy of a resource rather than a resource."""
    return kind in _AUTHORITIES or kind == _ORG_POLICY


def translate(value: Mapping[str, Any], objects: Objects, source: Source) -> Translated | str:
    """Read a policy.

    Args:
        value: The object.
        objects: The objects that it may refer to.
        source: The location of the object.

    Returns:
        The declaration; or the field without which the resource cannot be determined.
    """
    kind = str(value.get("kind", ""))
    spec = as_object(value.get("spec"))
    target = _constrained(value, spec, objects) if kind == _ORG_POLICY else _target(value, spec, objects)
    if target is None:
        return "spec.projectRef" if kind == _ORG_POLICY else "spec.resourceRef"
    grants = _READERS[kind](spec, value, objects)
    content: Content = "org_policy" if kind == _ORG_POLICY else "iam_policy"
    authority: Authority = _AUTHORITIES.get(kind, "policy")
    others: tuple[str, ...] = ()
    if authority == "policy" and content == "iam_policy" and grants.unknown:
        # The grant of an unknown member looks like an undeclared one, so undeclared grants are not reported.
        authority, others = "member", ("spec.bindings",)
    return Translated(
        Declaration(
            key=ResourceKey(target.name, content),
            asset_type=target.asset_type,
            data=grants.policy,
            project=project_of(target.name) or project_of_object(value, objects),
            authority=authority,
            source=source,
        ),
        unchecked=(*grants.unknown, *others),
        origins={"": "spec", **grants.origins},
    )


def _target(value: Mapping[str, Any], spec: Mapping[str, Any], objects: Objects) -> _Target | None:
    reference = spec.get("resourceRef")
    if not isinstance(reference, dict):
        return None
    kind = str(reference.get("kind") or "")
    group = str(reference.get("apiVersion") or "").partition("/")[0]
    external = reference.get("external")
    if kind in _HIERARCHY:
        return _in_hierarchy(kind, reference, value, objects)
    if not kind:
        return _Target(str(external), "") if str(external or "").startswith("//") else None
    meant = krm_kinds.resolve(group or krm_kinds.group_of(kind), kind)
    if external is not None:
        path = str(external)
        if path.startswith("//"):
            return _Target(path, meant.asset_type)
        name = krm_names.external_name(path, meant)
    else:
        namespace = str(reference.get("namespace") or namespace_of(value))
        named = objects.find(str(reference.get("name")), namespace, kind=kind) or {
            "apiVersion": group or krm_kinds.group_of(kind),
            "kind": kind,
            "metadata": {"name": reference.get("name"), "namespace": namespace, "annotations": annotations_of(value)},
        }
        name = krm_names.full_name(named, objects)
    return _Target(name, meant.asset_type) if name else None


def _in_hierarchy(
    kind: str, reference: Mapping[str, Any], value: Mapping[str, Any], objects: Objects
) -> _Target | None:
    collection = _HIERARCHY[kind]
    named = reference.get("external") is not None or reference.get("name") is not None
    resolved = resolve(f"{kind}Ref", reference, value, objects) if named else project_of_object(value, objects)
    if not isinstance(resolved, str) or not resolved:
        return None
    host = "cloudbilling" if kind == "BillingAccount" else "cloudresourcemanager"
    return _Target(
        f"//{host}.googleapis.com/{collection}/{references.segments(resolved)[-1]}", f"{host}.googleapis.com/{kind}"
    )


def _constrained(value: Mapping[str, Any], spec: Mapping[str, Any], objects: Objects) -> _Target | None:
    """The project, folder or organization of an organization policy."""
    for field, kind, name in (
        ("projectRef", "Project", ""),
        ("folderRef", "Folder", FOLDER_ID),
        ("organizationRef", "Organization", ORGANIZATION_ID),
    ):
        reference = spec.get(field)
        if not isinstance(reference, dict) and name and (external := annotation(value, name)):
            reference = {"external": external}
        if isinstance(reference, dict):
            return _in_hierarchy(kind, reference, value, objects)
    return _in_hierarchy("Project", {}, value, objects)


def _bindings(spec: Mapping[str, Any], value: Mapping[str, Any], objects: Objects) -> _GrantFields:
    out: list[dict[str, Any]] = []
    origins: dict[str, str] = {"bindings": "spec.bindings"}
    unknown: list[str] = []
    for index, binding in enumerate(as_list(spec.get("bindings"))):
        if not isinstance(binding, dict):
            continue
        members = []
        for position, entry in enumerate(as_list(binding.get("members"))):
            member = _member(entry, value, objects)
            if member:
                members.append(member)
            else:
                unknown.append(f"spec.bindings[{index}].members[{position}]")
        origins[f"bindings[{len(out)}]"] = f"spec.bindings[{index}]"
        out.append({"role": binding.get("role"), "members": members} | _condition(binding))
    policy: dict[str, Any] = {"bindings": out}
    if spec.get("auditConfigs"):
        policy["auditConfigs"] = spec["auditConfigs"]
    return _GrantFields(policy, origins, tuple(unknown))


def _grant(spec: Mapping[str, Any], value: Mapping[str, Any], objects: Objects) -> _GrantFields:
    field = "member" if spec.get("member") else "memberFrom"
    member = _member({field: spec.get(field)}, value, objects)
    if not member:
        return _GrantFields({"bindings": []}, {}, (f"spec.{field}",))
    binding = {"role": spec.get("role"), "members": [member]} | _condition(spec)
    return _GrantFields(
        {"bindings": [binding]},
        {"bindings": f"spec.{field}", "bindings[0]": f"spec.{field}", "bindings[0].role": "spec.role"},
    )


def _audits(spec: Mapping[str, Any], _: Mapping[str, Any], __: Objects) -> _GrantFields:
    config = {"service": spec.get("service"), "auditLogConfigs": spec.get("auditLogConfigs") or []}
    return _GrantFields(
        {"bindings": [], "auditConfigs": [config]},
        {"auditConfigs": "spec", "auditConfigs[0]": "spec"},
    )


def _constraint(spec: Mapping[str, Any], _: Mapping[str, Any], __: Objects) -> _GrantFields:
    policy: dict[str, Any] = {"constraint": spec.get("constraint")}
    origins: dict[str, str] = {}
    if isinstance(boolean := spec.get("booleanPolicy"), dict):
        policy["booleanPolicy"] = {"enforced": bool(boolean.get("enforced"))}
    if isinstance(values := spec.get("listPolicy"), dict):
        policy["listPolicy"] = _list_policy(values, origins)
    if spec.get("restorePolicy"):
        policy["restoreDefault"] = {}
        origins["restoreDefault"] = "spec.restorePolicy"
    return _GrantFields(policy, origins)


def _list_policy(values: Mapping[str, Any], origins: dict[str, str]) -> dict[str, Any]:
    """Convert Terraform's shape, which Config Connector keeps, to the API's."""
    policy = {name: values[name] for name in ("suggestedValue", "inheritFromParent") if values.get(name) is not None}
    for side in org_policies.SIDES:
        if isinstance(values_of_side := values.get(side), dict):
            policy |= org_policies.list_side(side, values_of_side, f"spec.listPolicy.{side}", origins)
    return policy


def _member(entry: Any, value: Mapping[str, Any], objects: Objects) -> str:
    """A member in IAM's format; empty if only the cluster knows it."""
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, dict):
        return ""
    if isinstance(entry.get("member"), str):
        return str(entry["member"])
    origin = entry.get("memberFrom")
    account = origin.get("serviceAccountRef") if isinstance(origin, dict) else None
    if not isinstance(account, dict):
        return ""  # the identity of a sink, an instance or a service, which the server generates
    resolved = resolve("serviceAccountRef", account, value, objects)
    address = str(resolved).rpartition("/")[2] if isinstance(resolved, str) else ""
    return f"serviceAccount:{address}" if "@" in address else ""


def _condition(binding: Mapping[str, Any]) -> dict[str, Any]:
    condition = binding.get("condition")
    return {"condition": condition} if isinstance(condition, dict) and condition else {}


_READERS = {
    "IAMPolicy": _bindings,
    "IAMPartialPolicy": _bindings,
    "IAMPolicyMember": _grant,
    "IAMAuditConfig": _audits,
    _ORG_POLICY: _constraint,
}
