"""Check a value against a JSON Schema, as far as those of msgspec go; a field that no schema names is a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_ABOUT_ANY = ("$schema", "$id", "$ref", "$defs", "title", "description", "default", "type", "enum", "const", "format")
_ABOUT_PARTS = (
    "anyOf",
    "properties",
    "required",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "additionalProperties",
)
_KNOWN = frozenset((*_ABOUT_ANY, *_ABOUT_PARTS))


def faults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None, path: str = "$") -> list[str]:
    """What is wrong with a value; empty where it is as the schema says."""
    return list(_faults(value, schema, root or schema, path))


def _faults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    assert set(schema) <= _KNOWN, f"the checker does not know {set(schema) - _KNOWN}"
    if "$ref" in schema:
        yield from _faults(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
        return
    if "anyOf" in schema:
        tried = [list(_faults(value, option, root, path)) for option in schema["anyOf"]]
        if all(tried):
            yield min(tried, key=len)[0]
        return
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{path}: {value!r} is no {kind}"
        return
    yield from _value_faults(value, schema, path)
    if isinstance(value, dict):
        yield from _object_faults(value, schema, root, path)
    elif isinstance(value, list):
        yield from _list_faults(value, schema, root, path)


def _value_faults(value: Any, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is not one of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r} is not {schema['const']!r}"
    if schema.get("format") == "date-time" and not _is_time(value):
        yield f"{path}: {value!r} is not a time"


def _list_faults(value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str) -> Iterator[str]:
    heads = schema.get("prefixItems", [])
    for number, item in enumerate(value):
        inner = heads[number] if number < len(heads) else schema.get("items", {})
        if inner is False:
            yield f"{path}[{number}]: is one too many"
        else:
            yield from _faults(item, inner, root, f"{path}[{number}]")


def _object_faults(
    value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[str]:
    named = schema.get("properties", {})
    yield from (f"{path}.{name}: is missing" for name in schema.get("required", ()) if name not in value)
    for name, inner in value.items():
        rest = schema.get("additionalProperties")
        if name in named:
            yield from _faults(inner, named[name], root, f"{path}.{name}")
        elif isinstance(rest, dict):
            yield from _faults(inner, rest, root, f"{path}.{name}")
        elif named or rest is False:
            yield f"{path}.{name}: is in no schema"


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return bool(re.search(r"(Z|[+-]\d\d:\d\d)$", text))
