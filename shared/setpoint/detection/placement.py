"""Determine the project of a resource: the inventory's project counts, and a declaration with another is at fault."""

from __future__ import annotations

from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.resource_key import project_of

_ABOVE = ("/Project", "/Folder", "/Organization")
"""Types whose manifests may be in another project than the resource."""


def project(declaration: Declaration, observation: Observation) -> str:
    """The id of the observed project; the declared project if the inventory names none."""
    known = observed_id(observation)
    if known:
        return known
    declared, number = declaration.project, observation.project_number
    return number if number and declared.isdigit() else declared or number


def observed_id(observation: Observation) -> str:
    """The id of the project from the inventory; empty if only the number is known, or nothing."""
    named = project_of(observation.key.name)
    return named if named and not named.isdigit() else observation.project_id


def other_project(declaration: Declaration, observation: Observation, home: str = "") -> Difference | None:
    """A difference if a declaration means a resource in another project; None if the projects match.

    Rules, approvers and limits follow the inventory's project; the declaration must be fixed before any write.

    Args:
        declaration: the declaration.
        observation: the observation.
        home: number of the recorded project, for a declaration that names none.
    """
    declared = declaration.project
    if declared and declared == project_of(observation.key.name):
        return None  # the usual case
    if observation.asset_type.endswith(_ABOVE):
        return None
    number = observation.project_number
    known = number if declared.isdigit() else observed_id(observation)
    if not declared or not known:  # then it must stay in its recorded project
        declared, known = home, number
    if not declared or not known or known == declared:
        return None
    return Difference("project", "changed", declared, known, kind="authority")


def is_at_fault(declaration: Declaration, observation: Observation, home: str) -> bool:
    """Whether a declaration means another project, or a part of it is not translated; see ``other_project``."""
    return bool(declaration.unchecked) or other_project(declaration, observation, home) is not None


def elsewhere(reading: Observation) -> str:
    """Why a resource read through its API is not in the project of the inventory; empty if it is."""
    number = reading.data.get("projectNumber") if isinstance(reading.data, dict) else None
    if number is None or not reading.project_number or reading.asset_type.endswith(_ABOVE):
        return ""
    if str(number) == reading.project_number:
        return ""
    return f"its API says that it is in project {number}, and the inventory that it is in {reading.project_number}"
