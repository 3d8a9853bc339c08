from __future__ import annotations

import pytest

from remediation.fleet import World


@pytest.fixture
def world(apis_in_process, rest_in_process) -> World:
    apis_in_process.journal.clear()
    return World(apis_in_process, rest_in_process)


@pytest.fixture
def drifted(world) -> World:
    """A bucket that has drifted, of which nobody has heard yet."""
    world.declare()
    world.drift()
    return world
