"""The verdict on an undeclared resource: whether a scope requires a declaration."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from setpoint.detection import actor_resolution, policy_evaluation
from setpoint.detection.claim_evidence import NO_EVIDENCE, Evidence
from setpoint.detection.observation_digests import judging_digest
from setpoint.detection.parent_index import GRACE
from setpoint.detection.scopes import ScopeCoverage
from setpoint.detection.verdict_model import ActorLookup, Verdict, fingerprint
from setpoint.model import lifecycle
from setpoint.model.actors import Actor
from setpoint.model.controller_claims import ControllerClaim
from setpoint.model.declaration import Scope
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.severity import Kind
from setpoint.model.suppressed import Suppressed


def judge(
    coverage: ScopeCoverage, rules: Rules, observation: Observation, who: ActorLookup, evidence: Evidence = NO_EVIDENCE
) -> Verdict | Literal["undeclared"]:
    """The verdict on an undeclared resource.

    Args:
        coverage: the scope that covers it, and why it may be exempt.
        rules: the rules of the fleet.
        observation: the resource.
        who: looks up the actor behind a drift.
        evidence: what speaks for or against the claim of its controller.
    """
    claim = _refuted(coverage, observation, evidence)
    if coverage.scope is None or (coverage.created_by and claim is None):
        return "undeclared"
    if observation.deleted or lifecycle.is_gone(observation.data):
        return _verdict_of(coverage.scope, rules, observation, None, ())
    if coverage.rule:
        return _verdict_of(coverage.scope, rules, observation, None, (Suppressed(coverage.rule, "unmanaged"),))
    actor = who(fingerprint("unmanaged", ()), judging_digest(None, rules))
    verdict = _verdict_of(coverage.scope, rules, observation, "unmanaged", (), actor)
    if claim is None:
        return verdict
    wait = GRACE.total_seconds() if claim.proof == "missing" else 0.0
    return replace(verdict, claim=claim, settle=max(verdict.settle, wait))


def _refuted(coverage: ScopeCoverage, observation: Observation, evidence: Evidence) -> ControllerClaim | None:
    """The claim of a resource's controller, if it is known to be wrong."""
    if coverage.claim is None or observation.deleted:
        return None
    claim = evidence.of(coverage.claim, observation)
    return claim if claim.is_refuted else None


def _verdict_of(
    scope: Scope,
    rules: Rules,
    observation: Observation,
    kind: Kind | None,
    suppressed: tuple[Suppressed, ...],
    actor: Actor | None = None,
) -> Verdict:
    """A verdict on an undeclared resource."""
    policy_outcome = policy_evaluation.evaluate_policy(
        rules.policy, scope, observation, "unmanaged", (), actor=actor_resolution.confident_principal(actor)
    )
    return Verdict(
        kind=kind,
        differences=(),
        difference_count=0,
        fingerprint=fingerprint(kind, ()) if kind else "",
        severity=policy_outcome.severity if kind else "low",
        owner=scope.owner,
        mode=policy_outcome.mode,
        project=observation.project,
        source=scope.source,
        judged_by=judging_digest(None, rules),
        settle=max(policy_outcome.settle, policy_evaluation.applier_delay(rules.policy, actor)) if kind else 0.0,
        suppressed=suppressed,
        actor=actor,
    )
