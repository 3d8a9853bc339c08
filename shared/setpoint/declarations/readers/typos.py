"""Find misspelled fields in declared data, by the catalog's schema of the type."""

from __future__ import annotations

import difflib
from functools import cache
from typing import Any, NamedTuple

from setpoint.catalog import inventory_names
from setpoint.catalog.schemas import Field, Schema, default_catalogue
from setpoint.model import field_path
from setpoint.model.field_path import Path
from setpoint.model.naming import camel

_CLOSE = 0.85
"""Minimum similarity of a name to a known one to count as its misspelling: a letter or two."""
_MAX_EDITS = 2
"""Maximum number of wrong letters in a misspelling."""
_CLOSE_TYPE = 0.8
"""Minimum similarity of a kind to one of its service; kinds without a schema are less similar to others."""


class Typo(NamedTuple):
    """A misspelled field, and the likely correction.

    Args:
        where: keys and positions from the root of the data.
        path: the same as text.
        meant: the API's name for it.
    """

    where: tuple[str | int, ...]
    path: str
    meant: str


def find_typos(data: dict[str, Any], schema: Schema | None) -> list[Typo]:
    """The misspelled fields of declared data; a name without a similar one is unknown rather than misspelled."""
    typos: list[Typo] = []
    if schema is not None:
        _in_message(data, schema, None, typos)
    return typos


def without_field(data: Any, where: tuple[str | int, ...]) -> Any:
    """The data without one field; only its ancestors are copied."""
    head, rest = where[0], where[1:]
    if isinstance(data, list):
        return [without_field(part, rest) if step == head else part for step, part in enumerate(data)]
    if not rest:
        return {key: part for key, part in data.items() if key != head}
    return {key: without_field(part, rest) if key == head else part for key, part in data.items()}


@cache
def closest_asset_type(asset_type: str) -> str:
    """The asset type that a misspelt one means; empty where it is known, or its service has none that is like it."""
    if inventory_names.entry(asset_type) is not None:
        return ""
    host, _, kind = asset_type.partition("/")
    if inventory_names.entry(asset_type.removesuffix("s")) is not None:
        return asset_type.removesuffix("s")
    catalogue = default_catalogue()
    if catalogue.schemas_for(asset_type):
        return ""  # an API has it, and the inventory does not
    for meant in (f"{near}/{kind}" for near in _near_services(host)):
        if inventory_names.entry(meant) is not None:
            return meant
    kinds = catalogue.kinds(asset_type)
    close = difflib.get_close_matches(kind.lower(), kinds, n=1, cutoff=_CLOSE_TYPE)
    if not close:
        return ""
    name = kinds[close[0]][-len(close[0]) :]  # a name may start with the API's own, as `GoogleIamV2Policy` does
    return f"{host}/{name if name.lower() == close[0] else close[0].capitalize()}"


@cache
def _near_services(host: str) -> list[str]:
    """The services of the inventory that are like one that it does not have."""
    services = {known.partition("/")[0] for known in inventory_names.known_types()}
    if host in services:
        return []
    near = difflib.get_close_matches(host, sorted(services), n=3, cutoff=_CLOSE_TYPE)
    return [service for service in near if is_typo(host, service) or service == f"cloud{host}"]


_Position = tuple[Any, str | int] | None
"""A position in the data, as its parent position and the last step; formatted only for a misspelling."""


def _in_message(data: dict[str, Any], schema: Schema, place: _Position, typos: list[Typo]) -> None:
    fields = schema.fields
    for key, value in data.items():
        field = fields.get(key) or fields.get(camel(key))
        if field is not None:
            if isinstance(value, (dict, list)):
                _in_value(value, field, (place, key), typos)
        elif meant := _closest_field(key, schema, data):
            where = _where((place, key))
            typos.append(Typo(where, as_text(where), meant))


def _in_value(value: Any, field: Field, place: _Position, typos: list[Typo]) -> None:
    if isinstance(value, dict) and field.schema is not None:
        _in_message(value, field.schema, place, typos)
    elif isinstance(value, dict) and field.kind == "map" and field.item is not None:
        for key, part in value.items():
            _in_value(part, field.item, (place, key), typos)
    elif isinstance(value, list) and field.item is not None:
        for position, part in enumerate(value):
            _in_value(part, field.item, (place, position), typos)


def _where(place: _Position) -> tuple[str | int, ...]:
    return (*_where(place[0]), place[1]) if place is not None else ()


def _path(where: tuple[str | int, ...]) -> Path:
    path = field_path.ROOT
    for part in where:
        path = (path, field_path.index(part) if isinstance(part, int) else part)
    return path


def as_text(where: tuple[str | int, ...]) -> str:
    """A place in the data as a path of differences."""
    return field_path.text(_path(where))


def _closest_field(key: str, schema: Schema, data: dict[str, Any]) -> str:
    """The only similar field that is not declared itself, or an empty string."""
    free = [name for name, field in schema.fields.items() if name not in data and not field.output_only]
    matches = difflib.get_close_matches(camel(key), free, n=1, cutoff=_CLOSE)
    return matches[0] if matches else ""


def is_typo(name: str, meant: str) -> bool:
    """Whether a name is another one with a letter or two wrong, missing, added or swapped."""
    return edits(name.lower(), meant.lower()) <= _MAX_EDITS


def edits(name: str, other: str) -> int:
    """The minimum number of letters to change, add, remove or swap (optimal string alignment)."""
    rows = [list(range(len(other) + 1))]
    for position, letter in enumerate(name, 1):
        row = [position]
        for index, other_letter in enumerate(other, 1):
            cost = min(rows[-1][index] + 1, row[-1] + 1, rows[-1][index - 1] + (letter != other_letter))
            swapped = (
                position > 1 and index > 1 and name[position - 2 : position] == other[index - 1] + other[index - 2]
            )
            row.append(min(cost, rows[-2][index - 2] + 1) if swapped else cost)
        rows.append(row)
    return rows[-1][-1]
