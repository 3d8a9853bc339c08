from __future__ import annotations

import pytest

from remediation.fleet import World


@pytest.fixture
def world(google_apis, google_rest) -> World:
    google_apis.journal.clear()
    return World(google_apis, google_rest)


@pytest.fixture
def drifted(world) -> World:
    """A bucket that has drifted, of which nobody has heard yet."""
    world.declare()
    world.drift()
    return world
