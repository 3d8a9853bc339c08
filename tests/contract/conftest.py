from __future__ import annotations

import pytest

from setpoint.testing.pubsub import PubSubProject


@pytest.fixture
def pubsub(pubsub_project):
    project = PubSubProject(pubsub_project)
    yield project
    project.close()
