"""Interpret an absent field: as zero, as a default, as unreturned, or as a difference from zero.

Proto JSON omits zeros, some APIs omit their defaults, and some fields are never returned. If absence has its own
meaning ("If unset, …"), an absent field with a declared zero is drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from setpoint.catalog import field_rules, secrets
from setpoint.comparison import scalars, system_fields
from setpoint.model import field_path
from setpoint.model.field_path import Element, Path
from setpoint.model.references import Project

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

_UNSPECIFIED = "UNSPECIFIED"


def rules_at(table: field_rules.SchemaRules | None, path: Path) -> field_rules.Rules:
    """The rules of the field at a path, from the tables of single fields.

    Args:
        table: the rules of the resource's schema; None if there are none.
        path: path of the field, or of a list element.
    """
    while path is not None and isinstance(path[1], Element):
        path = path[0]
    if table is None or path is None or not table.names_any(path[1]):
        return field_rules.NO_RULES
    return table.at_path(field_path.names(path))


def child(field: Field | None, key: str) -> Field | None:
    """The schema of ``key`` below ``field``."""
    if field is None:
        return None
    return (field.schema.fields.get(key) if field.schema is not None else None) or field.item


def is_zero(field: Field | None, value: Any) -> bool:
    """Whether proto JSON omits this value: a zero, or a message with only zeros."""
    if field is None or not value:
        return system_fields.is_zero(value)
    if isinstance(value, dict):
        if field.kind == "map":
            return all(part is None for part in value.values())
        return all(is_zero(child(field, key), part) for key, part in value.items())
    if field.format == "enum":
        return bool(value == field.zero or (system_fields.is_zero(value) and value in field.enum))
    return bool(value in ("0", "0s", "false") and (field.type != "string" or field.format))


def is_plain_zero(table: field_rules.SchemaRules | None, path: Path, field: Field | None, want: Any) -> bool:
    """Whether a declared scalar that is false in Python is a zero without special rules; a fast check."""
    return (
        field is not None
        and field.kind == "scalar"
        and not (field.presence or field.union or field.output_only)
        and not isinstance(want, (dict, list))
        and (table is None or path is None or not table.names_any(path[1]))
    )


def has_meaning(field: Field | None, want: Any, rules: field_rules.Rules) -> bool:
    """Whether a declared zero or empty message differs in meaning from an absent field.

    Args:
        field: the schema of the field.
        want: the declared zero.
        rules: the rules of the field.
    """
    if "empty" in rules:
        return False
    if isinstance(want, dict):
        is_empty = all(part is None for part in want.values())
        return is_empty and ("presence" in rules or (field is not None and field.presence))
    if isinstance(want, list):
        return "presence" in rules
    if "presence" in rules or (field is not None and field.presence):
        return not isinstance(want, str) or _is_number_text(want)
    default = rules.get("absent")
    return want is False and default is not None and default.value is True


def is_stricter(field: Field | None, have: Mapping[str, Any], rules: field_rules.Rules) -> bool:
    """Whether an empty message is declared as a choice, and the observed one restricts it ("If empty, all …").

    Args:
        field: the schema of the message.
        have: the observed message.
        rules: the rules of the field.
    """
    if "exact" in rules:
        return any(not is_zero(None, value) for value in have.values())
    if field is None or not field.presence or field.schema is None or "empty" in rules:
        return False
    return any(
        value and (part := field.schema.fields.get(key)) is not None and part.restricts and not part.output_only
        for key, value in have.items()
    )


def _is_number_text(value: Any) -> bool:
    return isinstance(value, str) and value in ("0", "0s", "false")


def holds_meaning(table: field_rules.SchemaRules | None, path: Path, field: Field | None, want: Any) -> bool:
    """Whether a declared zero, or a value in it, differs in meaning from an absent field."""
    if has_meaning(field, want, rules_at(table, path)):
        return True
    return isinstance(want, dict) and any(
        part is not None and holds_meaning(table, (path, key), child(field, key), part) for key, part in want.items()
    )


def why_unreturned(path: Path, name: str, field: Field | None, rules: field_rules.Rules) -> str:
    """Why the API accepts a field and does not return it; empty if it returns it."""
    if secrets.may_be_withheld(name) if field is None else field.input_only or field.sensitive:
        return "an input that the server does not return"
    if _is_required_reference(path, field):
        return "an input that the server does not return"
    rule = rules.get("unreturned")
    return f"{rule.reason} ({rule.source})" if rule is not None else ""


def why_entry_unreturned(key: str, field: Field | None, rules: field_rules.Rules, *, is_free: bool) -> str:
    """Why a map entry is not returned, a secret in a free-form object or an entry of a table; empty if it is.

    Args:
        key: key of the entry.
        field: the schema of the map's values.
        rules: the rules of the entry.
        is_free: whether the map holds free text, whose entries are always returned.
    """
    rule = rules.get("unreturned")
    if rule is not None:
        return f"{rule.reason} ({rule.source})"
    is_secret = not is_free and (field is None or field.kind == "any") and secrets.may_be_withheld(key)
    return "an input that the server does not return" if is_secret else ""


def _is_required_reference(path: Path, field: Field | None) -> bool:
    """Whether a field is required, so that the resource has it even if its API does not return it.

    Below the top level a required field may be absent together with its parent.
    """
    return field is not None and field.required and field.reference and path is not None and path[0] is None


def why_default(field: Field | None, name: str, want: Any, rules: field_rules.Rules, own: Project) -> str:
    """Why an absent field equals a declared default; empty if it does not."""
    rule = rules.get("absent")
    if rule is not None and _is_same(field, name, want, rule.value, own):
        return f"default is absent ({rule.reason}: {rule.source})"
    if field is None:
        return ""
    for default, source in ((field.absent, "description"), (field.default, "schema")):
        if default is not None and _is_same(field, name, want, default, own):
            return f"default is absent (the API's {source} states it)"
    return ""


def why_default_as_zero(
    field: Field | None, name: str, want: Any, have: Any, rules: field_rules.Rules, own: Project
) -> str:
    """Why a default on one side equals an unspecified value on the other; empty if it does not.

    Some APIs return a zero in place of the default; an unspecified enum requests the default.
    """
    if isinstance(want, bool) or isinstance(have, bool) or (field is not None and field.presence):
        return ""
    if _is_unspecified(want) and not _is_unspecified(have):
        return why_default(field, name, have, rules, own)
    if _is_unspecified(have):
        return why_default(field, name, want, rules, own)
    return ""


def _is_unspecified(value: Any) -> bool:
    return isinstance(value, str) and (not value or _UNSPECIFIED in value)


def _is_same(field: Field | None, name: str, want: Any, default: Any, own: Project) -> bool:
    if isinstance(want, (dict, list)) or isinstance(default, (dict, list)):
        return bool(want == default)
    return bool(scalars.equal(field, name, want, default, own))
