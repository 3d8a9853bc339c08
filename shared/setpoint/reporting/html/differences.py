"""Differences in words: ``path: declared → observed``; a grant says all by itself."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from setpoint.comparison import iam_policies
from setpoint.model.difference import Difference
from setpoint.model.display_names import shown
from setpoint.reporting.html.model import Field


def fields(differences: Iterable[Difference], longest: int) -> tuple[Field, ...]:
    """Differences in words.

    Args:
        differences: what differs; secrets are masked in it already.
        longest: characters of a value that are shown.
    """
    return tuple(_field(difference, longest) for difference in differences)


def _field(difference: Difference, longest: int) -> Field:
    if iam_policies.is_grant(difference.declared if difference.op == "missing" else difference.observed):
        return Field(difference.op, grant=iam_policies.describe_grants(difference)[:longest])
    return Field(
        difference.op,
        difference.path[:longest],
        _value(difference.declared, longest),
        _value(difference.observed, longest),
        immutable=difference.immutable,
    )


def _value(value: object, longest: int) -> str:
    return "" if value is msgspec.UNSET else shown(value, longest)
