"""Fields whose live value is not conclusive: the API may not return them, or the service may have chosen them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from setpoint.catalog import field_rules
from setpoint.catalog.schemas import Schema
from setpoint.comparison.absence import rules_at
from setpoint.model.field_path import Path


def may_be_absent(schema: Schema, path: Path) -> bool:
    """Whether a rule says of a field, or of what it is in, that the API may leave it out.

    Args:
        schema: The resource's schema.
        path: The field's API path.
    """
    table = field_rules.of(schema.service, schema.name)
    if "absent" in rules_at(table, path):
        return True
    while path is not None:
        if "unreturned" in rules_at(table, path):
            return True
        path = path[0]
    return False


def with_holders(names: str) -> Iterator[str]:
    """A dotted name, and those of its ancestors."""
    yield names
    while "." in names:
        names = names.rpartition(".")[0]
        yield names


def widest(patterns: Iterable[str]) -> tuple[str, ...]:
    """The patterns that no other one covers."""
    kept: list[str] = []
    for pattern in sorted(patterns):
        if not any(pattern.startswith((f"{wider}.", f"{wider}[")) for wider in kept):
            kept.append(pattern)
    return tuple(kept)
