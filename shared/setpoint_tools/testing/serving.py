"""A function served by functions-framework, in processes of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol, Self

from setpoint_tools.testing.polling import poll

_UP_SECONDS = 120.0
_HTTP = "@functions_framework.http"


def functions(root: Path) -> list[str]:
    """The functions of a checkout."""
    return sorted(path.parent.name for path in root.glob("functions/*/main.py"))


def is_http(root: Path, name: str) -> bool:
    """Whether a function is called with requests, not with events."""
    return _HTTP in (root / f"functions/{name}/main.py").read_text()


class Process(Protocol):
    """What is used of ``subprocess.Popen``."""

    @property
    def pid(self) -> int:
        """The process, which leads a group of its own."""
        ...

    def poll(self) -> int | None:
        """None while it runs."""
        ...

    def wait(self, timeout: float) -> int:
        """Wait until it has ended, at most so many seconds."""
        ...


Start = Callable[[Sequence[str], Mapping[str, str], IO[bytes]], Process]
"""Starts a program: its command, all of its environment, and where its output goes."""


def start_anew(command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Process:
    """Start a program as a shell does."""
    return subprocess.Popen(  # noqa: S603 - functions of the checkout
        command, env=environment, stdout=log, stderr=log, start_new_session=True
    )


class Served:
    """Serves ``functions/NAME`` on a port of the loopback until it is stopped, killed or left.

    Args:
        name: the function.
        port: the port.
        environment: variables besides those of this process.
        log: where its output goes.
        under: a program and its arguments that run the server instead of it being run itself.
        root: the checkout.
        start: starts the server.
    """

    def __init__(
        self,
        name: str,
        port: int,
        environment: Mapping[str, str],
        log: IO[bytes],
        under: Sequence[str] = (),
        root: Path = Path(__file__).parents[3],
        start: Start = start_anew,
    ) -> None:
        self._command = [
            *under,
            str(Path(sys.executable).with_name("functions-framework")),
            f"--target={name}",
            f"--source={root}/functions/{name}/main.py",
            f"--signature-type={'http' if is_http(root, name) else 'cloudevent'}",
            "--host=127.0.0.1",
            f"--port={port}",
        ]
        self.port = port
        self._environment = {**os.environ, **environment}
        self._log = log
        self._start = start
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGTERM)

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        self._process = self._start(self._command, self._environment, self._log)

    def wait(self) -> None:
        """Wait until it accepts connections.

        Raises:
            RuntimeError: it does not come up; its log says why.
        """
        poll(lambda: self._has_ended() or self._accepts(), _UP_SECONDS)
        if self._has_ended() or not self._accepts():
            self.stop(signal.SIGKILL)
            raise RuntimeError("functions-framework does not come up")

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _accepts(self) -> bool:
        """Whether somebody accepts connections on the port."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=60):
            return True
        return False

    @property
    def group(self) -> int:
        """The group of its processes, by which they are found in proc(5)."""
        return self._process.pid if self._process is not None else 0

    def kill(self) -> None:
        """End it and its workers at once, in the middle of whatever they do."""
        self.stop(signal.SIGKILL)

    def stop(self, how: signal.Signals) -> None:
        """End it and its workers; those that do not heed are killed."""
        if self._process is None:
            return
        for signal_ in (how, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal_)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
                break
        self._process = None
