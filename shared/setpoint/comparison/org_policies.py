"""Compare organization policies, constraint by constraint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from setpoint.comparison import compare as comparing
from setpoint.comparison.masking import HIDING, Masking
from setpoint.model import field_path
from setpoint.model.difference import Difference
from setpoint.model.org_policy_constraints import KINDS, by_constraint
from setpoint.model.references import Project


def compare(
    declared: Mapping[str, Any], observed: Any, own: Project, *, exact: bool, masking: Masking = HIDING
) -> tuple[Difference, ...]:
    """The differences of the declared constraints; with ``exact``, of all constraints on the resource.

    A declared policy is owned as a whole: an additional allowed value is drift.
    """
    want, have = by_constraint(declared), by_constraint(observed)
    differences: list[Difference] = []
    for constraint, policy in want.items():
        path = _path(constraint)
        if constraint not in have:
            differences.append(Difference(path, "missing", declared=_rules(policy)))
            continue
        inner = comparing.compare(_rules(policy), _rules(have[constraint]), own=own, exact=True, masking=masking)
        if not inner and _does_another_thing(policy, have[constraint]):
            differences.append(Difference(path, "changed", _rules(policy), _rules(have[constraint])))
        differences += [msgspec.structs.replace(difference, path=f"{path}.{difference.path}") for difference in inner]
    if exact:
        extra = sorted(have.keys() - want.keys())
        differences += [Difference(_path(path), "unexpected", observed=_rules(have[path])) for path in extra]
    return tuple(map(masking.policy, differences))


def _path(constraint: str) -> str:
    return field_path.text((field_path.ROOT, field_path.element("constraint", constraint)))


def _does_another_thing(declared: Mapping[str, Any], observed: Mapping[str, Any]) -> bool:
    """Whether two empty policies differ in effect: a disabled flag does not restore the default."""
    want, have = KINDS & declared.keys(), KINDS & observed.keys()
    return bool(want and have) and want != have


def _rules(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in policy.items() if key != "constraint"}
