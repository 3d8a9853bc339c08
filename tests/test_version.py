from __future__ import annotations

from importlib.metadata import version

import setpoint


def test_the_version_is_that_of_the_distribution() -> None:
    assert version("setpoint") == setpoint.__version__
