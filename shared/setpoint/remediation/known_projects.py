"""Known projects: those of declarations, of findings, and of observations."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Protocol

from setpoint.model.resource_key import ResourceKey, project_of
from setpoint.ports.stores import DesiredStore, ProjectStore, StateStore
from setpoint.util.external_sort import batches

_BATCH = 300
"""The number of records in one read."""


class Projects(StateStore, DesiredStore, ProjectStore, Protocol):
    """A store with records that name projects."""


def is_known(project: str, store: Projects) -> bool:
    """Whether a project is known.

    Args:
        project: its id or number.
        store: the store; declarations are read only if no name settles the answer.
    """
    if project.isdecimal() and (store.project_id(project) or is_known_place(f"projects/{project}", store)):
        return True
    return any(project in (known, _id(known, store)) for known in _known(store))


def is_known_place(place: str, store: Projects) -> bool:
    """Whether a finding exists in a project, a folder or an organization.

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
    """The known project with the most similar id; empty if none is similar."""
    return next(iter(difflib.get_close_matches(project, set(_known(store)), n=1, cutoff=0.75)), "")


def _known(store: Projects) -> Iterator[str]:
    """Projects by id or number, with duplicates; cheap sources first."""
    for state in store.states(drifted=True, problems=[]):
        if state.finding is not None:
            yield state.finding.project
    yield from filter(None, (project_of(key.name) for key in _declared(store)))
    for keys in batches(_declared(store), _BATCH):
        for record in store.records(keys).values():
            for version in record.value.versions:
                yield from (declaration.project for declaration in version.declarations)


def _id(project: str, store: ProjectStore) -> str:
    """The id of a project by its number; empty if unknown."""
    return store.project_id(project) if project.isdecimal() else ""


def _declared(store: DesiredStore) -> Iterator[ResourceKey]:
    for source, state in store.control().value.sources.items():
        yield from (key for key, _ in store.manifest(source, state.generation))
