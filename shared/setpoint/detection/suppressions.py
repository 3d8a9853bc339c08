"""What a rule keeps quiet about: it is kept with the rule, and judged again when the rules change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from setpoint.comparison import recorded
from setpoint.model import field_path, ignore_patterns, policy, severity
from setpoint.model.declaration import Declaration, Mode
from setpoint.model.difference import Difference
from setpoint.model.suppressed import Suppressed


def whole(declarations: Iterable[Declaration]) -> str:
    """The rule by which all of a resource's declarations are left alone; empty where there is none."""
    rule = ""
    for declaration in declarations:
        if ignore_patterns.ALL not in declaration.ignore:
            return ""
        rule = rule or _rule(declaration, ignore_patterns.ALL)
    return rule


def suppressed(declaration: Declaration, differences: Sequence[Difference]) -> tuple[Suppressed, ...]:
    """Differences that a declaration ignores, each with the rule."""
    return tuple(
        Suppressed(_rule(declaration, _pattern(declaration, difference)), difference=difference)
        for difference in differences
    )


UNDECLARED_CHANGE = "recorded in the state, and not known to be declared"
"""The rule by which a change of what a state only recorded is no drift."""


def without_undeclared_changes(
    declaration: Declaration, differences: Sequence[Difference]
) -> tuple[tuple[Difference, ...], tuple[Suppressed, ...]]:
    """The differences that are reported, and the undeclared changes that are only kept.

    An undeclared change is reported where it is severe by its meaning: access, encryption, logging. It is never
    remediated (`mode_for`).
    """
    kept, quiet = [], []
    for difference in recorded.marked(differences, declaration.recorded):
        if difference.kind and not _is_severe(declaration, difference):
            quiet.append(Suppressed(f"{declaration.source}: {UNDECLARED_CHANGE}", difference=difference))
        else:
            kept.append(difference)
    return tuple(kept), tuple(quiet)


def mode_for(differences: Sequence[Difference], mode: Mode) -> Mode:
    """What may be done about a drift: nothing is remediated of undeclared changes alone, or on a faulty declaration."""
    kinds = {difference.kind for difference in differences}
    if "authority" in kinds or kinds == {"undeclared_change"}:
        return policy.more_careful(mode, "alert")
    return mode


_SEVERE = frozenset(("high", "critical"))
_GUARDING = re.compile(
    r"logging|monitoring|audit"  # what is written down
    r"|encrypt|kmsKey|rotation"  # which key encrypts it
    r"|auth(?:ent|oriz|ori[sz]ed)|ssl|tls"  # who is let in
    r"|public|ingress|ipv4Enabled|privateEndpoint|privateNodes|sourceRanges"  # from where it is reached
    r"|backup|retention|softDelete|deletionProtection",  # what can be got back
    re.IGNORECASE,
)
"""Fields whose change weakens a guard, whoever chose their value."""


def _is_severe(declaration: Declaration, difference: Difference) -> bool:
    level = severity.severity("modified", declaration.key.content, (difference,))
    return level in _SEVERE or _GUARDING.search(difference.path) is not None


def _pattern(declaration: Declaration, difference: Difference) -> str:
    """The pattern that covers a difference, or the one that lies below it: a list is told as a whole."""
    patterns = declaration.ignore
    pattern = ignore_patterns.covering(difference.path, patterns)
    if pattern is None:
        head = field_path.readable(difference.path)[:1]
        pattern = next((candidate for candidate in patterns if field_path.parse(candidate)[:1] == head), patterns[0])
    return pattern


def _rule(declaration: Declaration, pattern: str) -> str:
    return declaration.ignored_by.get(pattern) or f"{declaration.source}: ignore {pattern}"
