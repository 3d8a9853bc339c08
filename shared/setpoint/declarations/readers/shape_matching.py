"""Convert an author's value to the shape of an API's field, if possible.

Authors write one object where the API has a list with one element, a block where it has an object, a flag where it has
a group with `enabled`, a list of keys and values where it has a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from setpoint.catalog.schemas import Field, Schema
from setpoint.comparison import scalars
from setpoint.declarations.readers.name_heuristics import plain, words


class Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
"""An unknown value."""


class Empty:
    """The type of `EMPTY`."""

    def __repr__(self) -> str:
        return "EMPTY"


EMPTY: Final = Empty()
"""The value of an attribute that is declared absent."""


class Secret:
    """A known value that is stored as a digest alone: a scalar, or a map.

    Args:
        value: the value.
        withheld: whether its API may take the value and not return it.
    """

    __slots__ = ("value", "withheld")

    def __init__(self, value: Any, *, withheld: bool = False) -> None:
        self.value = value
        self.withheld = withheld

    def __repr__(self) -> str:
        return "SECRET"


class Reference(str):
    """A string that names another resource: accepted by string fields, and not by enums, times or numbers."""

    __slots__ = ()


def fits(field: Field, value: Any) -> bool:
    """Whether a value can be converted to a field's shape."""
    if value is UNKNOWN or value is None or field.kind == "any":
        return True
    if isinstance(value, Secret):
        return fits(field, value.value)
    if isinstance(value, list):
        return _fits_list(field, value)
    if isinstance(value, dict):
        return _fits_object(field, value)
    return _fits_plain(field, value)


def _fits_object(field: Field, value: dict[str, Any]) -> bool:
    if field.kind == "list":
        return field.item is None or fits(field.item, value)
    return field.kind in {"message", "map"} or _is_duration(field, value) or _wraps(field, value)


def _fits_plain(field: Field, value: Any) -> bool:
    """Whether a scalar fits: directly, as the element of a list, as a group's main field, or as JSON."""
    if field.kind == "scalar":
        return fits_scalar(field, value)
    if isinstance(value, str) and (inner := from_json(value)) is not None:
        return fits(field, inner)
    if field.kind == "list":
        return field.item is None or fits(field.item, value)
    return field.kind == "message" and (field.schema is None or only(field.schema, value) is not None)


def _fits_list(field: Field, value: list[Any]) -> bool:
    if field.kind == "list":
        return field.item is None or all(fits(field.item, element) for element in value)
    if field.kind == "map":
        message = field.item is not None and field.item.kind == "message"
        names = [entry_names(entry) if isinstance(entry, dict) else ("", "") for entry in value]
        return all(key and (named or message) for key, named in names)
    if field.kind == "message" and field.schema is not None and elements(field.schema, value) is not None:
        return True
    return len(value) <= 1 and all(fits(field, element) for element in value)


def elements(schema: Schema, value: list[Any]) -> Field | None:
    """The list of a message that a plain list sets: a table's `clustering` is its `clustering.fields`.

    A list with an object of the message's own fields is a block with the message, and no such list.
    """
    if len(value) == 1 and isinstance(value[0], dict):
        known = _known_names(schema)
        if any(plain(name) in known for name in value[0]):
            return None
    lists = [field for field in schema.fields.values() if field.kind == "list" and not field.output_only]
    return lists[0] if len(lists) == 1 and fits(lists[0], value) else None


@lru_cache(maxsize=2048)
def _known_names(schema: Schema) -> frozenset[str]:
    """The names that tools may use for a schema's fields."""
    return frozenset(form for name in schema.fields for form in _forms(plain(name)))


def _forms(name: str) -> tuple[str, ...]:
    """A name, and the singular for a block with one element of a list."""
    if name.endswith("ies"):
        return name, f"{name[:-3]}y"
    return (name, name[:-1]) if name.endswith("s") else (name,)


def from_json(text: str) -> Any:
    """The object or list in a JSON string, or None."""
    if text[:1] not in scalars.JSON_STARTS:
        return None
    try:
        decoded = msgspec.json.decode(str(text))  # a reference is a text of its own type
    except msgspec.MsgspecError:
        return None
    return decoded if isinstance(decoded, (dict, list)) else None


def _is_duration(field: Field, value: Mapping[str, Any]) -> bool:
    return field.format == "duration" and value.keys() <= {"seconds", "nanos"}


def _wraps(field: Field, value: Mapping[str, Any]) -> bool:
    """Whether an object wraps one scalar: `{value: x}`."""
    return len(value) == 1 and fits(field, next(iter(value.values())))


def fits_scalar(field: Field, value: Any) -> bool:
    """Whether a scalar has the field's type; numbers and flags may be strings."""
    value = value.value if isinstance(value, Secret) else value
    if isinstance(value, Reference):
        return field.type == "string" and not field.format
    if isinstance(value, bool):
        return field.type in {"boolean", "string"} and not (field.type == "string" and field.format)
    if isinstance(value, str):
        if field.type == "boolean":
            return value.lower() in {"true", "false", ""}
        if field.type in {"integer", "number"}:
            return value == "" or value.lstrip("+-").replace(".", "", 1).isdigit()
        return True
    return field.type != "boolean"


def only(schema: Schema, value: Any) -> Field | None:
    """The field of a message that a scalar sets: `enabled` for a flag, or its only field."""
    if isinstance(value, bool):
        flag = schema.fields.get("enabled") or schema.fields.get("enable")
        return flag if flag is not None and flag.type == "boolean" and not flag.output_only else None
    writable = [field for field in schema.fields.values() if not field.output_only]
    if len(writable) == 1 and writable[0].kind == "scalar" and fits_scalar(writable[0], value):
        return writable[0]
    return None


def entry_names(entry: Mapping[str, Any]) -> tuple[str, str]:
    """The field names of key and value in a map's entry that is written as an object.

    The value's name is empty if the object itself is the value and contains its key; the key's if it is not an entry.
    """
    if len(entry) == 2:  # noqa: PLR2004 - a key and a value
        key = next((name for name in entry if words(name)[:1] in {("key",), ("name",)}), "")
        value = next((name for name in entry if words(name)[:1] == ("value",)), "")
        if key and value:
            return key, value
    return next((name for name in ("id", "key", "name") if isinstance(entry.get(name), str)), ""), ""


def duration(value: Mapping[str, Any]) -> str:
    """A duration message in the API's JSON format: `{seconds: 90}` is `90s`."""
    seconds, nanos = value.get("seconds") or 0, value.get("nanos") or 0
    return f"{seconds}.{int(nanos):09d}s" if nanos else f"{seconds}s"
