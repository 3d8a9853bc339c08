"""The checks before anything starts; they load little, so that the confirmation appears immediately."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from setpoint.errors import BadRequest
from setpoint_tools.testing.serving import functions

_INSTALLED = "google-api-python-client, which `make .venv/.dev` installs"


def check(root: Path) -> list[str]:
    """The functions of a checkout.

    Raises:
        BadRequest: this is not a checkout, or something that the system needs is not installed.
    """
    names = functions(root)
    if not names:
        raise BadRequest(f"{root}: there is no functions/*/main.py; run this in the root of a checkout of Setpoint")
    if importlib.util.find_spec("googleapiclient") is None:
        raise BadRequest(f"the fake of Google's APIs needs {_INSTALLED}")
    return names


def empty(folder: Path) -> None:
    """Remove the store and the logs that an earlier run has left in its folder, and nothing else."""
    for file in (*folder.glob("setpoint.db*"), *folder.glob("*.log"), folder / "fleet" / "fleet.yaml"):
        file.unlink(missing_ok=True)
