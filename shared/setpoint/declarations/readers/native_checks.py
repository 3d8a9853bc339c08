"""Check native declarations for values that no resource can have: values, names, roles, members, paths."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from setpoint.catalog import inventory_names, name_patterns
from setpoint.catalog.schemas import Field, Schema, default_catalogue
from setpoint.comparison import scalars
from setpoint.declarations.readers import krm_placeholders, member_checks, typos
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.model import field_path
from setpoint.model.declaration import Declaration
from setpoint.model.naming import camel
from setpoint.model.resource_key import WHOLE

Fault = tuple[tuple[str | int, ...], str]
"""A path in the document, and the error there."""

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z0-9-]+\Z")
_PROJECT_OF_NAME = re.compile(r"//[^/]+/projects/([a-z][a-z0-9-]{5,29})/")
_ROLE = re.compile(r"(?:roles|(?:projects|organizations)/[^/]+/roles)/[^/\s]+\Z")
_BUCKET = "storage.googleapis.com/Bucket"
_INTEGER = re.compile(r"[+-]?\d+\Z")
_RANGE = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}/\d{1,3}\Z|[0-9A-Fa-f:]*::?[0-9A-Fa-f:.]*/\d{1,3}\Z")
"""A text that can only be meant as a range of IP addresses."""
_LEAST, _MOST = -(2**31), 2**31 - 1
"""Of a field of the format int32."""
_HIGHEST_IPV4, _HIGHEST_IPV6 = 32, 128
_CLOSE = 0.8
_WARNING = "value"
"""The category of what may be right."""


def problems(declaration: Declaration, document: Document) -> list[Problem]:
    """The errors in a well-formed declaration.

    Args:
        declaration: The declaration.
        document: Its document.
    """
    errors = [_problem(document, where, message) for where, message in _faults(declaration)]
    labels = _in_labels(declaration.data.get("labels"), ("spec", "data", "labels"))
    return errors + [_problem(document, where, message, _WARNING) for where, message in labels]


def warnings(declaration: Declaration, document: Document) -> list[Problem]:
    """What looks wrong in the values of a translated declaration: the reader may have known better.

    Args:
        declaration: The declaration, in the API's terms.
        document: The Config Connector object that it was read from.
    """
    schema = default_catalogue().fitting(declaration.asset_type, declaration.data)
    if schema is None or declaration.key.content not in WHOLE:
        return []
    faults = _in_message(declaration.data, schema, ("spec",))
    return [_problem(document, where, message, _WARNING) for where, message in faults if _is_slip_or_range(message)]


def _is_slip_or_range(message: str) -> bool:
    return "is no value of" in message or "is no range of addresses" in message


def _problem(document: Document, where: tuple[str | int, ...], message: str, category: str = "invalid") -> Problem:
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")
    return Problem(document.file, document.line_of(where), field, message, document.subject, category)


def _faults(declaration: Declaration) -> Iterator[Fault]:
    schema = default_catalogue().fitting(declaration.asset_type, declaration.data)
    yield from _in_place(declaration, schema)
    if declaration.key.content == "iam_policy":
        yield from _in_policy(declaration.data)
    elif declaration.key.content in WHOLE and schema is not None:
        yield from _in_message(declaration.data, schema, ("spec", "data"))
        yield from _in_ignored(declaration.ignore, schema)


def _in_place(declaration: Declaration, schema: Schema | None) -> Iterator[Fault]:
    if declaration.project and not _PROJECT.match(declaration.project):
        yield ("metadata", "project"), f"{declaration.project} is no project id; it looks like fleet-prod-123"
    name = declaration.key.name
    own = _PROJECT_OF_NAME.match(name)
    if declaration.project and own and declaration.project != own[1] and not own[1].isdigit():
        message = f"{declaration.project} is not the project of the name, which is {own[1]}; did you mean {own[1]}?"
        yield ("metadata", "project"), message
    if fault := _other_service(declaration):
        yield ("metadata", "name"), fault
    path = name.removeprefix("//").partition("/")[2]
    if declaration.asset_type == _BUCKET and "/" in path and declaration.key.content in WHOLE:
        yield ("metadata", "name"), f"{name} is no bucket's name; it looks like //storage.googleapis.com/my-bucket"
    if krm_placeholders.has_placeholder(name):
        yield ("metadata", "name"), krm_placeholders.message(name)
    elif looks := _other_form(declaration.asset_type, path, schema):
        yield ("metadata", "name"), f"{name} is no name of {declaration.asset_type}; it looks like {looks}"


def _other_service(declaration: Declaration) -> str:
    """What is wrong with the service of a name, by the names that the inventory documents for the type."""
    entry = inventory_names.entry(declaration.asset_type)
    service = declaration.key.name.removeprefix("//").partition("/")[0]
    known = [form.removeprefix("//").partition("/")[0] for form in entry.formats] if entry is not None else []
    if not known or service in {*known, declaration.asset_type.partition("/")[0]}:
        return ""
    return f"{service} is not the service of {declaration.asset_type}; did you mean //{known[0]}/?"


def _other_form(asset_type: str, path: str, schema: Schema | None) -> str:
    """A name format of the type if a path has none of its formats; empty if it has one, or none is known."""
    entry = inventory_names.entry(asset_type)
    forms = [form.removeprefix("//").partition("/")[2] for form in entry.formats] if entry is not None else []
    patterns = name_patterns.of(asset_type, schema.name) if schema is not None else ()
    if not forms or any(_has_form(path, form) for form in (*forms, *patterns)):
        return ""
    return entry.formats[0] if entry is not None else ""


_PLACES = frozenset(("zones", "regions", "locations"))
_FILLED = re.compile(r"\{[^}]*\}|\*")


def _has_form(path: str, form: str) -> bool:
    """Whether a path has the collections of a format; locations have synonyms, and ids may contain slashes."""
    parts, wanted = path.split("/"), form.removesuffix("/").split("/")
    if len(parts) < len(wanted):
        return False
    return all(
        _FILLED.search(want) is not None or part == want or {part, want} <= _PLACES
        for part, want in zip(parts, wanted, strict=False)
    ) and (len(parts) == len(wanted) or _FILLED.fullmatch(wanted[-1]) is not None)


def _in_policy(data: dict[str, Any]) -> Iterator[Fault]:
    for index, binding in enumerate(data.get("bindings") or ()):
        where: tuple[str | int, ...] = ("spec", "data", "bindings", index)
        role = binding.get("role")
        if isinstance(role, str) and not _ROLE.match(role):
            yield (*where, "role"), f"{role} is no role; did you mean roles/{role.rpartition('/')[2]}?"
        for position, member in enumerate(binding.get("members") or ()):
            if fault := member_checks.fault(member):
                yield (*where, "members", position), fault


def _in_labels(labels: Any, where: tuple[str | int, ...]) -> Iterator[Fault]:
    """What labels of Google Cloud do not take: https://cloud.google.com/resource-manager/docs/labels-overview."""
    for key in labels if isinstance(labels, dict) else ():
        if any(letter.isupper() for letter in str(key)):
            yield (*where, key), f"{key}: keys of labels have no upper case letters; did you mean {key.lower()}?"


def _in_message(data: dict[str, Any], schema: Schema, where: tuple[str | int, ...]) -> Iterator[Fault]:
    for key, value in data.items():
        field = schema.fields.get(key) or schema.fields.get(camel(key))
        if field is not None:
            yield from _in_value(value, field, (*where, key))


def _in_value(value: Any, field: Field, where: tuple[str | int, ...]) -> Iterator[Fault]:
    if value is None:
        return
    if isinstance(value, dict) and field.schema is not None:
        yield from _in_message(value, field.schema, where)
    elif isinstance(value, (bool, int, float)) and field.kind == "message" and field.schema and field.schema.fields:
        first = next(iter(field.schema.fields))
        yield where, f"{str(value).lower()} is a single value, and {field.name} has fields, as {first}"
    elif isinstance(value, dict) and field.kind == "map" and field.item is not None:
        for key, part in value.items():
            yield from _in_value(part, field.item, (*where, key))
    elif isinstance(value, list) and field.item is not None and field.kind == "list":
        for position, part in enumerate(value):
            yield from _in_value(part, field.item, (*where, position))
    elif field.kind == "scalar" and (fault := _in_scalar(value, field)):
        yield where, fault


def _in_scalar(value: Any, field: Field) -> str:
    if isinstance(value, (dict, list)):
        return f"{field.name} is a single value, and not a {'map' if isinstance(value, dict) else 'list'}"
    if field.type == "boolean" and not isinstance(value, bool) and str(value).lower() not in {"true", "false"}:
        return f"{value} is neither true nor false"
    if field.type in ("integer", "number"):
        return _in_number(value, field)
    if not isinstance(value, str):
        return ""
    if field.format == "duration" and scalars.seconds(value) is None and not _is_number(value):
        return f"{value} is no duration; it looks like 604800s, 7d or 90m"
    return _in_enum(value, field) if field.enum else _in_range(value)


def _in_range(value: str) -> str:
    """What is wrong with a range of IP addresses; bits beyond its prefix are allowed, as the APIs allow them."""
    if not _RANGE.match(value):
        return ""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        highest = _HIGHEST_IPV6 if ":" in value else _HIGHEST_IPV4
        example = "2001:db8::/48" if ":" in value else "10.0.0.0/24"
        return f"{value} is no range of addresses; it looks like {example}, with a prefix of 0 to {highest} bits"
    return ""


def _in_number(value: Any, field: Field) -> str:
    if field.type == "integer" and not isinstance(value, (int, float)) and not _INTEGER.match(str(value)):
        return f"{value} is no whole number"
    if not _is_number(value):
        return f"{value} is no number"
    if field.format == "int32" and not _LEAST <= float(value) <= _MOST:
        return f"{value} is out of range: {field.name} takes {_LEAST} to {_MOST}"
    return ""


def _in_enum(value: str, field: Field) -> str:
    """A likely misspelling of an enum value; other unknown values may be newer than the schema."""
    if value.upper() in {word.upper() for word in field.enum}:
        return ""
    meant = difflib.get_close_matches(value.upper(), [word.upper() for word in field.enum], n=1, cutoff=_CLOSE)
    if not meant or not typos.is_slip(value, meant[0]):
        return ""
    word = next(word for word in field.enum if word.upper() == meant[0])
    return f"{value} is no value of {field.name}; did you mean {word}?"


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _in_ignored(patterns: tuple[str, ...], schema: Schema) -> Iterator[Fault]:
    """Misspellings in the first field of ignored paths, which would then ignore nothing."""
    for index, pattern in enumerate(patterns):
        first = next(iter(field_path.readable(pattern)), "") if pattern[:1].isalpha() else ""
        name = str(first)
        if not name or name in schema.fields or camel(name) in schema.fields:
            continue
        meant = difflib.get_close_matches(name, list(schema.fields), n=1, cutoff=_CLOSE)
        if meant:
            yield ("spec", "ignore", index), f"{pattern} names no field of the API; did you mean {meant[0]}?"
