"""Infer a project's id from its number by elimination, for recorded feeds without a directory to ask.

A recorded feed often holds policies but not the project itself. If exactly one number is unknown, and all declarations
are in one project whose number is unknown, the two are the same project. This is an assumption: it is reported, it is
kept in this process only, and deferred observations stay deferred until the project's own asset is observed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

from setpoint.detection.declared_keys import declared_keys
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.model.resource_key import ResourceKey, project_of
from setpoint.ports.stores import DesiredStore, ProjectStore, Store
from setpoint.util.external_sort import batches

_BATCH = 300
"""The number of records in one read."""


class AssumedProject(NamedTuple):
    """An assumed project id.

    Args:
        number: the project's number.
        identifier: the assumed id.
        waiting: the resources whose observation was deferred for it.
    """

    number: str
    identifier: str
    waiting: tuple[ResourceKey, ...]


class Declared(DesiredStore, ProjectStore, Protocol):
    """A store of declarations and of projects."""


def assume(numbers: Collection[str], store: Store, projects: ProjectIdResolver) -> AssumedProject | None:
    """Take the only unknown number for that of the only declared project; what waits for it is to be evaluated then.

    Args:
        numbers: the numbers of all projects in the feed without a known id.
        store: the declarations, and the projects that are known.
        projects: takes the assumption.

    Returns:
        The assumption; None if the project is not unique.

    Raises:
        TransientError: the store is unavailable; observe again.
    """
    if len(numbers) != 1:
        return None
    number = next(iter(numbers))
    identifier = _only_project(store)
    if not identifier or store.project_number(identifier):
        return None
    projects.assume(number, identifier)
    return AssumedProject(number, identifier, tuple(store.names.waiting_for(f"projects/{number}")))


def _only_project(store: Declared) -> str:
    """The id of the only declared project; empty if there are several, or none."""
    identifiers: set[str] = set()
    for keys in batches(declared_keys(store), _BATCH):
        for record in store.records(keys).values():
            for version in record.value.versions:
                identifiers.update(
                    declaration.project or project_of(declaration.key.name) for declaration in version.declarations
                )
        identifiers.discard("")
        if len(identifiers) > 1:
            return ""
    return next((name for name in identifiers if not name.isdigit()), "")
