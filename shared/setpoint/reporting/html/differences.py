"""Differences for the page: values as JSON, grants as text."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from setpoint.comparison import difference_text
from setpoint.model.difference import Difference
from setpoint.reporting.html.model import Field


def fields(differences: Iterable[Difference], longest: int) -> tuple[Field, ...]:
    """Convert differences for the page.

    Args:
        differences: the differences, with masked secrets.
        longest: maximum length of a value in characters.
    """
    return tuple(_field(difference, longest) for difference in differences)


def _field(difference: Difference, longest: int) -> Field:
    if granted := difference_text.grant(difference):
        return Field(difference.op, grant=granted[:longest])
    return Field(
        difference.op,
        difference.path[:longest],
        _value(difference.declared, longest),
        _value(difference.observed, longest),
        immutable=difference.immutable,
        undeclared=difference.kind == "undeclared_change",
    )


def _value(value: object, longest: int) -> str:
    return "" if value is msgspec.UNSET else difference_text.as_json(value, longest)
