"""Cloud Resource Manager: what the project with a number is called."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from setpoint.errors import AccessDenied, Refused
from setpoint.model.write_plan import Call
from setpoint.ports.services import ResourceApi

_PROJECTS = "https://cloudresourcemanager.googleapis.com/v3/projects"
"""https://cloud.google.com/resource-manager/reference/rest/v3/projects/get"""


class ResourceManager:
    """``ProjectDirectory`` over Cloud Resource Manager v3.

    Args:
        open_apis: opens Google's APIs; called with the first question, since most processes never ask one.
    """

    def __init__(self, open_apis: Callable[[], ResourceApi]) -> None:
        self._open_apis = open_apis

    @cached_property
    def _apis(self) -> ResourceApi:
        return self._open_apis()

    def project_id(self, number: str) -> str:
        """See ``ProjectDirectory.project_id``.

        The API answers 403 for a project that does not exist as for one that the caller may not see.
        """
        permission = "resourcemanager.projects.get"
        call = Call("cloudresourcemanager.projects.get", "GET", f"{_PROJECTS}/{number}", permission=permission)
        try:
            body = self._apis.read(call)
        except (AccessDenied, Refused):
            return ""
        identifier = body.get("projectId") if isinstance(body, dict) else None
        return identifier if isinstance(identifier, str) else ""
