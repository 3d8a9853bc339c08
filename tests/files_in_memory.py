"""Keep the temporary files of a usual run in memory, as a plugin of pytest.

Thousands of databases are made, and each waits a few milliseconds for the disk, which no test is about: what a test
kills is a process, and not the machine. ``--basetemp`` or ``TMPDIR`` puts the files elsewhere.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
_FREE = 4 * 1024**3
_CHOSEN = ("PYTEST_DEBUG_TEMPROOT", "TMPDIR")


def pytest_configure(config: pytest.Config) -> None:
    """Before the first temporary file; the workers of pytest-xdist and all processes inherit it."""
    asked = config.getoption("basetemp") or any(map(os.environ.get, _CHOSEN))
    if asked or config.getoption("long") or not is_usable(_MEMORY):
        return
    os.environ.update(dict.fromkeys(_CHOSEN, str(_MEMORY)))
    tempfile.tempdir = None


def is_usable(folder: Path, free: int = _FREE) -> bool:
    """Whether files of a run fit into a folder, and programs among them may be run there."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize >= free and not room.f_flag & os.ST_NOEXEC
