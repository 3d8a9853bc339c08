"""Rules for the whole fleet rather than one resource; they are read with every event."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from setpoint.model.alerting_config import Alerting
from setpoint.model.compare_rules import CompareRule, rules_for
from setpoint.model.declaration import Declaration, Desired, Scope, Source, meaning
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy
from setpoint.model.source_grants import Sources


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rules of a fleet.

    Args:
        scopes: the parts of the fleet that are fully declared.
        digest: changes when any of them changes in meaning; a verdict stores the digest of the rules that applied.
        policy: severity and remediation of drifts; None for the defaults.
        alerting: routes and approvers; not part of the digest, since verdicts do not depend on it.
        sources: the permissions of each source; None if sources are not restricted.
    """

    scopes: tuple[Scope, ...] = ()
    digest: str = ""
    policy: Policy | None = None
    alerting: Alerting | None = None
    sources: Sources | None = None


def rules(
    scopes: tuple[Scope, ...],
    policy: Policy | None = None,
    alerting: Alerting | None = None,
    sources: Sources | None = None,
) -> Rules:
    """Build the rules of the fleet."""
    digest = meaning(scopes) if scopes else ""
    if policy is not None:
        digest += meaning((replace(policy, source=Source()),))
    if sources is not None:
        digest += meaning((replace(sources, source=Source()),))
    return Rules(scopes, digest, policy, alerting, sources)


def with_policy(desired: Desired, fleet: Rules, observation: Observation | None) -> Desired:
    """The desired state by the rules of the fleet's policy: how it is compared, and the defaults of its declarations.

    Args:
        desired: the desired state.
        fleet: the rules of the fleet.
        observation: what is known of the resource's place; None for nothing.
    """
    if fleet.policy is None or not (fleet.policy.compare or fleet.policy.defaults):
        return desired
    declarations = (_ruled(declaration, fleet.policy.compare) for declaration in desired.declarations)
    owned = (_with_defaults(declaration, fleet.policy, observation) for declaration in declarations)
    return replace(desired, declarations=tuple(owned))


def _ruled(declaration: Declaration, rules: tuple[CompareRule, ...]) -> Declaration:
    own = rules_for(rules, declaration.asset_type)
    return replace(declaration, compare=own) if own else declaration


def _with_defaults(declaration: Declaration, policy: Policy, observation: Observation | None) -> Declaration:
    """The declaration with the values of the first rule that fits."""
    if not policy.defaults:
        return declaration
    projects = (observation.project_id,) if observation is not None else ()
    folders = observation.ancestors if observation is not None else ()
    for index, rule in enumerate(policy.defaults):
        if rule.fits(declaration, projects, folders):
            return rule.applied(declaration, f"{policy.source}: defaults[{index}]")
    return declaration
