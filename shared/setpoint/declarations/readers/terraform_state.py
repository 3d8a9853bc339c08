"""Read raw Terraform and OpenTofu states, as stored in a backend: format version 4.

Source: https://github.com/hashicorp/terraform/blob/main/internal/states/statefile/version4.go,
https://opentofu.org/docs/language/state/encryption/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from setpoint.declarations.readers.secret_values import concealed

NAMING = ("id", "name", "project", "location", "region", "zone", "unique_id", "self_link")
"""Attributes that name the resource; they are read even if the provider sets them."""
_VERSION = 4
_NEXT_STEP = "run `terraform show -json > state.json` beside its configuration, and give that file"


def is_state(value: Any) -> bool:
    """Whether a document is a state in its raw format, of any version, or an encrypted one."""
    if not isinstance(value, dict):
        return False
    if "encrypted_data" in value:
        return "lineage" in value or "meta" in value or "encryption_version" in value
    return isinstance(value.get("version"), int) and "serial" in value and ("resources" in value or "modules" in value)


def refusal(value: Mapping[str, Any]) -> str:
    """Why a raw state cannot be read, with the next step; or an empty string."""
    if "encrypted_data" in value:
        return "is an OpenTofu state that is encrypted; run `tofu show -json > state.json`, and give that file"
    version = value["version"]
    if version != _VERSION:
        return f"is a state of format version {version}, and version {_VERSION} is read; {_NEXT_STEP}"
    if not isinstance(value.get("resources"), list):
        return f"is a state whose `resources` are not a list; it may be half-written; {_NEXT_STEP}"
    return ""


def revision(value: Mapping[str, Any]) -> tuple[str, int]:
    """The lineage and the serial of a state; empty and 0 without them."""
    serial = value.get("serial")
    return str(value.get("lineage") or ""), serial if isinstance(serial, int) else 0


def resources(value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The instances of a raw state's resources, each as `terraform show -json` writes a resource.

    Instances that are marked for destruction after their replacement (`deposed`) are left out.
    """
    for resource in value.get("resources") or ():
        if not isinstance(resource, dict):
            continue
        module = f"{resource['module']}." if resource.get("module") else ""
        name = f"{module}{resource.get('type', '')}.{resource.get('name', '')}"
        for instance in resource.get("instances") or ():
            if not isinstance(instance, dict) or "deposed" in instance:
                continue
            attributes = instance.get("attributes")
            values = attributes if isinstance(attributes, dict) else {}
            values = _with_secrets(values, instance.get("sensitive_attributes"))
            yield {
                "address": f"{name}{_index(instance)}",
                "mode": resource.get("mode", "managed"),
                "type": resource.get("type", ""),
                "name": resource.get("name", ""),
                "provider_name": _provider(str(resource.get("provider", ""))),
                "values": values,
            }


def _index(instance: Mapping[str, Any]) -> str:
    """The key of `count` or `for_each`, in the format of addresses."""
    key = instance.get("index_key")
    if key is None:
        return ""
    return f"[{key}]" if isinstance(key, int) else f"[{json.dumps(str(key), ensure_ascii=False)}]"


def _provider(reference: str) -> str:
    """`provider["registry.terraform.io/hashicorp/google"].west` → `registry.terraform.io/hashicorp/google`."""
    _, bracket, rest = reference.partition('["')
    if bracket:
        return rest.partition('"')[0]
    return reference.partition("provider.")[2].partition(".")[0]


def _with_secrets(values: dict[str, Any], marks: Any) -> Any:
    """The attributes with those that the state marks as secrets; all but names where it marks them in no known form."""
    if not marks:
        return values
    if not isinstance(marks, list) or not all(isinstance(path, list) for path in marks):
        return {name: value if name in NAMING else concealed(value) for name, value in values.items()}
    hidden: Any = values
    for path in marks:
        hidden = _hidden(hidden, path)
    return hidden


def _hidden(value: Any, path: list[Any]) -> Any:
    """A copy of a value with what is at a path of the state's `sensitive_attributes` as a secret.

    Where a path has another form than what it leads through, all that is left there is a secret: the state says that
    there is a secret in it, and not which part that is.
    """
    if not path:
        return concealed(value)
    step = path[0].get("value") if isinstance(path[0], dict) else path[0]
    key = step.get("value") if isinstance(step, dict) else step
    if isinstance(value, dict) and isinstance(key, str):
        return {**value, key: _hidden(value[key], path[1:])} if key in value else value
    if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
        return [*value[:key], _hidden(value[key], path[1:]), *value[key + 1 :]]
    return concealed(value)
