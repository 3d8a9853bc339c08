"""What comes of putting an author's fields onto a schema."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from setpoint.catalog.schemas import Schema
from setpoint.declarations.readers import name_heuristics

FieldOverrides = Mapping[str, str | None]
"""What no rule tells: an author's field, by names from the tree's root with dots, to its API path.

The path is from where the field around it was placed (`lifecycle.rule`), or from the resource (`/settings.tier`);
of several (`displayName|name`) the first counts that the schema has. None is for a field that is the tool's own and no
data, UNCHECKED for one that cannot be compared, and `.` for a group that the API does not have.
"""

UNCHECKED = "?"
"""An API path that no schema has: the field is data, and yet cannot be compared."""

NO_MOVES: FieldOverrides = {}
"""No exceptions."""

_CLOSE = 0.85
_POSITION = re.compile(r"\[(?:\"(?:[^\"\\]|\\.)*\"|\d+)\]")
_ADDRESS = re.compile(r"\A(?:module\.[^.\[]+(?:\[(?:\"(?:[^\"\\]|\\.)*\"|\d+)\])?\.)*")
"""The modules around a resource, in an author's path of Terraform."""


class UnmappedField(msgspec.Struct, frozen=True, eq=False):
    """An author's field that found no place.

    Args:
        path: The author's path.
        name: The field's name.
        schema: The message that was searched.
    """

    path: str
    name: str
    schema: Schema

    @property
    def label(self) -> str:
        """The attribute of a Terraform type, without the resource's name: `google_compute_firewall.allow.protocol`."""
        terraform_type, _, rest = _POSITION.sub("", _ADDRESS.sub("", self.path)).partition(".")
        return f"{terraform_type}.{rest.partition('.')[2]}"

    def nearest(self) -> tuple[str, ...]:
        """The API's names that it may be a misspelling of, the nearest first; none where it is one of them.

        A name that the API knows is not misspelt: then its value has not the field's shape.
        """
        own = name_heuristics.plain(self.name.removesuffix("Ref"))
        names = {name_heuristics.plain(name): name for name in self.schema.fields}
        if own in names:
            return ()
        return tuple(names[match_] for match_ in difflib.get_close_matches(own, list(names), n=3, cutoff=_CLOSE))


class MappedFields(msgspec.Struct, frozen=True, eq=False):
    """An author's tree in the API's shape.

    Args:
        data: The declared fields, by the API's names.
        origins: API path → author's path, wherever the two differ by more than what is around them; the root is `""`.
        unplaced: The author's fields that found no place.
        unknown: The author's paths whose value is not known.
        whole: API paths of maps that the author wrote as a list, and so as a whole.
        recorded: Patterns of API paths of values that the service may have chosen.
    """

    data: dict[str, Any]
    origins: dict[str, str]
    unplaced: tuple[UnmappedField, ...]
    unknown: tuple[str, ...]
    whole: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()

    @property
    def unchecked(self) -> tuple[str, ...]:
        """The author's paths that cannot be compared."""
        return (*(field.path for field in self.unplaced), *self.unknown)
