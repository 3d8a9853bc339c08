"""Finding misspelt fields in declared data, by what the catalogue says of the type."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, NamedTuple

from setpoint.core import paths, values
from setpoint.core.catalogue import Field, Schema
from setpoint.core.paths import Path

_CLOSE = 0.85
"""How alike a name has to be to one that the API knows, to be taken for a slip: a letter or two."""


class Slip(NamedTuple):
    """A field that the API does not know, and the one that was meant.

    Args:
        where: keys and positions from the root of the data.
        path: the same as text.
        meant: the API's name for it.
    """

    where: tuple[str | int, ...]
    path: str
    meant: str


def slips(data: dict[str, Any], schema: Schema | None) -> list[Slip]:
    """The misspelt fields of declared data; what is like nothing that the API knows is no slip, but unknown."""
    return list(_in_message(data, schema, (), paths.ROOT)) if schema is not None else []


def without(data: Any, where: tuple[str | int, ...]) -> Any:
    """The data less one field; what is around it is copied."""
    head, rest = where[0], where[1:]
    if isinstance(data, list):
        return [without(part, rest) if at == head else part for at, part in enumerate(data)]
    if not rest:
        return {key: part for key, part in data.items() if key != head}
    return {key: without(part, rest) if key == head else part for key, part in data.items()}


def _in_message(data: dict[str, Any], schema: Schema, where: tuple[str | int, ...], path: Path) -> Iterator[Slip]:
    for key, value in data.items():
        field = schema.fields.get(key) or schema.fields.get(values.camel(key))
        if field is not None:
            yield from _in_value(value, field, (*where, key), (path, key))
        elif meant := _meant(key, schema, data):
            yield Slip((*where, key), paths.text((path, key)), meant)


def _in_value(value: Any, field: Field, where: tuple[str | int, ...], path: Path) -> Iterator[Slip]:
    if isinstance(value, dict) and field.schema is not None:
        yield from _in_message(value, field.schema, where, path)
    elif isinstance(value, dict) and field.kind == "map" and field.item is not None:
        for key, part in value.items():
            yield from _in_value(part, field.item, (*where, key), (path, key))
    elif isinstance(value, list) and field.item is not None:
        for at, part in enumerate(value):
            yield from _in_value(part, field.item, (*where, at), (path, paths.index(at)))


def _meant(key: str, schema: Schema, data: dict[str, Any]) -> str:
    """The one field that is spelled almost so and not declared beside it, or an empty string."""
    free = [name for name, field in schema.fields.items() if name not in data and not field.output_only]
    found = difflib.get_close_matches(values.camel(key), free, n=1, cutoff=_CLOSE)
    return found[0] if found else ""
