"""What the processes of test_forked do."""

from __future__ import annotations

import os
import signal
import sys


def show() -> None:
    sys.stdout.write(f"{sys.stdin.read()} {os.getcwd()} {dict(os.environ)}")  # noqa: PTH109 - as the process has it
    sys.stderr.write("warned")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
