"""Which projects are known: to what is declared, to what has drifted, and to what was observed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Protocol

from setpoint.model.resource_key import ResourceKey, project_of
from setpoint.ports.stores import DesiredStore, ProjectStore, StateStore
from setpoint.util.external_sort import batches

_BATCH = 300
"""Records that are read together."""


class Projects(StateStore, DesiredStore, ProjectStore, Protocol):
    """A store that knows of projects in each of its parts."""


def is_known(project: str, store: Projects) -> bool:
    """Whether something is known to be in a project.

    Args:
        project: its id or number.
        store: the store; names are read first, and declarations only where no name tells.
    """
    if project.isdecimal() and (store.project_id(project) or is_known_place(f"projects/{project}", store)):
        return True
    return any(project in (known, _id(known, store)) for known in _known(store))


def is_known_place(place: str, store: Projects) -> bool:
    """Whether something that drifts or has drifted is known to be in a project, a folder or an organisation.

    Args:
        place: ``projects/NUMBER``, ``folders/NUMBER`` or ``organizations/NUMBER``.
        store: the store.
    """
    rules = store.read(ResourceKey(f"//cloudresourcemanager.googleapis.com/{place}")).rules
    named = [scope.ancestors for scope in rules.scopes]
    named += [grant.ancestors for grant in rules.sources.grants] if rules.sources is not None else []
    named += [rule.match.ancestors for rule in rules.policy.rules] if rules.policy is not None else []
    if any(place in ancestors for ancestors in named):
        return True
    states = store.states(drifted=True, problems=[])
    return any(state.finding is not None and place in state.finding.ancestors for state in states)


def nearest(project: str, store: Projects) -> str:
    """The known project that a misspelt id is nearest to; empty where none is near."""
    return next(iter(difflib.get_close_matches(project, set(_known(store)), n=1, cutoff=0.75)), "")


def _known(store: Projects) -> Iterator[str]:
    """Projects by id or number, some of them again and again; cheap sources first."""
    for state in store.states(drifted=True, problems=[]):
        if state.finding is not None:
            yield state.finding.project
    yield from filter(None, (project_of(key.name) for key in _declared(store)))
    for keys in batches(_declared(store), _BATCH):
        for record in store.records(keys).values():
            for version in record.value.versions:
                yield from (declaration.project for declaration in version.declarations)


def _id(project: str, store: ProjectStore) -> str:
    """The id of a project that is known by its number; empty where nobody knows it."""
    return store.project_id(project) if project.isdecimal() else ""


def _declared(store: DesiredStore) -> Iterator[ResourceKey]:
    for source, state in store.control().value.sources.items():
        yield from (key for key, _ in store.manifest(source, state.generation))
