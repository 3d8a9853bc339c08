"""Known places: projects, folders and organizations of the inventory, of rules, of findings and of declarations."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Protocol

from setpoint.detection.declared_keys import declared_keys
from setpoint.model.declaration import Scope
from setpoint.model.policy import Policy
from setpoint.model.resource_key import project_of
from setpoint.model.source_grants import Sources
from setpoint.ports.stores import DesiredStore, ProjectStore, StateStore, SweepStore, readable_sweeps
from setpoint.util.external_sort import batches

_BATCH = 300
"""The number of records in one read."""
_GLOB = frozenset("*?[")


class PlaceStore(StateStore, DesiredStore, ProjectStore, Protocol):
    """A store with records that name places."""

    @property
    def sweeps(self) -> SweepStore:
        """The records of sweeps."""


class NamedPlace(NamedTuple):
    """A place that a document names.

    Args:
        place: ``projects/ID``, ``folders/NUMBER`` or ``organizations/NUMBER``.
        subject: what names it, for people.
        where: file and line of the document.
    """

    place: str
    subject: str
    where: str


def of_policy(policy: Policy | None) -> Iterator[NamedPlace]:
    """The places that the rules of a policy name; a glob names none."""
    for rule in policy.rules if policy is not None else ():
        for place in _places(rule.match.projects, rule.match.ancestors):
            yield NamedPlace(place, f"rule {rule.name}", str(policy.source) if policy is not None else "")


def of_scopes(scopes: Iterable[Scope]) -> Iterator[NamedPlace]:
    """The places that scopes and their exceptions name."""
    for scope in scopes:
        named = [(scope.projects, scope.ancestors)]
        named += [(selection.projects, selection.ancestors) for selection in scope.exceptions]
        for projects, ancestors in named:
            for place in _places(projects, ancestors):
                yield NamedPlace(place, f"scope {scope.name}", str(scope.source))


def of_sources(sources: Sources | None) -> Iterator[NamedPlace]:
    """The places where sources may declare."""
    for grant in sources.grants if sources is not None else ():
        for place in _places(grant.projects, grant.ancestors):
            yield NamedPlace(place, f"source {grant.name}", str(sources.source) if sources is not None else "")


def of_projects(projects: Iterable[tuple[str, str]], subject: str) -> Iterator[NamedPlace]:
    """The places of projects, with the location of each."""
    for project, where in projects:
        for place in _places((project,), ()):
            yield NamedPlace(place, subject, where)


def _places(projects: Iterable[str], ancestors: Iterable[str]) -> Iterator[str]:
    yield from (f"projects/{project}" for project in projects if _GLOB.isdisjoint(project))
    yield from ancestors


def listed_kinds(store: PlaceStore) -> frozenset[str]:
    """The kinds of places of which a sweep has listed all, so that no others exist, such as ``folders``.

    Empty before the first sweep has ended.
    """
    sweeps = readable_sweeps(store.sweeps)
    if any(sweep.places for sweep in sweeps):
        return frozenset(("projects", "folders", "organizations"))
    is_listed = any(sweep.summary is not None and sweep.summary.listed for sweep in sweeps)
    return frozenset(("projects",)) if is_listed else frozenset()


def unknown(places: Collection[str], store: PlaceStore) -> set[str]:
    """The unknown places; cheap records are read first, and no more than needed.

    Args:
        places: ``projects/ID``, ``projects/NUMBER``, ``folders/NUMBER``, ``organizations/NUMBER``.
        store: the store.
    """
    left = set(places)
    for known in (_listed(left, store), _named_in_force(store), _of_findings(store), _of_declarations(store)):
        for place in known if left else ():
            left.discard(place)
            if not left:
                break
    return left


def is_known(place: str, store: PlaceStore) -> bool:
    """Whether anything is known of a place."""
    return not unknown((place,), store)


def nearest(project: str, store: PlaceStore) -> str:
    """The known project with the most similar id; empty if none is similar."""
    known = {place.removeprefix("projects/") for place in (*_of_findings(store), *_of_declarations(store))}
    return next(iter(difflib.get_close_matches(project, known, n=1, cutoff=0.75)), "")


def _listed(places: Collection[str], store: PlaceStore) -> Iterator[str]:
    """Those of the places that a sweep has listed, or that have an id or a number."""
    for sweep in readable_sweeps(store.sweeps):
        yield from sweep.places
    for place in list(places):
        project = place.removeprefix("projects/")
        if project == place:
            continue
        if store.project_id(project) if project.isdecimal() else store.project_number(project):
            yield place


def _named_in_force(store: DesiredStore) -> Iterator[str]:
    """The places that documents in force name: what was applied before is not refused now."""
    for source in store.control().value.sources.values():
        named = (*of_policy(source.policy), *of_scopes(source.scopes), *of_sources(source.grants))
        yield from (name.place for name in named)


def _of_findings(store: PlaceStore) -> Iterator[str]:
    for state in store.states(drifted=True, problems=[]):
        if state.finding is not None:
            yield from state.finding.ancestors
            yield from _spellings(state.finding.project, store)


def _of_declarations(store: PlaceStore) -> Iterator[str]:
    """Projects of declared resources: by their names, then by what declarations say."""
    for key in declared_keys(store):
        yield from _spellings(project_of(key.name), store)
    for keys in batches(declared_keys(store), _BATCH):
        for record in store.records(keys).values():
            for version in record.value.versions:
                for declaration in version.declarations:
                    yield from _spellings(declaration.project, store)


def _spellings(project: str, store: ProjectStore) -> Iterator[str]:
    """A project by what it is named by, and by its id where that is a number."""
    if project:
        yield f"projects/{project}"
    if project.isdecimal() and (identifier := store.project_id(project)):
        yield f"projects/{identifier}"
