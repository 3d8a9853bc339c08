"""Say what of a resource is watched: what is declared, its last known good values, and what is exactly as declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison import coverage_gaps
from setpoint.detection import scopes, undeclared_changes
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.last_known_good import unpack
from setpoint.model.observation import Observation
from setpoint.model.resource_key import WHOLE
from setpoint.model.resource_state import ResourceState
from setpoint.util.counts import counted


class WatchedFields(NamedTuple):
    """What of a resource is watched.

    Args:
        declared: the number of declared fields; for an IAM policy, of grants.
        compared: the number of those that are compared.
        good: the number of last known good values; None where none are kept.
        why_none: why none are kept; empty where they are.
        exact: what is exactly as declared: ``all``, or paths or roles.
        scope: the scope that makes the declared grants the whole.
    """

    declared: int
    compared: int
    good: int | None
    why_none: str = ""
    exact: tuple[str, ...] = ()
    scope: str = ""

    def __str__(self) -> str:
        fields = counted(self.declared, "declared field") if self.declared else "nothing declared"
        if self.compared < self.declared:
            fields += f", {self.declared - self.compared:,} of them not compared"
        parts = [fields]
        if self.good is not None:
            parts.append(counted(self.good, "last known good value"))
        elif self.why_none:
            parts.append(f"no last known good values: {self.why_none}")
        if self.exact:
            parts.append(f"exact: {', '.join(self.exact)}{f', by scope {self.scope}' if self.scope else ''}")
        return " · ".join(parts)


def watching_of(
    desired: Desired | None, rules: Rules, state: ResourceState | None, last: Observation | None = None
) -> WatchedFields | None:
    """What of a resource is watched; None where nothing of it is declared and no scope makes its grants the whole.

    The arguments are those of ``watching``.
    """
    if desired is not None:
        return watching(desired, rules, state, last)
    scope = _scope(rules, state, last)
    return WatchedFields(0, 0, None, exact=("all",), scope=scope) if scope else None


def watching(
    desired: Desired, rules: Rules, state: ResourceState | None, last: Observation | None = None
) -> WatchedFields:
    """What of a declared resource is watched.

    Args:
        desired: what is declared.
        rules: the rules of the fleet.
        state: the record of the resource; None if it was never observed.
        last: its last observation, which says where a resource without a finding is; None if that is not known.
    """
    declarations = desired.declarations
    covered = [
        coverage_gaps.coverage(declaration, default_catalogue().fitting(declaration.asset_type, declaration.data))
        if declaration.key.content in WHOLE
        else coverage_gaps.coverage(declaration, None)
        for declaration in declarations
    ]
    declared = sum(coverage.declared for coverage in covered)
    compared = declared - sum(len(coverage.gaps) for coverage in covered)
    if declarations[0].key.content not in WHOLE:
        scope = _scope(rules, state, last)
        return WatchedFields(declared, compared, None, exact=_exact_policy(declarations, scope), scope=scope)
    stored = unpack(state.last_good) if state is not None else None
    why_none = _why_none(desired, rules, state) if stored is None else ""
    exact = ("all",) if any(part.exact for part in declarations) else ()
    paths = tuple(dict.fromkeys(path for part in declarations for path in part.exhaustive_paths))
    return WatchedFields(
        declared, compared, len(stored.values) if stored is not None else None, why_none, exact or paths
    )


def _why_none(desired: Desired, rules: Rules, state: ResourceState | None) -> str:
    """Why no last known good values of a resource are kept."""
    if any(part.exact for part in desired.declarations):
        return ""
    if not undeclared_changes.is_watched(desired, rules.policy):
        is_off = rules.policy is not None and rules.policy.undeclared.report == "off"
        return "the policy switches them off" if is_off else "it is declared in parts, or ignored"
    return "it was not observed yet" if state is None else "they are taken with the next observation"


def _exact_policy(declarations: Sequence[Declaration], scope: str) -> tuple[str, ...]:
    """What of a policy is exactly as declared: all of it, or roles."""
    if scope or any(part.authority == "policy" and part.key.content == "iam_policy" for part in declarations):
        return ("all",)
    if declarations[0].key.content != "iam_policy":
        return ("all",) if any(part.exact for part in declarations) else ()
    roles = (
        str(binding.get("role"))
        for part in declarations
        if part.authority == "role"
        for binding in part.data.get("bindings") or ()
    )
    return tuple(dict.fromkeys(roles))


def _scope(rules: Rules, state: ResourceState | None, last: Observation | None) -> str:
    """The name of the scope that makes the grants of a resource the whole; empty if there is none, or none is known."""
    if state is None or state.key.content != "iam_policy":
        return ""
    if last is None:
        if state.finding is None:
            return ""
        last = Observation(
            state.key,
            state.asset_type,
            state.observed_at,
            ancestors=state.finding.ancestors,
            project_id=state.finding.project,
        )
    scope = scopes.scope_of_grants(rules, last)
    return scope.name if scope is not None else ""
