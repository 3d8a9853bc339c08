"""Suppressed differences: they are stored with their rule, and evaluated again when the rules change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from setpoint.comparison import recorded_values
from setpoint.detection import restoration
from setpoint.model import field_path, ignore_patterns, policy, severity
from setpoint.model.declaration import Declaration, Mode
from setpoint.model.difference import Difference
from setpoint.model.policy import Policy
from setpoint.model.suppressed import Suppressed


def whole(declarations: Iterable[Declaration]) -> str:
    """The rule by which all of a resource's declarations are ignored; empty if there is none."""
    rule = ""
    for declaration in declarations:
        if ignore_patterns.ALL not in declaration.ignore:
            return ""
        rule = rule or ignore_patterns.rule_of(declaration, ignore_patterns.ALL)
    return rule


def suppressed(declaration: Declaration, differences: Sequence[Difference]) -> tuple[Suppressed, ...]:
    """Differences that a declaration ignores, each with the rule."""
    return tuple(
        Suppressed(ignore_patterns.rule_of(declaration, _pattern(declaration, difference)), difference=difference)
        for difference in differences
    )


UNDECLARED_CHANGE = "recorded in the state, and not known to be declared"
"""The rule that suppresses changes to values that a state recorded and no one declared."""
LIGHT = "nobody declares it, and it does not matter to security"
"""The rule by which a change of an undeclared value is not drift."""


def without_undeclared_changes(
    declaration: Declaration, differences: Sequence[Difference]
) -> tuple[tuple[Difference, ...], tuple[Suppressed, ...]]:
    """The differences that are reported, and the undeclared changes of recorded values that are only kept."""
    return without_light(declaration, recorded_values.marked(differences, declaration.recorded), UNDECLARED_CHANGE)


def without_light(
    declaration: Declaration, differences: Iterable[Difference], reason: str = LIGHT
) -> tuple[tuple[Difference, ...], tuple[Suppressed, ...]]:
    """The differences that are reported, and the undeclared changes that are only kept.

    An undeclared change is reported if its meaning is severe: access, encryption, logging. It is remediated only where
    the policy asks for it (`mode_for`).
    """
    kept, quiet = [], []
    for difference in differences:
        if difference.kind == "undeclared_change" and not _is_severe(declaration, difference):
            quiet.append(Suppressed(f"{declaration.source}: {reason}", difference=difference))
        else:
            kept.append(difference)
    return tuple(kept), tuple(quiet)


def mode_for(
    differences: Sequence[Difference], mode: Mode, declaration: Declaration, fleet_policy: Policy | None
) -> Mode:
    """The remediation mode of a drift: a faulty declaration is never remediated, undeclared changes where asked for."""
    return policy.more_restrictive(mode, "alert") if why_manual(differences, declaration, fleet_policy) else mode


def why_manual(differences: Sequence[Difference], declaration: Declaration, fleet_policy: Policy | None) -> str:
    """Why a drift is not remediated whatever mode the rules say, for people; empty if it may be."""
    kinds = {difference.kind for difference in differences}
    if "authority" in kinds:
        return "the declaration itself is at fault"
    if kinds == {"undeclared_change"} and not any(
        restoration.may_remediate(difference, declaration, fleet_policy) for difference in differences
    ):
        return "nobody declares what differs, and the policy asks for none of it in `undeclared: remediate`"
    return ""


_SEVERE = frozenset(("high", "critical"))


def _is_severe(declaration: Declaration, difference: Difference) -> bool:
    return severity.severity("modified", declaration.key.content, (difference,)) in _SEVERE


def _pattern(declaration: Declaration, difference: Difference) -> str:
    """The pattern that covers a difference or a part of it; a list is reported as a whole."""
    patterns = declaration.ignore
    pattern = ignore_patterns.covering(difference.path, patterns)
    if pattern is None:
        head = field_path.readable(difference.path)[:1]
        pattern = next((candidate for candidate in patterns if field_path.parse(candidate)[:1] == head), patterns[0])
    return pattern
