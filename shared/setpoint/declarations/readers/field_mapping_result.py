"""The result of mapping an author's fields to a schema."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from setpoint.catalog.schemas import Schema
from setpoint.declarations.readers import name_heuristics

FieldOverrides = Mapping[str, str | None]
"""Exceptions to the rules: an author's field, as dotted names from the tree's root, to its API path.

The path is relative to the API path of the parent (`lifecycle.rule`), or to the resource (`/settings.tier`); of several
(`displayName|name`) the first that the schema has applies. None marks a field of the tool that is not data, UNCHECKED
one that cannot be compared, and `.` a group that the API does not have.
"""

UNCHECKED = "?"
"""An API path for fields that are data and cannot be compared."""

NO_MOVES: FieldOverrides = {}
"""No exceptions."""

_CLOSE = 0.85
_POSITION = re.compile(r"\[(?:\"(?:[^\"\\]|\\.)*\"|\d+)\]")
_ADDRESS = re.compile(r"\A(?:module\.[^.\[]+(?:\[(?:\"(?:[^\"\\]|\\.)*\"|\d+)\])?\.)*")
"""The module prefix of an author's path in Terraform."""


class UnmappedField(msgspec.Struct, frozen=True, eq=False):
    """An author's field without a place in the schema.

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
        """Similar names in the API, the most similar first; empty if the name exists in the API.

        A name that exists is not a misspelling: its value has another shape than the field.
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
        origins: API path → author's path, if they differ by more than their parents do; the root is `""`.
        unplaced: The author's fields without a place.
        unknown: The author's paths with unknown values.
        whole: API paths of maps that the author wrote as a list, and so owns with all entries.
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
