"""What the policy of a fleet makes of a drift: its severity, what may be done, how long it has to last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from setpoint.model import policy as policies
from setpoint.model import severity as policy
from setpoint.model.actors import Actor
from setpoint.model.declaration import Declaration, Mode, Scope
from setpoint.model.difference import Difference
from setpoint.model.labels import labels_of
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project
from setpoint.model.policy import Policy, PolicyInput, Rule
from setpoint.model.resource_key import project_of
from setpoint.model.severity import Kind, Severity


class PolicyOutcome(NamedTuple):
    """What becomes of a drift.

    Args:
        severity: ``low`` to ``critical``.
        mode: what may be done about it.
        settle: seconds that it has to last before it is a finding.
        rule: the rule of the policy that said so, or None.
    """

    severity: Severity
    mode: Mode
    settle: float
    rule: Rule | None


def evaluate_policy(
    fleet_policy: Policy | None,
    declaration: Declaration | Scope,
    observation: Observation,
    kind: Kind,
    differences: Sequence[Difference],
    *,
    actor: str = "",
) -> PolicyOutcome:
    """What a policy, or none, makes of a drift.

    Args:
        fleet_policy: the policy.
        declaration: the declaration or scope that the drift is from.
        observation: what was observed.
        kind: the kind of the drift.
        differences: what differs.
        actor: who has changed it, where that is known.
    """
    declared = declaration.project if isinstance(declaration, Declaration) else ""
    severity = policy.severity(kind, observation.key.content, differences, own_project(declared, observation))
    rule = None
    if fleet_policy is not None:
        rule = policies.first_match(fleet_policy, case_of(declaration, observation, kind, severity, differences, actor))
    severity = rule.severity if rule is not None and rule.severity is not None else severity
    mode = policies.more_careful(rule.mode if rule is not None else None, declaration.mode)
    settle = rule.settle if rule is not None and rule.settle is not None else declaration.settle
    if settle is None:
        settle = policy.settling_seconds(kind, observation.key.content, severity, observation.data)
    return PolicyOutcome(severity, mode, settle, rule)


def applier_delay(fleet_policy: Policy | None, actor: Actor | None) -> float:
    """Seconds that a drift has to last because an applier is behind it."""
    return (
        fleet_policy.applier_grace
        if fleet_policy is not None and actor is not None and actor.kind == "applier"
        else 0.0
    )


def case_of(
    declaration: Declaration | Scope,
    observation: Observation,
    kind: Kind,
    severity: Severity,
    differences: Sequence[Difference],
    actor: str = "",
) -> PolicyInput:
    """A drift as the rules of a policy look at it; the arguments are those of ``evaluate_policy``."""
    own = (observation.project_id, observation.project_number, project_of(observation.key.name))
    return PolicyInput(
        asset_type=observation.asset_type,
        content=observation.key.content,
        kind=kind,
        severity=severity,
        team=declaration.owner.team,
        projects=frozenset(filter(None, own)),
        ancestors=observation.ancestors,
        labels=labels_of(observation.data) if isinstance(observation.data, dict) else {},
        paths=tuple(difference.path for difference in differences),
        actor=actor,
    )
