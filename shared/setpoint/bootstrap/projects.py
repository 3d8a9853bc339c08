"""What tells which project a number is of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from setpoint.bootstrap.settings import from_environment

if TYPE_CHECKING:
    from setpoint.adapters.google.resource_manager import ResourceManager
    from setpoint.ports.services import ProjectDirectory, ProjectPlaces, ResourceApi


def project_directory() -> ProjectDirectory:
    """Cloud Resource Manager; its credentials are looked for with the first question."""
    return _resource_manager()


def project_places() -> ProjectPlaces:
    """The same, asked where a project is."""
    return _resource_manager()


def _resource_manager() -> ResourceManager:
    from setpoint.adapters.google.resource_manager import ResourceManager

    def open_resource_manager() -> ResourceApi:
        from setpoint.adapters.google.rest import open_apis

        return open_apis(from_environment(os.environ).google_apis)

    return ResourceManager(open_resource_manager)
