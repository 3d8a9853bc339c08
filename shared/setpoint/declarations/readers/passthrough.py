"""Map an author's fields unchanged, for a resource without a schema in the catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from setpoint.catalog.words import plural
from setpoint.comparison.source_paths import join
from setpoint.declarations.readers import name_heuristics, secret_values, shape_matching
from setpoint.declarations.readers.field_mapping_result import NO_MOVES, FieldOverrides, MappedFields
from setpoint.declarations.readers.shape_matching import UNKNOWN
from setpoint.model import field_path
from setpoint.model.field_path import Path

_ACRONYM = re.compile(r"[A-Z]{2}")


def as_written(tree: Mapping[str, Any], *, prefix: str = "spec", moves: FieldOverrides = NO_MOVES) -> MappedFields:
    """Map an author's fields unchanged, for a resource without a schema in the catalog.

    Two naming conventions are undone: `networkRef` is `network`, and `projectID` is `projectId`, as in protobuf's JSON.

    Args:
        tree: The author's fields, as for `place`.
        prefix: The author's path of the tree itself.
        moves: The fields that are not data.
    """
    unknown: list[str] = []
    origins = {"": prefix}
    data = {name: part for name, part in tree.items() if name not in moves}
    taken = _copy(data, field_path.ROOT, prefix, origins, unknown)
    return MappedFields(taken if isinstance(taken, dict) else {}, origins, (), tuple(unknown))


def _copy(value: Any, api: Path, author: str, origins: dict[str, str], unknown: list[str]) -> Any:
    if value is UNKNOWN or secret_values.is_map(value):
        unknown.append(author)
        return None
    if isinstance(value, dict):
        out = {}
        for name, part in value.items():
            plain = _json_name(_without_ref(name, part))
            path = (api, plain)
            if plain != name:
                origins[field_path.text(path)] = join(author, name)
            taken = _copy(part, path, join(author, name), origins, unknown)
            if taken is not None:
                out[plain] = taken
        return out
    if isinstance(value, list):
        return [
            _copy(part, (api, field_path.index(position)), f"{author}[{position}]", origins, unknown)
            for position, part in enumerate(value)
        ]
    return str(value) if isinstance(value, shape_matching.Reference) else value


def _without_ref(name: str, value: Any) -> str:
    if isinstance(value, shape_matching.Reference):
        return name.removesuffix("Ref")
    if isinstance(value, list) and name.endswith("Refs"):
        return plural(name.removesuffix("Refs"))
    return name


def _json_name(name: str) -> str:
    """A field's name with the acronyms of protobuf's JSON; a name with a capital first letter is a map key."""
    if not name[:1].islower() or not _ACRONYM.search(name):
        return name
    first, *rest = name_heuristics.words(name)
    return first + "".join(word.capitalize() for word in rest)
