"""Convert declared values and keys to the form that the API accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from setpoint.comparison.scalars import seconds
from setpoint.model.naming import camel, snake

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

__all__ = ["camel", "field", "key_of", "sent"]


def field(fields: Mapping[str, Field], key: str) -> Field | None:
    """The schema of a key, in any spelling."""
    return fields.get(key) or fields.get(camel(key))


def key_of(fields: Mapping[str, Field], key: str, live: Mapping[str, Any]) -> str:
    """The key as spelled in the live resource, else as in the API."""
    for spelled in (key, camel(key), snake(key)):
        if spelled in live:
            return spelled
    return camel(key) if key not in fields and camel(key) in fields else key


def sent(field: Field | None, value: Any) -> Any:
    """A declared value as the API accepts it, without null and output-only fields."""
    if isinstance(value, dict):
        fields: Mapping[str, Field] = field.schema.fields if field is not None and field.schema is not None else {}
        return {
            camel(key) if key not in fields and camel(key) in fields else key: sent(inner, part)
            for key, part in value.items()
            for inner in (_inner(field, fields, key),)
            if part is not None and not (inner is not None and inner.output_only)
        }
    if isinstance(value, list):
        item = field.item if field is not None else None
        return [sent(item, part) for part in value if part is not None]
    return value if field is None else _scalar(field, value)


def _inner(holder: Field | None, fields: Mapping[str, Field], key: str) -> Field | None:
    return fields.get(key) or fields.get(camel(key)) or (holder.item if holder is not None else None)


def _scalar(field: Field, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if field.type == "boolean":
        return value.lower() in ("true", "yes", "on") if value else False
    if field.format == "duration" and (amount := seconds(value)) is not None:
        return f"{amount:.9f}".rstrip("0").rstrip(".") + "s"
    if field.format == "enum" and value not in field.enum:
        return next((name for name in field.enum if name.casefold() == value.casefold()), value)
    return value
