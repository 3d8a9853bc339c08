from __future__ import annotations

from typing import Any

import pytest

from infra.options import BASE, EVERYTHING
from infra.standin import mirror
from infra.standin.states import States
from infra.workspace import Standins, Workspace


@pytest.fixture(scope="session")
def standins(tmp_path_factory) -> Standins:
    """What stands in for providers and backend, for all workspaces of this process."""
    return Standins(mirror.write(tmp_path_factory.mktemp("mirror")), States())


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
