"""Permissions of sources: what each may declare and carry, from the installation's ``Sources`` document.

A source is a folder of the declarations bucket, or a name that a user with write access to the store passed to the
command line. Its permissions never depend on its own files, and the place of a resource comes from the inventory.
Without a ``Sources`` document sources are not restricted.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.model import globs
from setpoint.model.declaration import Declaration, FleetPart, Owner, Scope, Source
from setpoint.model.observation import Observation
from setpoint.model.policy import Limits, Policy
from setpoint.model.resource_key import ResourceKey, project_of

INSTALLATION = "setpoint"
"""The installation's own source: only it may hold the ``Sources`` document, and it is not restricted."""

Carried = Literal["policy", "limits", "alerting", "scopes", "ignore"]
"""What a source may carry besides declarations."""

Standing = Literal["may", "may_not", "unknown"]
"""Whether a source may declare a resource; unknown while the place of the resource is unknown."""


class SourceGrant(msgspec.Struct, frozen=True, omit_defaults=True):
    """The permissions of a source.

    Args:
        name: the source's name, which is its folder in the declarations bucket.
        uploaders: the principals that upload it, for people; the bucket's IAM conditions enforce it.
        everywhere: whether it may declare resources anywhere, including unknown places.
        projects: ids or numbers of the projects where it may declare.
        ancestors: ``folders/NUMBER`` and ``organizations/NUMBER`` where it may declare, at any distance below.
        asset_types: types that it may declare, or globs; empty for all.
        carries: documents that the source may carry besides declarations.
        teams: owners that its declarations may name, or globs; empty for its own name.
    """

    name: str
    uploaders: tuple[str, ...] = ()
    everywhere: bool = False
    projects: tuple[str, ...] = ()
    ancestors: tuple[str, ...] = ()
    asset_types: tuple[str, ...] = ()
    carries: tuple[Carried, ...] = ()
    teams: tuple[str, ...] = ()


class Sources(msgspec.Struct, frozen=True, omit_defaults=True):
    """The sources of an installation.

    Args:
        grants: the permissions of each source; a source without an entry has none.
        owner: the team that is alerted about refused declarations.
        source: the location of the document; not part of the digest.
    """

    grants: tuple[SourceGrant, ...] = ()
    owner: Owner = Owner()
    source: Source = Source()

    def grant(self, source: str) -> SourceGrant | None:
        """The permissions of a source; None without an entry.

        A Terraform state is a source with its URL as name: the longest entry that is a prefix of the URL counts.
        """
        named = next((grant for grant in self.grants if grant.name == source), None)
        if named is not None or "://" not in source:
            return named
        above = (
            grant for grant in self.grants if "://" in grant.name and source.startswith(f"{grant.name.rstrip('/')}/")
        )
        return max(above, key=lambda grant: len(grant.name), default=None)


class Location(NamedTuple):
    """The place of a resource, from the inventory.

    Args:
        projects: id and number of its project, as far as known.
        ancestors: its project, folders and organization; empty if unknown.
    """

    projects: frozenset[str] = frozenset()
    ancestors: tuple[str, ...] = ()


def location_of(observation: Observation) -> Location:
    """The place of an observed resource."""
    names = (observation.project_number, observation.project_id, project_of(observation.key.name))
    return Location(frozenset(filter(None, names)), observation.ancestors)


def location_by_name(key: ResourceKey) -> Location:
    """The place of a resource without an observation: its full name may contain the project."""
    return Location(frozenset(filter(None, (project_of(key.name),))))


class PermissionResult(NamedTuple):
    """Whether a source has a permission.

    Args:
        standing: the answer.
        reason: why it has not, for people.
    """

    standing: Standing
    reason: str = ""


NOT_LISTED = "is not listed in the Sources document"
"""What is said of a source that the document does not name."""
_MAY = PermissionResult("may")


def may_declare(sources: Sources | None, source: str, asset_type: str, location: Location) -> PermissionResult:
    """Whether a source may declare a resource of a type in a place."""
    if sources is None or source == INSTALLATION:
        return _MAY
    grant = sources.grant(source)
    if grant is None:
        return PermissionResult("may_not", f"source {source} {NOT_LISTED}")
    if grant.asset_types and not globs.matches(grant.asset_types, asset_type):
        return PermissionResult("may_not", f"source {source} may not declare {asset_type}")
    return _by_place(grant, location)


def may_declare_observed(sources: Sources, source: str, observation: Observation) -> PermissionResult:
    """Whether a source may declare an observed resource; the same as ``may_declare``, for the event path."""
    grant = sources.grant(source)
    if grant is not None and grant.everywhere and not grant.asset_types:
        return _MAY
    return may_declare(sources, source, observation.asset_type, location_of(observation))


def _by_place(grant: SourceGrant, location: Location) -> PermissionResult:
    if grant.everywhere or not location.projects.isdisjoint(grant.projects):
        return _MAY
    if not set(grant.ancestors).isdisjoint(location.ancestors):
        return _MAY
    if not _is_known(grant, location):
        return PermissionResult("unknown", f"it is not known whether it is located in a place of source {grant.name}")
    where = f"project {min(location.projects)}" if location.projects else location.ancestors[0]
    return PermissionResult("may_not", f"source {grant.name} may not declare in {where}")


def _is_known(grant: SourceGrant, location: Location) -> bool:
    """Whether a place is known well enough to be outside of a grant."""
    if grant.ancestors and not location.ancestors:
        return False
    if not location.projects:
        return bool(location.ancestors)  # a resource above projects
    known = {project.isdigit() for project in location.projects}
    return {project.isdigit() for project in grant.projects} <= known  # an unknown id may belong to a granted number


def may_carry(sources: Sources | None, source: str, what: Carried) -> bool:
    """Whether a source may carry a policy, limits, alerting, scopes or ignore rules."""
    if sources is None or source == INSTALLATION:
        return True
    grant = sources.grant(source)
    return grant is not None and what in grant.carries


def policy_of(sources: Sources | None, source: str, policy: Policy | None) -> Policy | None:
    """The policy of a source if it may carry one; without permission for limits it has the default limits."""
    if policy is None or not may_carry(sources, source, "policy"):
        return None
    return policy if may_carry(sources, source, "limits") else replace(policy, limits=Limits())


def scopes_of(sources: Sources | None, source: str, scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The scopes of a source if it may carry them, restricted to its places."""
    if not scopes or not may_carry(sources, source, "scopes"):
        return ()
    grant = sources.grant(source) if sources is not None and source != INSTALLATION else None
    if grant is None:
        return scopes
    within = FleetPart(grant.projects, grant.ancestors, grant.asset_types, grant.everywhere)
    keeps = may_carry(sources, source, "ignore")
    return tuple(replace(scope, within=within, ignores=scope.ignores if keeps else ()) for scope in scopes)


def declarations_of(
    sources: Sources | None, source: str, declarations: tuple[Declaration, ...]
) -> tuple[Declaration, ...]:
    """The declarations of a source, without ignore rules where it may not carry them."""
    if not any(declaration.ignore for declaration in declarations) or may_carry(sources, source, "ignore"):
        return declarations
    return tuple(
        replace(declaration, ignore=(), ignored_by={}) if declaration.ignore else declaration
        for declaration in declarations
    )


def may_name(sources: Sources | None, source: str, team: str) -> bool:
    """Whether a source's declarations may name a team as owner, which rules and approvers depend on."""
    if sources is None or source == INSTALLATION or not team:
        return True
    grant = sources.grant(source)
    return grant is not None and (globs.matches(grant.teams, team) if grant.teams else team == grant.name)


def may_hold(
    sources: Sources | None, source: str, declaration: Declaration, asset_type: str, location: Location
) -> PermissionResult:
    """Whether a source may make a declaration.

    Args:
        sources: the current ``Sources`` document; None without restriction.
        source: the source of the declaration.
        declaration: the declaration.
        asset_type: the resource's type from the inventory; the declared type without an observation.
        location: the place of the resource.
    """
    answer = may_declare(sources, source, asset_type, location)
    if answer.standing != "may_not" and not may_name(sources, source, declaration.owner.team):
        return PermissionResult("may_not", f"source {source} may not name {declaration.owner.team} as the owner")
    return answer
