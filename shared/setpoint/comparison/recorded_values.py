"""Distinguish changes of declared values from changes of values that a state only recorded."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from setpoint.model import ignore_patterns
from setpoint.model.difference import Difference, DifferenceKind


def kind_of(path: str, recorded: tuple[str, ...]) -> DifferenceKind:
    """The kind of a difference: by its path, and by the patterns of values that the service may have chosen."""
    return "undeclared_change" if recorded and ignore_patterns.covering(path, recorded) is not None else ""


def marked(differences: Sequence[Difference], recorded: tuple[str, ...]) -> tuple[Difference, ...]:
    """The differences, each with its kind."""
    if not recorded:
        return tuple(differences)
    return tuple(replace(difference, kind=kind_of(difference.path, recorded)) for difference in differences)
