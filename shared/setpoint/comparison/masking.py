"""Replacing secrets in whatever leaves the detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from setpoint.catalog import secrets
from setpoint.comparison.absence import child
from setpoint.model.difference import MASK

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema


def masked_message(data: Any, schema: Schema | None) -> Any:
    """A whole resource with every secret in it replaced."""
    if schema is None or not isinstance(data, dict):
        return masked("", None, data)
    return {key: masked(key, schema.fields.get(key), part) for key, part in data.items()}


def masked(name: str, field: Field | None, value: Any) -> Any:
    """The value with every secret in it replaced; the value itself where there is none."""
    if isinstance(value, str):
        return MASK if value and (is_secret(name, field) or secrets.looks_secret(value)) else value
    if isinstance(value, dict):
        entry = value.get("key") or value.get("name")
        holder = owner_name(entry if isinstance(entry, str) else name)
        return {key: masked(holder if key == "value" else key, child(field, key), part) for key, part in value.items()}
    if isinstance(value, list):
        item = field.item if field is not None else None
        before = [None, *value]
        return [
            MASK if secrets.is_option(option) and isinstance(part, str) else masked(name, item, part)
            for option, part in zip(before, value, strict=False)
        ]
    if value is msgspec.UNSET or isinstance(value, bool) or not value:
        return value
    return MASK if is_secret(name, field) else value


def owner_name(name: str) -> str:
    """The name by which to judge whether a `value` is a secret."""
    return name if secrets.names_a_secret(name) else "value"


def is_secret(name: str, field: Field | None) -> bool:
    """Whether a value must not be shown: by the catalogue, and by its key where that is chosen by the author."""
    if field is None or field.name != name:
        return secrets.names_a_secret(name) or (field is not None and field.sensitive)
    return secrets.is_secret(field)
