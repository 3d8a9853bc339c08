"""Where the rules of a comparison stand: the line of a table, or the API's description of a field.

A reader who disagrees with a rule overrules it by type and field; see ``compare`` in the policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.catalog import field_rules
from setpoint.comparison import absence, list_order
from setpoint.comparison.explain import ExplainedComparison
from setpoint.model import field_path
from setpoint.model.difference import Difference, Explanation
from setpoint.model.field_path import Element, Path

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema

_STATED = "states it)"
"""End of the reasons that stand on the schema or the description of a field."""


class _Place(NamedTuple):
    """A field of a schema, with its rules in the tables."""

    field: Field
    rules: field_rules.Rules
    stands_at: str


def with_sources(explained: ExplainedComparison, schema: Schema | None) -> ExplainedComparison:
    """A comparison whose reasons name the description that they stand on, with the reasons of its differences.

    Args:
        explained: the comparison.
        schema: what the catalogue says of the type.
    """
    if schema is None:
        return explained
    because = ((difference, _why_different(schema, difference)) for difference in explained.differences)
    return replace(
        explained,
        notes=tuple(_sourced(schema, note) for note in explained.notes),
        unchecked=tuple(_sourced(schema, note) for note in explained.unchecked),
        because=tuple(Explanation(difference.path, reason) for difference, reason in because if reason),
    )


def _place(schema: Schema, parts: tuple[str, ...]) -> _Place | None:
    """The field at a path; None where the catalogue does not have it."""
    field: Field | None = None
    stands_at = ""
    nested: Path = None
    for part in parts:
        nested = (nested, part)
        if isinstance(part, Element):
            continue
        message = field.item if field is not None and field.item is not None else field
        holder = schema if message is None else message.schema
        if holder is None:  # an entry of a map of scalars
            field = message
            continue
        field = holder.fields.get(part)
        if field is None:
            return None
        stands_at = f"{schema.service} {schema.version}, {holder.name}.{part}"
    if field is None:
        return None
    rules = absence.rules_at(field_rules.of(schema.service, schema.name), nested)
    return _Place(field, rules, stands_at)


def _sourced(schema: Schema, explanation: Explanation) -> Explanation:
    reason = explanation.reason
    place = _place(schema, field_path.readable(explanation.path))
    if place is None:
        return explanation
    if reason.endswith(_STATED):
        return Explanation(explanation.path, f"{reason[:-1]}: {place.stands_at})")
    is_output = reason == "written by the server alone" and place.field.output_only
    is_input = reason == "an input that the server does not return" and (
        place.field.input_only or place.field.sensitive
    )
    if is_output or is_input:
        return Explanation(explanation.path, f"{reason} (the API's description: {place.stands_at})")
    return explanation


def _why_different(schema: Schema, difference: Difference) -> str:
    """The rule by which a difference is one although another reader might take it for none; empty for most."""
    parts = field_path.readable(difference.path)
    place = _place(schema, parts)
    if place is None:
        return ""
    want, have = difference.declared, difference.observed
    if difference.op == "missing" and _is_empty(want):
        return _stated("absence says something else than this value", place, "presence", is_stated=place.field.presence)
    if isinstance(want, list) and isinstance(have, list):
        return _why_ordered(place, parts) if _are_reordered(want, have) else ""
    for length in range(len(parts) - 1, 0, -1):
        around = _place(schema, parts[:length]) if _is_position(parts[length]) else None
        if around is not None and (reason := _why_ordered(around, parts[:length])):
            return reason
    return ""


def _why_ordered(place: _Place, parts: tuple[str, ...]) -> str:
    """Why the order of a list counts; empty if it does not."""
    name = next((part for part in reversed(parts) if not isinstance(part, Element)), "")
    if not list_order.is_ordered(name, place.field.item, place.field, place.rules):
        return ""
    rule = "the order of this list counts"
    return _stated(rule, place, "ordered", is_stated=place.field.ordered) or f"{rule} (a table of names: {name})"


def _is_position(part: str) -> bool:
    return isinstance(part, Element) and part[1:-1].isdecimal()


def _stated(rule: str, place: _Place, verb: str, *, is_stated: bool) -> str:
    """A rule with the line of the table or the description that it stands on."""
    line = place.rules.get(verb)
    if line is not None:
        return f"{rule} ({line.reason}: {line.source})"
    return f"{rule} (the API's description: {place.stands_at})" if is_stated else ""


def _is_empty(value: Any) -> bool:
    return value is not msgspec.UNSET and (not value or value in ("0", "0s", "false"))


def _are_reordered(want: list[Any], have: list[Any]) -> bool:
    return want != have and all(part in have for part in want) and all(part in want for part in have)
