"""Declare a resource, or objects, maps and lists of it, to be exactly as they are declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from msgspec.structs import replace

from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.readers import terraform_owners
from setpoint.model import field_path
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import WHOLE

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

EXACT_LABEL = "setpoint-exact"
"""The label of a Terraform resource: ``true``, or fields in kebab-case with underscores between them."""

_WORD = re.compile(r"-([a-z0-9])")


def with_paths(declaration: Declaration, paths: Iterable[str]) -> Declaration:
    """The declaration as the whole of a resource, or of the fields at paths.

    A path that the declaration does not name is declared to be empty, if the API has the field.

    Args:
        declaration: the declaration.
        paths: the fields; none for the whole resource.
    """
    if declaration.key.content not in WHOLE or declaration.exact or not isinstance(declaration.data, dict):
        return declaration
    paths = tuple(paths)
    if not paths:
        return replace(declaration, exact=True)
    data = declaration.data
    owned = []
    for path in paths:
        parts = field_path.readable(path)
        if _declares(data, parts):
            owned.append(path)
        elif (empty := _empty(declaration, parts)) is not None:
            data = _with(data, parts, empty)
            owned.append(path)
    exhaustive = tuple(dict.fromkeys((*declaration.exhaustive_paths, *owned)))
    return replace(declaration, data=data, exhaustive_paths=exhaustive)


def by_label(values: Mapping[str, Any]) -> tuple[str, ...] | Literal[True]:
    """The paths that the label of a Terraform resource names; True for the whole resource.

    Args:
        values: the attributes of the resource.
    """
    text = "false"
    for attribute in terraform_owners.LABELS:
        labels = values.get(attribute)
        named = labels.get(EXACT_LABEL) if isinstance(labels, dict) else None
        if isinstance(named, str) and named:
            text = named
            break
    if text in ("true", "false"):
        return True if text == "true" else ()
    return tuple(_WORD.sub(lambda match: match[1].upper(), name) for name in text.split("_") if name)


def _declares(data: Any, parts: Iterable[str]) -> bool:
    value = data
    for part in parts:
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return isinstance(value, (dict, list))


def _empty(declaration: Declaration, parts: tuple[str, ...]) -> Any:
    """The empty value of a field that is not declared; None if the API has no such map or list."""
    schema = default_catalogue().fitting(declaration.asset_type, declaration.data)
    field: Field | None = schema.fields.get(parts[0]) if schema is not None and parts else None
    for part in parts[1:]:
        field = field.schema.fields.get(part) if field is not None and field.schema is not None else None
    if field is None or field.output_only:
        return None
    return {"map": {}, "message": {}, "list": []}.get(field.kind)


def _with(data: dict[str, Any], parts: tuple[str, ...], value: Any) -> dict[str, Any]:
    first, rest = parts[0], parts[1:]
    inner = data.get(first)
    return {**data, first: _with(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}
