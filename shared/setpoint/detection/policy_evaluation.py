"""Evaluate the policy of the fleet for a drift: severity, remediation mode and grace period."""

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
    """The result of a policy for a drift.

    Args:
        severity: ``low`` to ``critical``.
        mode: the remediation mode.
        settle: the grace period in seconds before the drift becomes a finding.
        rule: the policy rule that applied, or None.
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
    """Evaluate the policy for a drift.

    Args:
        fleet_policy: the policy; None for the defaults.
        declaration: the declaration or scope of the drift.
        observation: the observation.
        kind: the kind of the drift.
        differences: the differing fields.
        actor: the actor behind the drift; None if unknown.
    """
    declared = declaration.project if isinstance(declaration, Declaration) else ""
    severity = policy.severity(kind, observation.key.content, differences, own_project(declared, observation))
    rule = None
    if fleet_policy is not None:
        rule = policies.first_match(fleet_policy, case_of(declaration, observation, kind, severity, differences, actor))
    severity = rule.severity if rule is not None and rule.severity is not None else severity
    mode = policies.more_restrictive(rule.mode if rule is not None else None, declaration.mode)
    settle = rule.settle if rule is not None and rule.settle is not None else declaration.settle
    if settle is None:
        settle = policy.settling_seconds(kind, observation.key.content, severity, observation.data)
    return PolicyOutcome(severity, mode, settle, rule)


def applier_delay(fleet_policy: Policy | None, actor: Actor | None) -> float:
    """The grace period in seconds for a drift by an applier; 0 for other actors."""
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
    """A drift as input of policy rules; the arguments are those of ``evaluate_policy``."""
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
