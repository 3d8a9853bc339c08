"""The project that a number is of, by elimination: for feeds from files, where nobody can be asked.

A recorded feed often holds policies and not the project itself. Where one number is not known and all declarations
are of one project whose number is not known, nothing is left but that the two are one. That is an assumption: it is
told, it is kept by this process alone, and what waits goes on waiting for the project's own asset.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import project_of
from setpoint.ports.stores import DesiredStore, ProjectStore
from setpoint.util.external_sort import batches

_AT_ONCE = 300
"""Records that are read together."""


class Assumed(NamedTuple):
    """What was assumed.

    Args:
        number: of the project.
        identifier: its id.
        outcomes: what became of each observation that waits for it.
    """

    number: str
    identifier: str
    outcomes: tuple[Outcome, ...]


class Declared(DesiredStore, ProjectStore, Protocol):
    """A store of declarations and of projects."""


def assume(numbers: Collection[str], context: Context) -> Assumed | None:
    """Judge what waits for the only number that is not known as of the only project that is declared.

    Args:
        numbers: of all projects that a feed names and nobody knows.
        context: the context of detection.

    Returns:
        What was assumed; None where more than one project may be meant, or none.

    Raises:
        TransientError: observe again.
    """
    if len(numbers) != 1:
        return None
    number = next(iter(numbers))
    identifier = _only_project(context.store)
    if not identifier or context.store.project_number(identifier):
        return None
    context.projects.assume(number, identifier)
    waiting = context.store.names.waiting_for(f"projects/{number}")
    return Assumed(number, identifier, tuple(pipeline.reevaluate(key, context) for key in waiting))


def _only_project(store: Declared) -> str:
    """The id of the project that all declarations are of; empty where there are several, or none."""
    identifiers: set[str] = set()
    for source, state in store.control().value.sources.items():
        for keys in batches((key for key, _ in store.manifest(source, state.generation)), _AT_ONCE):
            for record in store.records(keys).values():
                for version in record.value.versions:
                    identifiers.update(
                        declaration.project or project_of(declaration.key.name) for declaration in version.declarations
                    )
            identifiers.discard("")
            if len(identifiers) > 1:
                return ""
    return next((name for name in identifiers if not name.isdigit()), "")
