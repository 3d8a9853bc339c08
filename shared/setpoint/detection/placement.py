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


def other_project(declaration: Declaration, observation: Observation) -> Difference | None:
    """That a declaration names another project than the one that the resource is in; None where it does not.

    Rules, approvers and limits go by the inventory's; the declaration has to be mended before anything is written.
    """
    declared = declaration.project
    if not declared or declared == project_of(observation.key.name) or observation.asset_type.endswith(_ABOVE):
        return None
    known = observation.project_number if declared.isdigit() else observed_id(observation)
    if not known or known == declared:
        return None
    return Difference("project", "changed", declared, known, kind="authority")
