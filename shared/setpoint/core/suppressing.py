"""What a rule keeps quiet about: it is kept with the rule, and judged again when the rules change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from setpoint.core import ignore, paths
from setpoint.core.compare import Difference
from setpoint.core.declarations import Declaration
from setpoint.core.policy import Kind


class Suppressed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A drift, or one difference of it, that nobody is told of.

    Args:
        rule: file, line and text of the rule.
        kind: the kind of the drift.
        difference: the difference; None for a resource that is gone or unmanaged.
    """

    rule: str
    kind: Kind = "modified"
    difference: Difference | None = None


def whole(declarations: Iterable[Declaration]) -> str:
    """The rule by which all of a resource's declarations are left alone; empty where there is none."""
    rule = ""
    for declaration in declarations:
        if ignore.ALL not in declaration.ignore:
            return ""
        rule = rule or _rule(declaration, ignore.ALL)
    return rule


def suppressed(declaration: Declaration, differences: Sequence[Difference]) -> tuple[Suppressed, ...]:
    """Differences that a declaration ignores, each with the rule."""
    return tuple(Suppressed(_rule(declaration, _pattern(declaration, one)), difference=one) for one in differences)


def _pattern(declaration: Declaration, difference: Difference) -> str:
    """The pattern that covers a difference, or the one that lies below it: a list is told as a whole."""
    patterns = declaration.ignore
    found = ignore.covering(difference.path, patterns)
    if found is None:
        head = paths.readable(difference.path)[:1]
        found = next((pattern for pattern in patterns if paths.parse(pattern)[:1] == head), patterns[0])
    return found


def _rule(declaration: Declaration, pattern: str) -> str:
    return declaration.ignored_by.get(pattern) or f"{declaration.source}: ignore {pattern}"
