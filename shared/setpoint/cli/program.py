"""The name that this process was called by, so that commands in messages can be copied unchanged."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from pathlib import Path

_NAME = "setpoint"


@cache
def program() -> str:
    """``setpoint`` where the shell finds it by that name, else the words that called this process."""
    called = sys.argv[0] if sys.argv else ""
    path = Path(called)
    if path.name == "__main__.py" and path.parent.name == _NAME:
        return f"{Path(sys.executable).name} -m {_NAME}"
    if path.name != _NAME or os.sep not in called:
        return _NAME
    by_name = shutil.which(_NAME)
    if by_name is not None and Path(by_name).resolve() == path.resolve():
        return _NAME
    return min(called, os.path.relpath(called), key=len)


def as_called(text: str) -> str:
    """A message whose commands name the program as it was called."""
    return text.replace(f"`{_NAME} ", f"`{program()} ")
