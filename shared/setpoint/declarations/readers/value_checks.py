"""Check declared values by what APIs take: enum values, numbers, ranges of addresses, locations, roles and members.

Where a table may be older than the API, as with roles and locations, a value that is like a known one is a warning.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from setpoint.catalog import locations, number_ranges, predefined_roles
from setpoint.catalog.schemas import Field, Schema
from setpoint.comparison import scalars
from setpoint.declarations.readers import member_checks, typos
from setpoint.declarations.readers.document_path import DocumentPath
from setpoint.model.declaration import Declaration
from setpoint.model.naming import camel
from setpoint.model.resource_key import WHOLE


class ValueFault(NamedTuple):
    """Something wrong with a value.

    Args:
        where: the path of the value.
        message: what is wrong, with the value and the nearest right one.
        is_certain: whether no resource can have the value; it may be right otherwise.
        in_translated: whether it also checks documents of other formats, whose values a reader has translated.
    """

    where: DocumentPath
    message: str
    is_certain: bool = True
    in_translated: bool = False


_ROLE = re.compile(r"(?:roles|(?:projects|organizations)/[^/]+/roles)/[^/\s]+\Z")
_INTEGER = re.compile(r"[+-]?\d+\Z")
_RANGE = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}/\d{1,3}\Z|[0-9A-Fa-f:]*::?[0-9A-Fa-f:.]*/\d{1,3}\Z")
"""A text that can only be meant as a range of IP addresses."""
_HIGHEST_IPV4, _HIGHEST_IPV6 = 32, 128
_CLOSE = 0.8
_NO_LIMIT = 2**63
_LOCATIONS = ("location", "region", "zone", "locationId")
"""Fields of resources that hold their location."""
_LOCATED = frozenset(("storage.googleapis.com/Bucket", "bigquery.googleapis.com/Dataset"))
"""Types whose location is in no name, so that only their field holds it."""
_LOCATION_OF_NAME = re.compile(r"//[^/]+/projects/[^/]+/(?:locations|regions|zones)/([^/]+)")


def faults(declaration: Declaration, schema: Schema | None) -> Iterator[ValueFault]:
    """What is wrong with the values of a declaration; paths start at its data.

    Args:
        declaration: the declaration, in the API's terms.
        schema: the schema of its type; None if unknown.
    """
    data = declaration.data
    if declaration.key.content == "iam_policy":
        yield from _in_policy(data)
    elif declaration.key.content in WHOLE:
        if schema is not None:
            yield from _in_message(data, schema, ())
        yield from _in_labels(data.get("labels"), ("labels",))
        yield from _in_locations(declaration)


def location_of_name(name: str) -> str:
    """What is wrong with the location in a full resource name; empty where it is known, or there is none."""
    part = _LOCATION_OF_NAME.match(name)
    return _location_fault(part[1]) if part is not None and not locations.is_known(part[1]) else ""


def _in_locations(declaration: Declaration) -> Iterator[ValueFault]:
    for field in _LOCATIONS:
        value = declaration.data.get(field)
        if not isinstance(value, str) or not value:
            continue
        location = value.rpartition("/")[2]
        if not locations.is_known(location) and (declaration.asset_type in _LOCATED or locations.closest(location)):
            yield ValueFault((field,), _location_fault(location), is_certain=False, in_translated=True)


def _location_fault(location: str) -> str:
    meant = locations.closest(location)
    meant = meant.upper() if location.isupper() else meant
    hint = f"did you mean {meant}?" if meant else "use the form europe-west1, or europe-west1-b for a zone"
    return f"{location} is not a location that this version knows; {hint}"


def _in_policy(data: dict[str, Any]) -> Iterator[ValueFault]:
    for index, binding in enumerate(data.get("bindings") or ()):
        where: DocumentPath = ("bindings", index)
        role = binding.get("role") if isinstance(binding, dict) else None
        if not isinstance(role, str):
            continue
        if not _ROLE.match(role):
            meant = f"roles/{role.rpartition('/')[2]}"
            meant = predefined_roles.closest(meant) or meant
            yield ValueFault((*where, "role"), f"{role} is not a role; did you mean {meant}?", in_translated=True)
        elif meant := predefined_roles.closest(role):
            message = f"{role} is not a predefined role that this version knows; did you mean {meant}?"
            yield ValueFault((*where, "role"), message, is_certain=False, in_translated=True)
        for position, member in enumerate(binding.get("members") or ()):
            if fault := member_checks.fault(member):
                yield ValueFault((*where, "members", position), fault, in_translated=True)


def _in_labels(labels: Any, where: DocumentPath) -> Iterator[ValueFault]:
    """What labels of Google Cloud do not take: https://cloud.google.com/resource-manager/docs/labels-overview."""
    for key in labels if isinstance(labels, dict) else ():
        if any(letter.isupper() for letter in str(key)):
            message = f"{key}: keys of labels have no upper case letters; did you mean {key.lower()}?"
            yield ValueFault((*where, key), message, is_certain=False)


def _in_message(data: dict[str, Any], schema: Schema, where: DocumentPath) -> Iterator[ValueFault]:
    for key, value in data.items():
        field = schema.fields.get(key) or schema.fields.get(camel(key))
        if field is not None:
            yield from _in_value(value, field, (*where, key), schema)


def _in_value(value: Any, field: Field, where: DocumentPath, owner: Schema) -> Iterator[ValueFault]:
    if value is None:
        return
    if isinstance(value, dict) and field.schema is not None:
        yield from _in_message(value, field.schema, where)
    elif isinstance(value, (bool, int, float)) and field.kind == "message" and field.schema and field.schema.fields:
        first = next(iter(field.schema.fields))
        yield ValueFault(where, f"{str(value).lower()} is a single value, and {field.name} has fields, as {first}")
    elif isinstance(value, dict) and field.kind == "map" and field.item is not None:
        for key, part in value.items():
            yield from _in_value(part, field.item, (*where, key), owner)
    elif isinstance(value, list) and field.item is not None and field.kind == "list":
        for position, part in enumerate(value):
            yield from _in_value(part, field.item, (*where, position), owner)
    elif field.kind == "scalar":
        yield from _in_scalar(value, field, where, owner)


def _in_scalar(value: Any, field: Field, where: DocumentPath, owner: Schema) -> Iterator[ValueFault]:
    if message := _of_other_kind(value, field):
        yield ValueFault(where, message)
    elif field.type in ("integer", "number"):
        yield from _in_number(value, field, where, owner)
    elif isinstance(value, str) and (message := _in_enum(value, field) if field.enum else _in_range(value)):
        yield ValueFault(where, message, in_translated=True)


def _of_other_kind(value: Any, field: Field) -> str:
    """Why a value cannot be one of the field's type; empty if it can."""
    if isinstance(value, (dict, list)):
        return f"{field.name} is a single value, and not a {'map' if isinstance(value, dict) else 'list'}"
    if field.type == "boolean" and not isinstance(value, bool) and str(value).lower() not in {"true", "false"}:
        return f"{value} is neither true nor false"
    if field.type == "integer" and not _is_whole(value):
        return f"{value} is not an integer"
    if field.type == "number" and (isinstance(value, bool) or not _is_number(value)):
        return f"{value} is not a number"
    if field.format == "duration" and isinstance(value, str) and scalars.seconds(value) is None:
        return "" if _is_number(value) else f"{value} is not a duration; use the form 604800s, 7d or 90m"
    return ""


def _is_whole(value: Any) -> bool:
    if isinstance(value, (int, float)):
        return not isinstance(value, bool)
    return _INTEGER.match(str(value)) is not None


def _in_range(value: str) -> str:
    """What is wrong with a range of IP addresses; bits beyond its prefix are allowed, as the APIs allow them."""
    if not _RANGE.match(value):
        return ""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        highest = _HIGHEST_IPV6 if ":" in value else _HIGHEST_IPV4
        example = "2001:db8::/48" if ":" in value else "10.0.0.0/24"
        return f"{value} is not a range of addresses; use the form {example}, with a prefix of 0 to {highest} bits"
    return ""


def _in_number(value: Any, field: Field, where: DocumentPath, owner: Schema) -> Iterator[ValueFault]:
    number = float(value)
    ranges = number_ranges.ranges_of(field, owner) if number else ()
    broken = [allowed for allowed in ranges if not allowed.least <= number <= allowed.most]
    if broken:
        allowed = broken[-1]
        nearest = allowed.least if number < allowed.least else allowed.most
        limits = f"{allowed.least} {'or more' if allowed.most >= _NO_LIMIT else f'to {allowed.most}'}"
        meant = _suggestion(value, nearest, allowed)
        message = f"{value} is out of range: {field.name} takes {limits}; did you mean {meant}?"
        yield ValueFault(where, message, is_certain=broken[0].is_certain, in_translated=True)


def _suggestion(value: Any, nearest: int, allowed: number_ranges.NumberRange) -> int:
    """The number without its sign where that is allowed, else the nearest one."""
    positive = abs(int(float(value)))
    return positive if float(value) < 0 and allowed.least <= positive <= allowed.most else nearest


def _in_enum(value: str, field: Field) -> str:
    """A likely misspelling of an enum value; other unknown values may be newer than the schema."""
    if value.upper() in {word.upper() for word in field.enum}:
        return ""
    meant = difflib.get_close_matches(value.upper(), [word.upper() for word in field.enum], n=1, cutoff=_CLOSE)
    if not meant or not typos.is_typo(value, meant[0]):
        return ""
    word = next(word for word in field.enum if word.upper() == meant[0])
    return f"{value} is not a value of {field.name}; did you mean {word}?"


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
