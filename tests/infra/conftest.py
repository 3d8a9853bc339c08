from __future__ import annotations

from typing import Any

import pytest

import setpoint
from infra.functions_archive import commit, copy_repository
from infra.options import BASE, EVERYTHING
from infra.standin import mirror
from infra.standin.states import States
from infra.workspace import Standins, Workspace


@pytest.fixture(scope="session")
def standins(tmp_path_factory) -> Standins:
    """What stands in for providers and backend, for all workspaces of this process."""
    return Standins(mirror.write(tmp_path_factory.mktemp("mirror")), States())


@pytest.fixture(scope="session")
def repository(tmp_path_factory) -> str:
    """The address of the module in a repository of Git with one version, for Terraform."""
    folder, version = copy_repository(tmp_path_factory.mktemp("repository")), f"v{setpoint.__version__}"
    return f"{commit(folder, version)}//infra?ref={version}"


@pytest.fixture(scope="module")
def module(tmp_path_factory, standins) -> Workspace:
    """The module as a root, for the tests of a file."""
    return Workspace.of_module(tmp_path_factory.mktemp("module"), standins)


@pytest.fixture(scope="session")
def everything(tmp_path_factory, standins) -> tuple[Workspace, dict[str, Any]]:
    """A module with everything switched on, and its plan where there is no installation yet."""
    module = Workspace.of_module(tmp_path_factory.mktemp("everything"), standins)
    return module, module.plan({**BASE, **EVERYTHING})


@pytest.fixture(scope="session")
def planned_everything(everything) -> dict[str, Any]:
    """The plan of an installation with everything switched on, where there is none yet."""
    return everything[1]
