"""Read Terraform's IAM resources: `google_*_iam_policy`, `_binding`, `_member` and `_audit_config`.

A policy owns all grants and audit configs of its resource, a binding the grants of one role, a member one grant, and an
audit config the logging of one service.

Source: https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_project_iam
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from setpoint.declarations.readers import terraform_names
from setpoint.declarations.readers.field_mapping import UNKNOWN
from setpoint.declarations.readers.terraform_documents import TerraformResource
from setpoint.declarations.readers.terraform_types import PARTS, meaning
from setpoint.declarations.readers.translation import Translated
from setpoint.model.declaration import Authority, Declaration, Source
from setpoint.model.resource_key import ResourceKey, project_of

_TYPE = re.compile(r"(google_\w+?)_iam_(policy|binding|member|audit_config)\Z")
_AUTHORITIES: Mapping[str, Authority] = {
    "policy": "policy",
    "binding": "role",
    "member": "member",
    "audit_config": "role",  # the audit configs of one service
}


class _GrantFields(NamedTuple):
    """A policy, and the author's paths of its parts."""

    policy: dict[str, Any]
    origins: dict[str, str]


def is_iam(terraform_type: str) -> bool:
    """Whether a type is an IAM policy or a part of one."""
    return _TYPE.match(terraform_type) is not None


def translate(block: TerraformResource, source: Source) -> Translated | None:
    """Read an IAM resource; its target is named like the target's own Terraform type.

    Args:
        block: The IAM resource.
        source: The location of the resource.

    Returns:
        The declaration; None if it cannot be compared: its grants are known only after apply, or its target is not in
        the inventory.
    """
    match = _TYPE.match(block.type)
    target, form = (match[1], match[2]) if match else (block.type, "")
    means = meaning(target)
    if not means.known or target in PARTS:
        return None
    name = terraform_names.name_of(block._replace(type=target, values=_naming(block)), means)
    grants = _READERS[form](block)
    if grants is None:
        return None
    return Translated(
        Declaration(
            key=ResourceKey(name.text, "iam_policy"),
            asset_type=means.asset_type,
            data=grants.policy,
            project=project_of(name.text) or block.default("project"),
            authority=_AUTHORITIES[form],
            source=source,
        ),
        origins={"": block.address, **grants.origins},
    )


def _naming(block: TerraformResource) -> dict[str, Any]:
    """The attributes that name the target; the IAM resource's own id is different."""
    no_name = {"id", "role", "member", "members", "condition", "policy_data", "etag"}
    no_name |= {"service", "audit_log_config"} if block.type.endswith("_audit_config") else set()
    named = {name: value for name, value in block.values.items() if name not in no_name}
    return {"project": block.default("project")} | named if block.type.startswith("google_project_iam_") else named


def _policy(block: TerraformResource) -> _GrantFields | None:
    text = block.values.get("policy_data")
    try:
        policy = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        return None
    path = f"{block.address}.policy_data"
    return _GrantFields(
        {"bindings": policy.get("bindings") or [], "auditConfigs": policy.get("auditConfigs") or []},
        {"bindings": path, "auditConfigs": path},
    )


def _binding(block: TerraformResource) -> _GrantFields | None:
    return _grants(block, "members", block.values.get("members"))


def _member(block: TerraformResource) -> _GrantFields | None:
    member = block.values.get("member")
    return _grants(block, "member", [member] if isinstance(member, str) else member)


def _grants(block: TerraformResource, attribute: str, members: Any) -> _GrantFields | None:
    """One binding; None if a part of it is known only after apply."""
    role, condition = block.values.get("role"), _condition(block.values.get("condition"))
    if not isinstance(role, str) or not isinstance(members, list) or condition is UNKNOWN:
        return None
    if any(not isinstance(member, str) for member in members):
        return None
    path = f"{block.address}.{attribute}"
    binding: dict[str, Any] = {"role": role, "members": members}
    if condition is not None:
        binding["condition"] = condition
    return _GrantFields({"bindings": [binding]}, {"bindings": path, "bindings[0]": path})


def _condition(value: Any) -> Any:
    """The condition; None without one, `UNKNOWN` if it is known only after apply."""
    if value is UNKNOWN:
        return UNKNOWN
    block_value = value[0] if isinstance(value, list) and value else value
    if not isinstance(block_value, dict):
        return UNKNOWN if block_value is UNKNOWN else None
    if any(part is UNKNOWN for part in block_value.values()):
        return UNKNOWN
    return {name: part for name, part in block_value.items() if part}


def _audit(block: TerraformResource) -> _GrantFields | None:
    """The audit logging of a service, with its exemptions."""
    service, logs = block.values.get("service"), block.values.get("audit_log_config")
    if not isinstance(service, str) or not isinstance(logs, list):
        return None
    log_configs = [_log_config(log) for log in logs]
    if any(log is None for log in log_configs):
        return None
    path = f"{block.address}.audit_log_config"
    config = {"service": service, "auditLogConfigs": log_configs}
    return _GrantFields({"bindings": [], "auditConfigs": [config]}, {"auditConfigs": path, "auditConfigs[0]": path})


def _log_config(log: Any) -> dict[str, Any] | None:
    """A log type; None if a part of it is known only after apply."""
    exempted = log.get("exempted_members") or [] if isinstance(log, dict) else UNKNOWN
    if not isinstance(exempted, list) or not all(isinstance(member, str) for member in exempted):
        return None
    kind = {"logType": log.get("log_type")}
    return kind | {"exemptedMembers": exempted} if exempted else kind


_READERS = {"policy": _policy, "binding": _binding, "member": _member, "audit_config": _audit}
