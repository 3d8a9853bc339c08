"""Check a policy's comparison rules against the catalog: the field exists, and supports the comparison."""

from __future__ import annotations

import difflib

from setpoint.catalog.schemas import Field, Schema, default_catalogue
from setpoint.model import field_path
from setpoint.model.compare_rules import CompareRule, How

_KINDS: dict[How, frozenset[str]] = {
    "list": frozenset({"list"}),
    "set": frozenset({"list"}),
    "number": frozenset({"scalar"}),
    "duration": frozenset({"scalar"}),
    "reference": frozenset({"scalar"}),
}
"""The kinds of fields that a comparison supports; others support all."""


def fault(rule: CompareRule, asset_type: str) -> str:
    """What is wrong with a rule for one asset type; empty where nothing is, or the catalogue does not know the type."""
    wrong, field = _walk(rule.path, asset_type)
    return wrong or _mismatch(rule, field, asset_type)


def path_fault(path: str, asset_type: str) -> str:
    """What is wrong with a path for one asset type; empty where nothing is, or the catalogue does not know the type."""
    return _walk(path, asset_type)[0]


def _walk(path: str, asset_type: str) -> tuple[str, Field | None]:
    """What is wrong with a path, and the field at its end where that is known."""
    schema = default_catalogue().schema_for(asset_type)
    if schema is None or "*" in asset_type:
        return "", None
    field: Field | None = None
    current: Schema | None = schema
    for part in field_path.parse(path):
        if part.startswith("["):
            if field is None or field.kind != "list":
                return f"{path}: {part} stands behind what is not a list in {asset_type}", None
            field = field.item
        elif field is not None and field.kind == "map":
            field = field.item
        elif current is None or part == "**":
            return "", None
        else:
            if part != "*" and part not in current.fields:
                return _unknown(path, part, asset_type, current), None
            field = current.fields.get(part)
        if field is None or field.kind == "any":
            return "", None
        current = field.schema
    return "", field


def _unknown(path: str, part: str, asset_type: str, schema: Schema) -> str:
    near = difflib.get_close_matches(part, schema.fields, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{path}: {asset_type} has no field {part} there{hint}"


def _mismatch(rule: CompareRule, field: Field | None, asset_type: str) -> str:
    kinds = _KINDS.get(rule.how)
    if kinds is None or field is None or field.kind in kinds:
        return ""
    return f"{rule.path}: {asset_type} has a {field.kind} there, which cannot be compared as {rule.how}"
