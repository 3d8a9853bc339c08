"""The project of a resource, as input of the comparison."""

from __future__ import annotations

from functools import lru_cache

from setpoint.model.observation import Observation, project_number
from setpoint.model.references import Project
from setpoint.model.resource_key import project_of


def own_project(declared: str, observation: Observation) -> Project:
    """The resource's project by id and number, from the declaration and the observation."""
    return _project(declared, project_of(observation.key.name), observation.project_id, observation.ancestors)


@lru_cache(maxsize=1024)
def _project(declared: str, named: str, known: str, ancestors: tuple[str, ...]) -> Project:
    """A project from the declaration, the resource's name, other sources and its ancestors."""
    identifier, number = named, project_number(ancestors[0]) if ancestors else ""
    if identifier.isdigit():
        identifier, number = "", identifier
    identifier = identifier or known
    if declared:
        if declared.isdigit():
            number = number or declared
        else:
            identifier = identifier or declared
    return Project(identifier, number, ancestors=ancestors)
