"""Collect the resources of a Terraform plan or state: from `terraform show -json`, or a raw state.

This module handles only Terraform's own concepts: modules, `count` and `for_each`, unknown and sensitive values, and
which values the author or the provider set. The mapping to Google resources is elsewhere.

Source: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from setpoint.catalog import terraform_types
from setpoint.declarations.readers import json_tree, terraform_state
from setpoint.declarations.readers.field_mapping import UNKNOWN
from setpoint.declarations.readers.secret_values import concealed
from setpoint.declarations.readers.terraform_classes import NOT_KNOWN, expression_of, expressions_of
from setpoint.declarations.readers.terraform_config import ConfiguredResource, Key
from setpoint.model import terraform_addresses
from setpoint.util.json_values import as_object

_PROVIDERS = frozenset(("google", "google-beta"))
_STEP = re.compile(r"module\.([^.\[]+)")
_AROUND = re.compile(r"(?:module\.[^.\[]+(?:\.|\Z))*")
_VARIABLE = re.compile(r"var\.([\w-]+)\Z")
_MANAGED = "managed"
_NOTHING: frozenset[str] = frozenset()
_NO_FILES: Mapping[Key, ConfiguredResource] = {}


class TerraformResource(NamedTuple):
    """A managed resource of the Google providers.

    Args:
        address: Terraform's address, with the keys of `count` and `for_each`.
        type: As `google_storage_bucket`.
        values: The attributes; `UNKNOWN` for values that are known only after apply, secrets for sensitive ones.
        defaults: `project`, `region` and `zone` of the provider block.
        names: All attribute names of the type in the document, including those without a value.
        written: The expressions of a plan's configuration; `NOT_KNOWN` without a configuration.
        configured: Its block in the configuration's files; None without them.
        unknown: The author's paths of what is known only after apply.
    """

    address: str
    type: str
    values: Mapping[str, Any]
    defaults: Mapping[str, str]
    names: frozenset[str] = frozenset()
    written: Any = NOT_KNOWN
    configured: ConfiguredResource | None = None
    unknown: frozenset[str] = frozenset()

    def value(self, *names: str) -> str:
        """The first of the named attributes that is a known, non-empty scalar, as text; or an empty string."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
                return str(value)
        return ""

    def default(self, name: str) -> str:
        """An attribute that the provider block may set for all resources."""
        return self.value(name) or (self.defaults.get(name, "") if name == "project" or name in self.names else "")


class TerraformResources(NamedTuple):
    """The resources of a plan or state.

    Args:
        google: The resources of the Google providers.
        others: Number of resources of each other provider.
    """

    google: tuple[TerraformResource, ...]
    others: Counter[str]


def is_terraform(value: Any) -> bool:
    """Whether a document is a plan or a state in Terraform's JSON output format, of any version, or a raw state."""
    return terraform_state.is_state(value) or (
        isinstance(value, dict)
        and "format_version" in value
        and any(isinstance(value.get(part), dict) for part in ("planned_values", "values"))
    )


def read(
    value: Mapping[str, Any], *, project: str = "", files: Mapping[Key, ConfiguredResource] = _NO_FILES
) -> TerraformResources:
    """Collect the resources of a plan (planned) or of a state (existing).

    Args:
        value: The document.
        project: The project of resources without one, if the provider block has none either.
        files: The resource blocks in the configuration's files; a plan's own configuration counts before them.
    """
    configuration = as_object(value.get("configuration"))
    written = dict(_configurations(as_object(configuration.get("root_module")), ()))
    provided = _Providers(as_object(configuration.get("provider_config")), as_object(value.get("variables")))
    changes = {
        str(object_.get("address")): as_object(object_.get("change"))
        for object_ in _objects(value.get("resource_changes"))
    }
    google, others = [], Counter[str]()
    for path, resource in _all_resources(value):
        if resource.get("mode", _MANAGED) != _MANAGED:
            continue
        address, kind = str(resource.get("address", "")), str(resource.get("type", ""))
        provider = str(resource.get("provider_name", "")).rpartition("/")[2]
        if provider not in _PROVIDERS:
            others[provider or kind.partition("_")[0]] += 1
            continue
        key = (path, kind, str(resource.get("name", "")))
        configured = written.get(key, {})
        in_files = files.get(key)
        change = changes.get(address, {})
        expressions = configured.get("expressions") or (in_files.expressions if in_files is not None else None)
        has_classes = terraform_types.of(kind) is not None
        google.append(
            TerraformResource(
                address=address,
                type=kind,
                values=_attributes(resource, change, expressions, has_classes=has_classes),
                written=expressions if isinstance(expressions, dict) else NOT_KNOWN,
                configured=in_files,
                unknown=frozenset(_unknown(change.get("after_unknown"), address)) if change else _NOTHING,
                defaults={"project": project} | provided.defaults(str(configured.get("provider_config_key")), provider),
                names=frozenset(as_object(resource.get("values"))).union(as_object(change.get("after_unknown"))),
            )
        )
    return TerraformResources(tuple(google), others)


def _unknown(marks: Any, path: str) -> Iterator[str]:
    """The author's paths of what a plan marks as known only after apply."""
    if marks is True:
        yield path
    elif isinstance(marks, dict):
        for name, inner in marks.items():
            yield from _unknown(inner, f"{path}.{name}")
    elif isinstance(marks, list):
        for index, inner in enumerate(marks):
            yield from _unknown(inner, f"{path}[{index}]")


def _objects(value: Any) -> list[dict[str, Any]]:
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


_Place = tuple[str, ...]
"""The names of the modules around a resource, outermost first."""


def _all_resources(value: Mapping[str, Any]) -> Iterator[tuple[_Place, dict[str, Any]]]:
    """The resources of a plan or state in any format, each with its modules."""
    if terraform_state.is_state(value):
        for resource in terraform_state.resources(value):
            yield _modules(str(resource.get("address", ""))), resource
    else:
        yield from _resources(
            as_object(as_object(value.get("planned_values") or value.get("values")).get("root_module")), ()
        )


def _resources(module: Mapping[str, Any], path: _Place) -> Iterator[tuple[_Place, dict[str, Any]]]:
    for resource in _objects(module.get("resources")):
        yield path, resource
    for child in _objects(module.get("child_modules")):
        yield from _resources(child, _modules(str(child.get("address", ""))))


def _modules(address: str) -> _Place:
    """The names of the modules at the beginning of an address."""
    around = _AROUND.match(terraform_addresses.without_keys(address))
    return tuple(_STEP.findall(around[0])) if around is not None else ()


def _configurations(
    module: Mapping[str, Any], path: _Place
) -> Iterator[tuple[tuple[_Place, str, str], dict[str, Any]]]:
    """The configuration of each resource; empty for a state."""
    for object_ in _objects(module.get("resources")):
        if object_.get("mode", _MANAGED) == _MANAGED:
            yield (path, str(object_.get("type", "")), str(object_.get("name", ""))), object_
    for name, call in as_object(module.get("module_calls")).items():
        yield from _configurations(as_object(as_object(call).get("module")), (*path, name))


class _Providers(NamedTuple):
    """The provider blocks, and their variables."""

    blocks: Mapping[str, Any]
    variables: Mapping[str, Any]

    def defaults(self, key: str, provider: str) -> dict[str, str]:
        """The values that a provider block sets for all its resources."""
        if not self.blocks:
            return {}
        block = self.blocks.get(key) or self.blocks.get(provider) or self.blocks.get("google")
        expressions = as_object(as_object(block).get("expressions"))
        constants = {name: self._constant(expressions.get(name)) for name in ("project", "region", "zone")}
        return {name: value for name, value in constants.items() if value}

    def _constant(self, expression: Any) -> str:
        """The value of an expression that is a constant or a single variable of the root module."""
        constant = as_object(expression)
        if "constant_value" in constant:
            return str(constant["constant_value"] or "")
        references = constant.get("references")
        named = [match[1] for reference in references or () if (match := _VARIABLE.match(str(reference)))]
        return str(as_object(self.variables.get(named[0])).get("value") or "") if len(named) == 1 else ""


def _attributes(
    resource: Mapping[str, Any], change: Mapping[str, Any], expressions: Any, *, has_classes: bool
) -> dict[str, Any]:
    values = as_object(resource.get("values"))
    secret = _either(change.get("after_sensitive"), resource.get("sensitive_values"))
    # Values that a plan copies from the state include the service's choices.
    reading = _Reading(taken_over=change.get("before") is not None, keeps_null=has_classes)
    written = expressions if isinstance(expressions, dict) and not has_classes else None
    attributes = reading.group(values, change.get("after_unknown"), secret, written)
    return attributes | {
        name: values[name] for name in terraform_state.NAMING if name not in attributes and values.get(name) is not None
    }


class _Reading:
    """Combines values, marks and expressions.

    A declaration owns what its author set, and what the provider sends by default when it creates the resource. The
    service's choices are not declared: in a plan that creates the resource they are known only after apply; in a later
    plan only set attributes count, since defaults and choices look alike. In a state all values count.

    Args:
        taken_over: Whether values may come from the state.
        keeps_null: Whether null is kept, since its meaning depends on the class of the attribute.
    """

    def __init__(self, *, taken_over: bool, keeps_null: bool) -> None:
        self.taken_over = taken_over
        self.keeps_null = keeps_null

    def group(self, values: Any, unknown: Any, secret: Any, written: Any) -> dict[str, Any]:
        """The declared attributes of a resource, a block or a map."""
        names = dict.fromkeys((*values, *(unknown if isinstance(unknown, dict) else ())))
        attributes = {}
        for name in names:
            value, expression = values.get(name), expression_of(written, name)
            left_open = expression is None and written is not None
            if left_open and self.taken_over:
                # The configuration does not show the content of a `dynamic` block, which a block may come from.
                part = UNKNOWN if _is_block(value) else None
            elif left_open and _part(unknown, name) is True:
                part = None
            else:
                part = self.part(value, _part(unknown, name), _part(secret, name), expression)
            is_null = name in values and value is None and _part(unknown, name) is not True
            if part is not None or (is_null and self.keeps_null):
                attributes[name] = part
        return attributes

    def part(self, value: Any, unknown: Any, secret: Any, written: Any) -> Any:
        """A value; a secret if it is sensitive, `UNKNOWN` if known after apply only, None if it declares nothing."""
        if unknown is True:
            return UNKNOWN
        if value is None:
            return None
        if secret is True or _fits_otherwise(secret, value):
            return UNKNOWN if any(part is True for part in json_tree.inside(unknown)) else concealed(value)
        if isinstance(value, dict):
            return self.group(value, unknown, secret, written)
        if isinstance(value, list):
            return [
                self.part(element, _part(unknown, index), _part(secret, index), expression)
                for index, (element, expression) in enumerate(zip(value, expressions_of(written, value), strict=True))
            ]
        return value


def _is_block(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _either(marks: Any, others: Any) -> Any:
    """What is marked by the change of a plan, or by its planned values."""
    if not marks or not others or marks is True or others is True:
        return marks is True or others is True or marks or others
    if isinstance(marks, dict) and isinstance(others, dict):
        return {name: _either(marks.get(name), others.get(name)) for name in (*marks, *others)}
    if isinstance(marks, list) and isinstance(others, list):
        return [_either(*pair) for pair in zip_longest(marks, others)]
    return True


def _fits_otherwise(marks: Any, value: Any) -> bool:
    """Whether a secret is marked in a value by marks of another form, so that nothing says which part it is."""
    if not marks or type(marks) is type(value):
        return False
    return any(part is True for part in json_tree.inside(marks))


def _part(marks: Any, key: str | int) -> Any:
    """The marks of a part; a mark of the whole applies to each part."""
    if marks is True:
        return True
    if isinstance(marks, dict) and isinstance(key, str):
        return marks.get(key)
    if isinstance(marks, list) and isinstance(key, int) and key < len(marks):
        return marks[key]
    return None
