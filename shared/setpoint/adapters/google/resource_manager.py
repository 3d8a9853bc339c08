"""Look up projects in Cloud Resource Manager: their ids and ancestors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from setpoint.errors import AccessDenied, Refused, Unavailable
from setpoint.model.write_plan import Call
from setpoint.ports.services import ResourceApi

_API = "https://cloudresourcemanager.googleapis.com/v3"
"""https://cloud.google.com/resource-manager/reference/rest/v3/projects/get and …/folders/get"""
_DEEPEST = 12
"""Folders above a project; Google allows ten levels (https://cloud.google.com/resource-manager/docs/limits)."""


class ResourceManager:
    """``ProjectDirectory`` and ``ProjectPlaces`` over Cloud Resource Manager v3.

    Args:
        open_apis: opens Google's APIs; called with the first lookup, since most processes need none.
    """

    def __init__(self, open_apis: Callable[[], ResourceApi]) -> None:
        self._open_apis = open_apis

    @cached_property
    def _apis(self) -> ResourceApi:
        return self._open_apis()

    def project_id(self, number: str) -> str:
        """See ``ProjectDirectory.project_id``.

        The API answers 403 both for a missing project and for one that the caller may not see.
        """
        permission = "resourcemanager.projects.get"
        call = Call("cloudresourcemanager.projects.get", "GET", f"{_API}/projects/{number}", permission=permission)
        try:
            body = self._apis.read(call)
        except (AccessDenied, Refused):
            return ""
        identifier = body.get("projectId") if isinstance(body, dict) else None
        return identifier if isinstance(identifier, str) else ""

    def ancestors(self, number: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
        """See ``ProjectPlaces.ancestors``."""
        above = [f"projects/{number}"]
        while not above[-1].startswith("organizations/") and len(above) <= _DEEPEST:
            try:
                parent = self._parent(above[-1])
            except AccessDenied:
                if len(above) == 1 or above[-1] not in known:
                    raise
                return (*above, *known[known.index(above[-1]) + 1 :])
            if not parent:
                break  # a project without an organization
            above.append(parent)
        return tuple(above)

    def _parent(self, name: str) -> str:
        """The folder or organization above a project or folder; empty for none."""
        kind = name.partition("/")[0]
        permission = f"resourcemanager.{kind}.get"
        body = self._apis.read(Call(f"cloudresourcemanager.{kind}.get", "GET", f"{_API}/{name}", permission=permission))
        if not isinstance(body, dict):
            raise Unavailable(f"{name}: Cloud Resource Manager does not show it")
        parent = body.get("parent", "")
        return parent if isinstance(parent, str) else ""
