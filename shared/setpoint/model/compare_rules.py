"""Rules of a policy about comparing: how a field is compared where the built-in rules are not wanted."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import msgspec

from setpoint.model import field_path, globs
from setpoint.model.field_path import Path

How = Literal["literal", "ignore-case", "number", "duration", "reference", "list", "set"]
"""``literal``: letter by letter; ``ignore-case``: strings in any case; ``number``, ``duration``, ``reference``: by that
meaning; ``list``: in this order; ``set``: in any order. Elements of lists are compared by the built-in rules."""


class CompareRule(msgspec.Struct, frozen=True):
    """How a field is compared.

    Args:
        how: how.
        path: the field, with ``*`` for any key and ``[*]`` for any element.
        asset_types: types, or globs as ``compute.googleapis.com/*``; all types where empty.
    """

    how: How
    path: str
    asset_types: tuple[str, ...] = ()


class FieldRule(NamedTuple):
    """A rule for the fields of one asset type.

    Args:
        parts: the parts of the path.
        how: how the field is compared.
        text: the rule as an explanation states it.
    """

    parts: tuple[str, ...]
    how: How
    text: str


@lru_cache(maxsize=1024)
def rules_for(rules: tuple[CompareRule, ...], asset_type: str) -> tuple[FieldRule, ...]:
    """The rules of an asset type; the first that fits a field counts."""
    return tuple(
        FieldRule(field_path.parse(rule.path), rule.how, f"compared as {rule.how} by the policy ({rule.path})")
        for rule in rules
        if not rule.asset_types or globs.matches(rule.asset_types, asset_type)
    )


def rule_of(rules: tuple[FieldRule, ...], path: Path) -> FieldRule | None:
    """The first rule of the field at a path; None where there is none."""
    parts = field_path.readable(field_path.text(path))
    fitting = (rule for rule in rules if len(rule.parts) == len(parts) and field_path.covers(rule.parts, parts))
    return next(fitting, None)
