"""Determine which declarations of a resource count: those of permitted sources, unless two of them conflict."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from operator import is_

import msgspec
from msgspec.structs import replace

from setpoint.model import source_grants
from setpoint.model.declaration import Claim, Desired, clash
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.source_grants import Sources

DISPUTED = "declaration"
"""The path of the difference about two sources that declare the same resource."""


class RefusedClaim(msgspec.Struct, frozen=True):
    """A declaration that its source is not permitted to make.

    Args:
        source: the source's name.
        where: file and line.
        reason: why it is refused.
    """

    source: str
    where: str
    reason: str


class ClaimConflicts(msgspec.Struct, frozen=True):
    """The declarations of a resource that do not count.

    Args:
        refused: declarations by sources without permission for the resource's place, or whose permission is unknown.
        disputed: declarations by several permitted sources; none of them counts.
        digest: digest of all declarations, for the verdict.
    """

    refused: tuple[RefusedClaim, ...] = ()
    disputed: tuple[Claim, ...] = ()
    digest: str = ""

    def difference(self) -> Difference:
        """The dispute as a difference of the resource."""
        claims = " and ".join(sorted(f"source {claim.source} ({_where(claim)})" for claim in self.disputed))
        return Difference(DISPUTED, "changed", "by one source", f"by {claims}", kind="authority")


def settled(
    desired: Desired | None, sources: Sources | None, observation: Observation
) -> tuple[Desired | None, ClaimConflicts | None]:
    """Separate the declarations of an observed resource into those that count and those that do not.

    Args:
        desired: the declarations of all sources.
        sources: the permissions of each source; None if sources are not restricted.
        observation: the observation, with the resource's place and type.
    """
    if desired is None or sources is None or not desired.claims:
        return desired, None
    claims, refused = [], []
    for claim in desired.claims:
        reason = _refusal(claim, sources, observation)
        if reason:
            refused.append(RefusedClaim(claim.source, _where(claim), reason))
            continue
        bounded = source_grants.declarations_of(sources, claim.source, claim.declarations)
        claims.append(claim if bounded is claim.declarations else replace(claim, declarations=bounded))
    disputed = _disputed(claims) if len(claims) > 1 else ()
    if disputed:
        return None, ClaimConflicts(tuple(refused), disputed, desired.digest)
    if len(claims) == len(desired.claims) and all(map(is_, claims, desired.claims)):
        return desired, None
    counting = _joined(claims)
    return counting, ClaimConflicts(tuple(refused), (), desired.digest) if refused else None


def _refusal(claim: Claim, sources: Sources, observation: Observation) -> str:
    """Why a declaration of a source does not count; an undecided one counts as little as a refused one."""
    answer = source_grants.may_declare_observed(sources, claim.source, observation)
    if answer.standing != "may":
        return answer.reason
    teams = (declaration.owner.team for declaration in claim.declarations)
    team = next((team for team in teams if not source_grants.may_name(sources, claim.source, team)), "")
    return f"source {claim.source} may not name {team} as the owner" if team else ""


def _disputed(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """The conflicting declarations; if there are any, no declaration of the resource counts."""
    disputed: dict[str, Claim] = {}
    for first, other in combinations(claims, 2):
        if any(clash(ours, theirs) for ours in first.declarations for theirs in other.declarations):
            disputed |= {first.source: first, other.source: other}
    return tuple(disputed.values())


def _joined(claims: list[Claim]) -> Desired | None:
    if not claims:
        return None
    declarations = tuple(declaration for claim in claims for declaration in claim.declarations)
    return Desired(declarations, "+".join(claim.digest for claim in claims), tuple(claims))


def _where(claim: Claim) -> str:
    return claim.declarations[0].source.named
