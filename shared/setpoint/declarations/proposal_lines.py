"""Describe the change of a declaration that would resolve a drift."""

from __future__ import annotations

from collections.abc import Iterable

from setpoint.comparison import difference_text, iam_policies
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.util.texts import clip

_LONGEST = 120


def lines(declaration: Declaration, differences: Iterable[Difference]) -> tuple[str, ...]:
    """The changes of a declaration, one line per field; secrets stay masked."""
    return tuple(line(declaration, difference) for difference in differences)


def line(declaration: Declaration, difference: Difference) -> str:
    """``fleet/buckets.yaml:12: spec.data.versioning.enabled: true -> false``."""
    where = difference.declared_path or f"spec.data.{difference.path}"
    given = difference.declared if difference.op == "missing" else difference.observed
    if declaration.key.content == "iam_policy" and iam_policies.is_grant(given):
        verb = "no longer declare" if difference.op == "missing" else "declare"
        return f"{declaration.source}: {verb} {given['role']} of {given['member']}"
    if difference.op == "missing":
        return f"{declaration.source}: {where}: no longer declare {_shown(difference.declared)}"
    before = "" if difference.op == "unexpected" else f"{_shown(difference.declared)} "
    return f"{declaration.source}: {where}: {before}-> {_shown(difference.observed)}"


def _shown(value: object) -> str:
    return clip(difference_text.encoded(value), _LONGEST)
