"""Lookup of projects in Cloud Resource Manager."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from setpoint.bootstrap.settings import from_environment

if TYPE_CHECKING:
    from setpoint.adapters.google.resource_manager import ResourceManager
    from setpoint.ports.services import ProjectAncestors, ProjectDirectory, ResourceApi


def project_directory() -> ProjectDirectory:
    """Cloud Resource Manager; credentials are loaded by the first lookup."""
    return _resource_manager()


def project_ancestors() -> ProjectAncestors:
    """The lookup of a project's ancestors."""
    return _resource_manager()


def _resource_manager() -> ResourceManager:
    from setpoint.adapters.google.resource_manager import ResourceManager

    def open_resource_manager() -> ResourceApi:
        from setpoint.adapters.google.rest import open_apis

        return open_apis(from_environment(os.environ).google_apis)

    return ResourceManager(open_resource_manager)
