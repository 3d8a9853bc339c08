"""Rules for the whole fleet rather than one resource; they are read with every event."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from setpoint.model.alerting_config import Alerting
from setpoint.model.compare_rules import CompareRule, rules_for
from setpoint.model.declaration import Declaration, Desired, Scope, Source, meaning
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


def with_compare_rules(desired: Desired, fleet: Rules) -> Desired:
    """The desired state, whose declarations are compared by the rules of the fleet's policy."""
    if fleet.policy is None or not fleet.policy.compare:
        return desired
    declarations = tuple(_ruled(declaration, fleet.policy.compare) for declaration in desired.declarations)
    return replace(desired, declarations=declarations)


def _ruled(declaration: Declaration, rules: tuple[CompareRule, ...]) -> Declaration:
    own = rules_for(rules, declaration.asset_type)
    return replace(declaration, compare=own) if own else declaration
