"""Count the undeclared resources of a scope that need no declaration, with the evidence of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from setpoint.detection import scopes
from setpoint.detection.claim_evidence import evidence_of
from setpoint.detection.parent_index import ParentLookup
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.model.controller_claims import ControllerClaim, CountedClaim
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.outcome import Outcome
from setpoint.model.sweep_records import MAX_CLAIMS, Shard
from setpoint.ports.stores import Snapshot

_UNPROVED = ", as its name, label or text says"
"""Added to a creator of which a claim is the only evidence."""


class AutoCreatedCounts:
    """The counts of a shard.

    Args:
        shard: has the counts of its earlier pages.
        rules: the rules of the fleet.
        projects: ids and numbers of projects.
        parents: the resources that controllers make others for.
    """

    def __init__(self, shard: Shard, rules: Rules, projects: ProjectIdResolver, parents: ParentLookup) -> None:
        self.created_by: Counter[str] = Counter(shard.created_by)
        self._claims = Counter({counted.claim: counted.count for counted in shard.claims})
        self._rules = rules
        self._projects = projects
        self._parents = parents

    def add(self, observation: Observation, outcome: Outcome) -> None:
        """Count a listed undeclared resource, if it is in a scope and has another creator.

        One that is ``settling`` counts if its claim is refuted, and is a finding soon.
        """
        if not self._rules.scopes:
            return
        seen = self._projects.with_project_id(observation)
        coverage = scopes.explain(self._rules, seen)
        if not coverage.created_by:
            return
        if coverage.claim is None and outcome == "settling":
            return
        if coverage.claim is None:
            self.created_by[coverage.created_by] += 1
            return
        # Who made it is not asked for: a claim that the audit log refutes is a finding by now.
        snapshot = Snapshot(seen.key, None, self._rules, None, None)
        claim = evidence_of(snapshot, self._parents.index).of(coverage.claim, seen)
        if claim.is_refuted != (outcome == "settling"):
            return
        self._claims[bounded(claim, self._claims)] += 1
        if not claim.is_refuted:
            self.created_by[f"{claim.creator}{'' if claim.proof == 'exists' else _UNPROVED}"] += 1

    @property
    def claims(self) -> tuple[CountedClaim, ...]:
        """The claims with their numbers."""
        return counted(self._claims)


def bounded(claim: ControllerClaim, known: Counter[ControllerClaim]) -> ControllerClaim:
    """A claim, or the same without its parent where too many others are counted already."""
    return claim if claim in known or len(known) < MAX_CLAIMS else replace(claim, parent="", reason="")


def counted(claims: Counter[ControllerClaim]) -> tuple[CountedClaim, ...]:
    """Claims with their numbers, the most frequent first."""
    return tuple(CountedClaim(claim, count) for claim, count in claims.most_common())


def together(shards: Iterable[Shard]) -> tuple[CountedClaim, ...]:
    """The claims of all shards of a sweep, with their numbers."""
    claims: Counter[ControllerClaim] = Counter()
    for shard in shards:
        for entry in shard.claims:
            claims[bounded(entry.claim, claims)] += entry.count
    return counted(claims)
