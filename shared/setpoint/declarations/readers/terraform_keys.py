"""Blocks that the API keeps as a map: their key goes by the name that the mapping knows keys by."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from setpoint.catalog import terraform_types
from setpoint.catalog.terraform_types import Attribute

_KNOWN = ("id", "key", "name")
"""Names by which ``shape_matching.entry_names`` knows a key."""


def with_known_keys(terraform_type: str, tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes of a resource, in which the key of each such block is ``name`` where it is called otherwise."""
    return _named(tree, _attributes(terraform_type)) if _has_keys(terraform_type) else tree


@cache
def _has_keys(terraform_type: str) -> bool:
    return _any_key(_attributes(terraform_type))


def _any_key(attributes: Mapping[str, Attribute]) -> bool:
    return any(_key_of(attribute.inside) or _any_key(attribute.inside) for attribute in attributes.values())


def _attributes(terraform_type: str) -> Mapping[str, Attribute]:
    known = terraform_types.of(terraform_type)
    return known.attributes if known is not None else {}


def _key_of(inside: Mapping[str, Attribute]) -> str:
    """The attribute of a block that is its key, if it has another name than keys usually have."""
    key = next((name for name, attribute in inside.items() if attribute.reason == "key"), "")
    return "" if key in _KNOWN else key


def _named(tree: Mapping[str, Any], attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    return {
        name: _value(value, attributes[name].inside) if name in attributes and attributes[name].inside else value
        for name, value in tree.items()
    }


def _value(value: Any, inside: Mapping[str, Attribute]) -> Any:
    if isinstance(value, list):
        return [_value(element, inside) for element in value]
    if not isinstance(value, dict):
        return value
    entry, key = _named(value, inside), _key_of(inside)
    if not isinstance(entry.get(key), str) or any(isinstance(entry.get(name), str) for name in _KNOWN):
        return entry
    return {name: part for name, part in entry.items() if name not in (key, "name")} | {"name": entry[key]}
