"""What speaks for or against the claim that a controller made a resource: the audit log, and the parents that exist."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from setpoint.detection import actor_resolution, auto_created_resources
from setpoint.detection.auto_created_resources import AutoCreatedRule
from setpoint.detection.parent_index import NOTHING_LISTED, ParentIndex
from setpoint.model.actors import Actor, AuditedChange
from setpoint.model.change_history import effective
from setpoint.model.controller_claims import ControllerClaim
from setpoint.model.identity import created_at, identity_of, is_other
from setpoint.model.observation import Observation
from setpoint.ports.stores import Snapshot

_CREATES = ("create", "insert", "bulkinsert", "import", "clone", "restore", "upload", "undelete", "recreate")
"""How methods begin that make a resource: ``v1.compute.instances.insert``, ``…Publisher.CreateTopic``."""
_LATE = timedelta(minutes=15)
"""The longest time between the end of a request and the time of creation that the service gives."""


class Evidence(NamedTuple):
    """Where the evidence about a claim is looked up; nothing of it is read before a claim needs it.

    Args:
        creator: who made a resource, by the audit log; None if that is unknown.
        parents: the parents that are known to exist.
        before: what an open finding has recorded of the claim; entries of the audit log are not kept as long.
    """

    creator: Callable[[Observation], Actor | None] = lambda _: None
    parents: Callable[[], ParentIndex] = lambda: NOTHING_LISTED
    before: Callable[[Observation], ControllerClaim | None] = lambda _: None

    def of(self, rule: AutoCreatedRule, observation: Observation) -> ControllerClaim:
        """What is known of a claim.

        Args:
            rule: the rule by which the resource needs no declaration.
            observation: the resource.
        """
        claimed = auto_created_resources.claimed(rule, observation)
        evidence = claimed.evidence if claimed is not None else "name, label or text"
        actor = None if rule.is_by_caller else self.creator(observation)
        if actor is not None and actor.kind != "google":
            return ControllerClaim(rule.reason, evidence, proof="made_otherwise")
        before = self.before(observation) if actor is None else None
        if before is not None and before.proof == "made_otherwise":
            return before
        return self.parents().check(rule.reason, claimed, observation)


NO_EVIDENCE = Evidence()


def evidence_of(snapshot: Snapshot, parents: Callable[[], ParentIndex]) -> Evidence:
    """The evidence about a resource with these stored records.

    Args:
        snapshot: the stored records, with the changes in audit logs.
        parents: gives the parents that are known to exist.
    """

    def creator(observation: Observation) -> Actor | None:
        made = [change for change in snapshot.changes if change.principal and _made(change, observation)]
        actors = [actor_resolution.actor_by(change, snapshot.rules.policy) for change in made]
        return next((actor for actor in actors if actor.kind == "google"), actors[-1] if actors else None)

    def before(observation: Observation) -> ControllerClaim | None:
        state = snapshot.state
        finding = state.finding if state is not None else None
        if state is None or finding is None or finding.status == "resolved":
            return None
        return None if is_other(state.identity, identity_of(observation.data)) else finding.claim

    return Evidence(creator, parents, before)


def _made(change: AuditedChange, observation: Observation) -> bool:
    """Whether a change is the creation of the observed resource, and not of an earlier one of the same name.

    A change of an existing resource is not evidence: each login to a node writes its metadata.
    """
    if not change.method.rpartition(".")[2].lower().startswith(_CREATES):
        return False
    if change.requested_at > observation.observed_at + actor_resolution.SKEW:
        return False
    created = created_at(observation.data)
    if created is None:
        return True
    return change.requested_at - actor_resolution.SKEW <= created <= effective(change) + _LATE
