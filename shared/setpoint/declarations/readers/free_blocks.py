"""Write blocks in free-form fields and in maps as the API writes them."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from setpoint.catalog.schemas import Field
from setpoint.declarations.readers.shape_matching import EMPTY
from setpoint.model.naming import camel


def renamed(value: Any, names: str, paths: Mapping[str, str | None], single: AbstractSet[str]) -> Any:
    """A value with the API's names, in which a block of which there is one at most is an object.

    Args:
        value: The author's value; blocks are a list of objects, and an object is a map, whose keys are kept.
        names: Its dotted names, without positions.
        paths: The API names of attributes that differ from the common rule, by dotted names.
        single: Dotted names of blocks of which there is one at most.
    """
    if not isinstance(value, list) or not all(isinstance(block, dict) for block in value):
        return value
    blocks = [
        {
            (paths.get(f"{names}.{name}") or camel(name)): renamed(part, f"{names}.{name}", paths, single)
            for name, part in block.items()
            if part is not EMPTY and part is not None
        }
        for block in value
    ]
    return blocks[0] if len(blocks) == 1 and names in single else blocks


def without_key(entry: dict[str, Any], key: str, item: Field | None) -> dict[str, Any]:
    """A message without the key that only the author's list has."""
    if item is not None and item.schema is not None and key not in item.schema.fields:
        return {name: part for name, part in entry.items() if name != key}
    return entry


def is_message(field: Field | None) -> bool:
    """Whether a field holds messages."""
    return field is not None and field.kind == "message"


def drop_empty(out: dict[str, Any], chain: tuple[Field, ...]) -> None:
    """Remove messages that were created for a field without a value."""
    holders = [out]
    for field in chain[:-1]:
        inner = holders[-1].get(field.name)
        if not isinstance(inner, dict):
            return
        holders.append(inner)
    for holder, field in zip(reversed(holders[:-1]), reversed(chain[:-1]), strict=True):
        if not holder[field.name]:
            del holder[field.name]
