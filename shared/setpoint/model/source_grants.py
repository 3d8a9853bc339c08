"""What each source may declare and carry, by the installation's ``Sources`` document.

A source is a folder of the declarations bucket, or a name that somebody with rights on the store gave to the command
line. What it may do is never read from anything that it writes: its places are looked up by what the inventory tells of
a resource. Without a ``Sources`` document all sources are one: nothing bounds them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.model import globs
from setpoint.model.declaration import Declaration, Owner, Places, Scope, Source
from setpoint.model.observation import Observation
from setpoint.model.policy import Limits, Policy
from setpoint.model.resource_key import ResourceKey, project_of

INSTALLATION = "setpoint"
"""The installation's own source: it alone may hold the ``Sources`` document, and nothing bounds it."""

Carried = Literal["policy", "limits", "alerting", "scopes", "ignore"]
"""What a source may carry besides declarations."""

Standing = Literal["may", "may_not", "unknown"]
"""Whether a source may declare a resource; unknown where nobody knows yet where the resource lies."""


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one source may do.

    Args:
        name: the source's name, which is its folder in the declarations bucket.
        uploaders: who uploads it, for people; the bucket's IAM conditions enforce it.
        everywhere: it may declare resources anywhere, whatever is known of where they lie.
        projects: project ids or numbers in which it may declare.
        ancestors: ``folders/NUMBER`` and ``organizations/NUMBER`` below which it may declare, at any distance.
        asset_types: types that it may declare, or globs; all where empty.
        carries: what it may carry besides declarations.
        teams: owners that its declarations may name, or globs; its own name where empty.
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
    """All sources of an installation.

    Args:
        grants: what each source may do; a source that is not listed may do nothing.
        owner: who is told of what a source tried and may not.
        source: where it is written; no part of a digest.
    """

    grants: tuple[Grant, ...] = ()
    owner: Owner = Owner()
    source: Source = Source()

    def grant(self, source: str) -> Grant | None:
        """What a source may do; None where it is not listed.

        A Terraform state is a source named by its URL: the longest listed URL that it is below counts.
        """
        named = next((grant for grant in self.grants if grant.name == source), None)
        if named is not None or "://" not in source:
            return named
        above = (
            grant for grant in self.grants if "://" in grant.name and source.startswith(f"{grant.name.rstrip('/')}/")
        )
        return max(above, key=lambda grant: len(grant.name), default=None)


class Location(NamedTuple):
    """Where a resource lies, by what the inventory tells.

    Args:
        projects: id and number of its project, as far as they are known.
        ancestors: its project, folders and organisation; empty where they are not known.
    """

    projects: frozenset[str] = frozenset()
    ancestors: tuple[str, ...] = ()


def location_of(observation: Observation) -> Location:
    """Where an observed resource lies."""
    names = (observation.project_number, observation.project_id, project_of(observation.key.name))
    return Location(frozenset(filter(None, names)), observation.ancestors)


def location_by_name(key: ResourceKey) -> Location:
    """Where a resource lies that was never observed: its full name may tell the project."""
    return Location(frozenset(filter(None, (project_of(key.name),))))


class Answer(NamedTuple):
    """Whether a source may do something.

    Args:
        standing: the answer.
        reason: why not, in words.
    """

    standing: Standing
    reason: str = ""


_MAY = Answer("may")


def may_declare(sources: Sources | None, source: str, asset_type: str, location: Location) -> Answer:
    """Whether a source may declare a resource of a type that lies there."""
    if sources is None or source == INSTALLATION:
        return _MAY
    grant = sources.grant(source)
    if grant is None:
        return Answer("may_not", f"source {source} is not listed in the Sources document")
    if grant.asset_types and not globs.fits(grant.asset_types, asset_type):
        return Answer("may_not", f"source {source} may not declare {asset_type}")
    return _by_place(grant, location)


def may_declare_observed(sources: Sources, source: str, observation: Observation) -> Answer:
    """Whether a source may declare an observed resource; the same as ``may_declare``, for the event path."""
    grant = sources.grant(source)
    if grant is not None and grant.everywhere and not grant.asset_types:
        return _MAY
    return may_declare(sources, source, observation.asset_type, location_of(observation))


def _by_place(grant: Grant, location: Location) -> Answer:
    if grant.everywhere or not location.projects.isdisjoint(grant.projects):
        return _MAY
    if not set(grant.ancestors).isdisjoint(location.ancestors):
        return _MAY
    if not _is_known(grant, location):
        return Answer("unknown", f"it is not known whether it is located in a place of source {grant.name}")
    where = f"project {min(location.projects)}" if location.projects else location.ancestors[0]
    return Answer("may_not", f"source {grant.name} may not declare in {where}")


def _is_known(grant: Grant, location: Location) -> bool:
    """Whether enough is known of where a resource lies to say that it is in no place of a grant."""
    if grant.ancestors and not location.ancestors:
        return False
    if not location.projects:
        return bool(location.ancestors)  # above all projects
    known = {project.isdigit() for project in location.projects}
    return {project.isdigit() for project in grant.projects} <= known  # an id may be that of a number


def may_carry(sources: Sources | None, source: str, what: Carried) -> bool:
    """Whether a source may carry a policy, limits, alerting, scopes or ignore rules."""
    if sources is None or source == INSTALLATION:
        return True
    grant = sources.grant(source)
    return grant is not None and what in grant.carries


def policy_of(sources: Sources | None, source: str, policy: Policy | None) -> Policy | None:
    """The policy of a source as far as it may carry one; without the right to limits it has the default ones."""
    if policy is None or not may_carry(sources, source, "policy"):
        return None
    return policy if may_carry(sources, source, "limits") else replace(policy, limits=Limits())


def scopes_of(sources: Sources | None, source: str, scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The scopes of a source as far as it may carry them, in its places only."""
    if not scopes or not may_carry(sources, source, "scopes"):
        return ()
    grant = sources.grant(source) if sources is not None and source != INSTALLATION else None
    if grant is None:
        return scopes
    within = Places(grant.projects, grant.ancestors, grant.asset_types, grant.everywhere)
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
    """Whether a source's declarations may name a team as the owner: rules and approvers are chosen by it."""
    if sources is None or source == INSTALLATION or not team:
        return True
    grant = sources.grant(source)
    return grant is not None and (globs.fits(grant.teams, team) if grant.teams else team == grant.name)


def may_hold(
    sources: Sources | None, source: str, declaration: Declaration, asset_type: str, location: Location
) -> Answer:
    """Whether a source may declare what a declaration says of a resource.

    Args:
        sources: the document in force.
        source: the source that declares it.
        declaration: what it declares.
        asset_type: the resource's type, as the inventory tells it; as declared where it was never observed.
        location: where it lies.
    """
    answer = may_declare(sources, source, asset_type, location)
    if answer.standing != "may_not" and not may_name(sources, source, declaration.owner.team):
        return Answer("may_not", f"source {source} may not name {declaration.owner.team} as the owner")
    return answer
