"""Read Terraform's organization policies in the format of API v1: `google_*_organization_policy`.

`google_org_policy_policy` has the format of API v2, and is an ordinary resource, `orgpolicy.googleapis.com/Policy`.

Source: https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_project_organization_policy
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setpoint.declarations.readers import org_policies
from setpoint.declarations.readers.field_mapping import UNKNOWN
from setpoint.declarations.readers.terraform_documents import TerraformResource
from setpoint.declarations.readers.translation import Translated
from setpoint.model.declaration import Declaration, Source
from setpoint.model.resource_key import ResourceKey, project_of

_TARGETS: Mapping[str, tuple[str, str, str]] = {
    # Terraform type → the attribute that names the resource, its collection and its kind.
    "google_project_organization_policy": ("project", "projects", "Project"),
    "google_folder_organization_policy": ("folder", "folders", "Folder"),
    "google_organization_policy": ("org_id", "organizations", "Organization"),
}
_SERVICE = "cloudresourcemanager.googleapis.com"


def is_org_policy(terraform_type: str) -> bool:
    """Whether a type sets a constraint on a project, a folder or an organization."""
    return terraform_type in _TARGETS


def translate(block: TerraformResource, source: Source) -> Translated | None:
    """Read an organization policy.

    Args:
        block: The Terraform resource.
        source: The location of the resource.

    Returns:
        The declaration; its name is empty if its resource is unknown. None if its content is known only after apply.
    """
    attribute, collection, kind = _TARGETS[block.type]
    named = (block.default("project") if attribute == "project" else block.value(attribute)).rpartition("/")[2]
    origins = {"": block.address}
    policy = _policy(block, origins)
    if policy is None:
        return None
    name = f"//{_SERVICE}/{collection}/{named}" if named else ""
    return Translated(
        Declaration(
            key=ResourceKey(name, "org_policy"),
            asset_type=f"{_SERVICE}/{kind}",
            data=policy,
            project=project_of(name),
            source=source,
        ),
        origins=origins,
    )


def _policy(block: TerraformResource, origins: dict[str, str]) -> dict[str, Any] | None:
    """The policy in the format of API v1: a constraint, and one of the three kinds of policies."""
    constraint = block.value("constraint")
    forms = {name: block.values.get(name) for name in ("boolean_policy", "list_policy", "restore_policy")}
    if not constraint or any(_is_unknown(part) for part in forms.values()):
        return None
    policy: dict[str, Any] = {"constraint": constraint}
    if boolean := _inner(forms["boolean_policy"]):
        policy["booleanPolicy"] = {"enforced": boolean.get("enforced") is True}
        origins["booleanPolicy"] = f"{block.address}.boolean_policy[0]"
    if values := _inner(forms["list_policy"]):
        policy["listPolicy"] = _list_policy(values, f"{block.address}.list_policy[0]", origins)
        origins["listPolicy"] = f"{block.address}.list_policy[0]"
    if restored := _inner(forms["restore_policy"]):
        policy["restoreDefault"] = {}
        origins["restoreDefault"] = f"{block.address}.restore_policy[0]"
        return policy if restored.get("default") else None
    return policy if len(policy) > 1 else None


def _list_policy(values: Mapping[str, Any], path: str, origins: dict[str, str]) -> dict[str, Any]:
    policy: dict[str, Any] = {}
    for attribute, name in (("inherit_from_parent", "inheritFromParent"), ("suggested_value", "suggestedValue")):
        if values.get(attribute):
            policy[name] = values[attribute]
            origins[f"listPolicy.{name}"] = f"{path}.{attribute}"
    for side in org_policies.SIDES:
        values_of_side = _inner(values.get(side)) or {}
        policy |= org_policies.list_side(side, values_of_side, f"{path}.{side}[0]", origins)
    return policy


def _inner(blocks: Any) -> dict[str, Any] | None:
    """The one block of a list of at most one."""
    first = blocks[0] if isinstance(blocks, list) and blocks else None
    return first if isinstance(first, dict) else None


def _is_unknown(value: Any) -> bool:
    """Whether any part of a value is known only after apply."""
    if isinstance(value, dict):
        return any(map(_is_unknown, value.values()))
    return any(map(_is_unknown, value)) if isinstance(value, list) else value is UNKNOWN
