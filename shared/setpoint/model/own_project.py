"""The project that holds a resource, as the comparison needs it."""

from __future__ import annotations

from setpoint.model.observation import Observation
from setpoint.model.references import Project
from setpoint.model.resource_key import project_of


def own_project(declared: str, observation: Observation) -> Project:
    """The resource's project by id and number, from whichever of the declaration and the observation knows it."""
    identifier, number = project_of(observation.key.name), observation.project_number
    if identifier.isdigit():
        identifier, number = "", identifier
    identifier = identifier or observation.project_id
    if declared:
        if declared.isdigit():
            number = number or declared
        else:
            identifier = identifier or declared
    return Project(identifier, number, ancestors=observation.ancestors)
