"""Comparison rules of single fields that no schema states: two tables, each line with its reason and source.

`data/field_rules.tsv` is written by hand. `data/provider_rules.tsv` holds what Google's provider for Terraform knows of
the same API fields: defaults, sets, fields that are never read back, spellings that it takes as equal. A line is keyed
by the resource's schema and the path of the field in it, without list positions and with ``*`` for the key of a map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec

from setpoint.catalog.data_files import FOLDER, rows

_FILES = ("field_rules.tsv", "provider_rules.tsv")


class BuiltInRule(NamedTuple):
    """One line of a table.

    Args:
        verb: what the rule says of the field: `absent`, `presence`, `unreturned`, `set`, `ordered`, `same` …
        value: what the verb needs: a default, the name of a comparison, aliases.
        reason: why the rule holds.
        source: where that is said.
    """

    verb: str
    value: Any
    reason: str
    source: str


Rules = Mapping[str, BuiltInRule]
"""The rules of one field by their verb."""

NO_RULES: Rules = {}


class SchemaRules:
    """The rules of one schema's fields by their paths."""

    __slots__ = ("_exact", "_names", "_with_wildcards")

    def __init__(self, rules: Mapping[str, dict[str, BuiltInRule]]) -> None:
        self._exact = {tuple(path.split(".")): rule for path, rule in rules.items() if "*" not in path}
        self._with_wildcards = [(path.split("."), rule) for path, rule in rules.items() if "*" in path]
        names = {path.rpartition(".")[2] for path in rules}
        self._names = None if "*" in names else frozenset(names)

    def names_any(self, name: str) -> bool:
        """Whether any path ends with this name: the fast question, which most fields answer with no."""
        return self._names is None or name in self._names

    def at_path(self, parts: Sequence[str]) -> Rules:
        """The rules of a field.

        Args:
            parts: its path from the top of the resource, without list positions.
        """
        rules = self._exact.get(tuple(parts))
        if rules is not None or not self._with_wildcards:
            return rules or NO_RULES
        for pattern, wild in self._with_wildcards:
            if len(pattern) == len(parts) and all(
                part in ("*", name) for part, name in zip(pattern, parts, strict=True)
            ):
                return wild
        return NO_RULES


@cache
def of(service: str, schema: str) -> SchemaRules | None:
    """The rules of one schema, or None where there are none.

    Args:
        service: the API, as `compute`.
        schema: the schema's name in the discovery document.
    """
    lines = _lines().get((service, schema))
    if lines is None:
        return None
    rules: dict[str, dict[str, BuiltInRule]] = {}
    for path, verb, value, reason, source in lines:
        parsed = msgspec.json.decode(value) if value else None
        for field in path.split(" "):
            rules.setdefault(field, {}).setdefault(verb, BuiltInRule(verb, parsed, reason, source))
    return SchemaRules(rules)


@cache
def _lines() -> Mapping[tuple[str, str], list[list[str]]]:
    """The lines of both tables by service and schema; where both speak of a field, the hand-written line counts."""
    by_schema: dict[tuple[str, str], list[list[str]]] = {}
    for name in _FILES:
        for service, schemas, *columns in rows(FOLDER / name):
            for schema in schemas.split(" "):
                by_schema.setdefault((service, schema), []).append(columns)
    return by_schema
