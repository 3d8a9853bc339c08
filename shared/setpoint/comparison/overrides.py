"""Compare fields by rules of the policy, in place of the built-in rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from setpoint.comparison import scalars
from setpoint.model import field_path, references
from setpoint.model.compare_rules import FieldRule, How
from setpoint.model.field_path import Path
from setpoint.model.references import Project

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field
    from setpoint.comparison.compare import Comparison


def compare(walk: Comparison, rule: FieldRule, path: Path, field: Field | None, want: Any, have: Any) -> None:
    """Compare a field by a rule: equal, or one difference of the whole field.

    Args:
        walk: the comparison.
        rule: the rule.
        path: the field.
        field: its description in the schema.
        want: the declared value.
        have: the observed value; None if it is absent.
    """
    name = path[1] if path is not None else ""
    if want is None:
        walk.note(path, "null declares nothing")
    elif have is None:
        walk.differ(path, "missing", name, field, want, msgspec.UNSET)
    elif _equal(walk, rule.how, path, field, want, have):
        walk.note(path, rule.text)
    else:
        walk.differ(path, "changed", name, field, want, have)


def _equal(walk: Comparison, how: How, path: Path, field: Field | None, want: Any, have: Any) -> bool:
    if how in _SEQUENCES:
        if not isinstance(want, list) or not isinstance(have, list) or len(want) != len(have):
            return False
        return _SEQUENCES[how](walk, path, field, want, have)
    return _SCALARS[how](want, have, walk.own)


def _literal(want: Any, have: Any, _: Project) -> bool:
    return bool(msgspec.json.encode(want, order="deterministic") == msgspec.json.encode(have, order="deterministic"))


def _ignore_case(want: Any, have: Any, own: Project) -> bool:
    if isinstance(want, str) and isinstance(have, str):
        return want.casefold() == have.casefold()
    if isinstance(want, list) and isinstance(have, list) and len(want) == len(have):
        return all(_ignore_case(one_want, one_have, own) for one_want, one_have in zip(want, have, strict=True))
    return _literal(want, have, own)


def _number(want: Any, have: Any, _: Project) -> bool:
    """Compare exactly: two large numbers, or two that a float cannot hold, are not equal for being near."""
    if isinstance(want, bool) or isinstance(have, bool):
        return False
    return bool(scalars.number(want, have))


def _duration(want: Any, have: Any, _: Project) -> bool:
    seconds = [scalars.seconds(value) if isinstance(value, str) else None for value in (want, have)]
    return seconds[0] is not None and seconds[0] == seconds[1]


def _reference(want: Any, have: Any, own: Project) -> bool:
    return isinstance(want, str) and isinstance(have, str) and references.same(want, have, own)


def _list(walk: Comparison, path: Path, field: Field | None, want: list[Any], have: list[Any]) -> bool:
    return all(_is_same(walk, path, field, *pair) for pair in zip(want, have, strict=True))


def _set(walk: Comparison, path: Path, field: Field | None, want: list[Any], have: list[Any]) -> bool:
    """Whether each declared element has a separate observed counterpart, in any order."""
    left = list(have)
    for element in want:
        match = next((index for index, other in enumerate(left) if _is_same(walk, path, field, element, other)), None)
        if match is None:
            return False
        del left[match]
    return True


def _is_same(walk: Comparison, path: Path, field: Field | None, want: Any, have: Any) -> bool:
    """Whether two elements of a list are equal by the built-in rules."""
    trial = walk.trial()
    item = field.item if field is not None else None
    trial.value((path, field_path.index(0)), "", item, want, have)
    return not trial.differences


_SCALARS: dict[How, Callable[[Any, Any, Project], bool]] = {
    "literal": _literal,
    "ignore-case": _ignore_case,
    "number": _number,
    "duration": _duration,
    "reference": _reference,
}
_SEQUENCES: dict[How, Callable[[Comparison, Path, Field | None, list[Any], list[Any]], bool]] = {
    "list": _list,
    "set": _set,
}
