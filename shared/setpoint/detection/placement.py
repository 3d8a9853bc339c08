"""Which project a resource is in: the inventory tells it, and a declaration that says otherwise is at fault."""

from __future__ import annotations

from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.resource_key import project_of

_ABOVE = ("/Project", "/Folder", "/Organization")
"""Types whose manifests may lie in a project that they are not."""


def project(declaration: Declaration, observation: Observation) -> str:
    """The project by its id where the inventory tells it; the declared one for as long as the inventory tells none."""
    known = observed_id(observation)
    if known:
        return known
    declared, number = declaration.project, observation.project_number
    return number if number and declared.isdigit() else declared or number


def observed_id(observation: Observation) -> str:
    """The id of the project by what the inventory tells; empty where only the number is known, or nothing."""
    named = project_of(observation.key.name)
    return named if named and not named.isdigit() else observation.project_id


def other_project(declaration: Declaration, observation: Observation, home: str = "") -> Difference | None:
    """That a declaration means a resource in another project than the one that it is in; None where it does not.

    Rules, approvers and limits go by the inventory's; the declaration has to be mended before anything is written.

    Args:
        declaration: what is declared.
        observation: what was observed.
        home: number of the project in which the resource was before, where the declaration cannot tell.
    """
    if observation.asset_type.endswith(_ABOVE):
        return None
    number, declared = observation.project_number, declaration.project
    if declared and declared == project_of(observation.key.name):
        return None
    known = number if declared.isdigit() else observed_id(observation)
    if not declared or not known:  # then it has to stay where it was
        declared, known = home, number
    if not declared or not known or known == declared:
        return None
    return Difference("project", "changed", declared, known, kind="authority")


def elsewhere(reading: Observation) -> str:
    """Why a resource that was read from its API is not where the inventory saw it, in words; empty where it is."""
    number = reading.data.get("projectNumber") if isinstance(reading.data, dict) else None
    if number is None or not reading.project_number or reading.asset_type.endswith(_ABOVE):
        return ""
    if str(number) == reading.project_number:
        return ""
    return f"its API says that it is in project {number}, and the inventory that it is in {reading.project_number}"
