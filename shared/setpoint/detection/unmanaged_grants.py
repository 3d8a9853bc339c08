"""IAM as a whole: in a scope with ``contents: [iam_policy]`` a resource may have its declared grants and no others.

What the scope adds is one declaration beside those of the resource: the union of their grants, as the whole policy. It
is there for resources without any declaration too. Its mode is at most ``alert``, unless the policy asks for removal.
"""

from __future__ import annotations

from msgspec.structs import replace

from setpoint.detection import scopes
from setpoint.model import lifecycle
from setpoint.model.declaration import Declaration, Desired, Owner, Scope, desired
from setpoint.model.fleet_rules import Rules, with_policy
from setpoint.model.observation import Observation


def with_scope(wanted: Desired | None, rules: Rules, observation: Observation) -> Desired | None:
    """What is desired of a resource's IAM policy, with what its scope adds.

    Args:
        wanted: the declarations; None if there are none.
        rules: the rules of the fleet.
        observation: the observation.
    """
    if observation.key.content != "iam_policy" or not rules.scopes:
        return wanted
    if observation.deleted or not isinstance(observation.data, dict) or lifecycle.is_gone(observation.data):
        return wanted
    declarations = wanted.declarations if wanted is not None else ()
    if any(declaration.authority == "policy" for declaration in declarations):
        return wanted
    scope = scopes.scope_of_grants(rules, observation)
    if scope is None:
        return wanted
    mode = scope.mode if may_remove(rules) or scope.mode == "off" else "alert"
    whole = _whole(scope, declarations, observation)
    return desired((*declarations, replace(whole, mode=mode, owner=_owner(scope, wanted, rules, observation))))


def may_remove(rules: Rules) -> bool:
    """Whether the policy asks for the removal of undeclared grants."""
    return rules.policy is not None and rules.policy.undeclared.grants == "remove"


def _whole(scope: Scope, declarations: tuple[Declaration, ...], observation: Observation) -> Declaration:
    """The union of the declared grants, as the whole policy."""
    first = declarations[0] if declarations else None
    return Declaration(
        key=observation.key,
        asset_type=observation.asset_type,
        data={"bindings": [part for declaration in declarations for part in declaration.data.get("bindings") or ()]},
        project=first.project if first is not None else "",
        exact=scope.strict,
        ignore=tuple(pattern for declaration in declarations for pattern in declaration.ignore),
        source=scope.source,
        settle=scope.settle,
        by_scope=scope.name,
    )


def _owner(scope: Scope, wanted: Desired | None, rules: Rules, observation: Observation) -> Owner:
    """The owner of the declared grants, by itself or by the policy's defaults; otherwise that of the scope."""
    declarations = with_policy(wanted, rules, observation).declarations if wanted is not None else ()
    return next((declaration.owner for declaration in declarations if declaration.owner != Owner()), scope.owner)
