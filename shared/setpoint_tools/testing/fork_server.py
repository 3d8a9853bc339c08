"""Programs that are forked from a process which has loaded what functions need.

Each is as separate as a program that starts again, with its own arguments, environment, output and group of processes,
and takes a tenth of the processor time. On Linux only: elsewhere libraries that have been loaded may not be forked.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import IO, Self

_LOADED = (
    "functions_framework._cli",
    "functions_framework._http.gunicorn",
    "google.cloud.asset_v1",
    "google.cloud.firestore",
    "google.cloud.pubsub_v1",
    "setpoint.adapters.google.asset_inventory",
    "setpoint.adapters.google.rest",
    "setpoint.adapters.otlp",
    "setpoint.adapters.pubsub.bus",
    "setpoint.adapters.pubsub.interaction_queue",
    "setpoint.adapters.pubsub.sweep_queue",
    "setpoint.adapters.slack.sink",
    "setpoint.adapters.slack.slack_client",
    "setpoint.adapters.slack.slack_requests",
    "setpoint.adapters.slack.slack_users",
    "setpoint.adapters.sqlite.store",
    "setpoint.adapters.webhooks.webhook",
    "setpoint.alerting.interactions",
    "setpoint.alerting.service",
    "setpoint.attribution.service",
    "setpoint.bootstrap.serving",
    "setpoint.detection.pipeline",
    "setpoint.remediation.engine",
    "setpoint.sweep",
)
"""What functions that are pushed to load, most of it when they handle their first event."""

_LIMIT = 1_000_000
_ENDED = 0
"""What is known of the exit code of a program that is not a child of this process."""


class ForkedProcess:
    """A program that was forked: what is used of ``subprocess.Popen``.

    Args:
        pid: the process, which leads a group of its own.
        alive: ends when the last process of the group ends.
    """

    def __init__(self, pid: int, alive: int) -> None:
        self.pid = pid
        self._alive = alive
        self._has_ended = False

    def poll(self) -> int | None:
        """None while a process of the group runs."""
        return _ENDED if self._ends_within(0) else None

    def wait(self, timeout: float) -> int:
        """Wait until all processes of the group have ended.

        Raises:
            subprocess.TimeoutExpired: they have not within so many seconds.
        """
        if not self._ends_within(timeout):
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return _ENDED

    def _ends_within(self, seconds: float) -> bool:
        if not self._has_ended and select.select([self._alive], [], [], seconds)[0]:
            os.close(self._alive)
            self._has_ended = True
        return self._has_ended


class ForkServer:
    """The process that programs are forked from; it ends with the block, and with the process that started it."""

    def __enter__(self) -> Self:
        self._connection, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - a module of ours
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.wait()

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> ForkedProcess:
        """Run a script of Python.

        Args:
            command: the script, after an interpreter or not, and its arguments.
            environment: all of its environment.
            log: where its output goes.

        Raises:
            RuntimeError: the process that it would be forked from has ended.
        """
        script = list(command[1:] if command[0] == sys.executable else command)
        request = json.dumps([script, dict(environment)]).encode() + b"\n"
        alive, held = os.pipe()
        try:
            sent = socket.send_fds(self._connection, [request], [log.fileno(), held])
            self._connection.sendall(request[sent:])
            answer = self._connection.recv(_LIMIT)
        except OSError as error:
            os.close(alive)
            raise RuntimeError(f"the process that programs are forked from has ended: {error}") from error
        finally:
            os.close(held)
        if not answer:
            os.close(alive)
            raise RuntimeError("the process that programs are forked from has ended; its errors are above")
        return ForkedProcess(int(answer), alive)


def _serve(connection: socket.socket) -> list[str]:
    """Fork a process for each request; in each of these returns the command to run, and in this one nothing at last."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: they are not to stay as zombies
    while request := _received(connection):
        (command, environment), (log, held) = request
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(environment, log)
            return list(command)
        connection.sendall(str(pid).encode())
        os.close(log)
        os.close(held)
    return []


def _received(connection: socket.socket) -> tuple[tuple[list[str], dict[str, str]], list[int]] | None:
    data, descriptors, _, _ = socket.recv_fds(connection, _LIMIT, 2)
    while not data.endswith(b"\n"):
        more = connection.recv(_LIMIT)
        if not more:
            return None
        data += more
    return json.loads(data), descriptors


def _become(environment: Mapping[str, str], log: int) -> None:
    """Make a process that was just forked like one that has just started."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    for number, name, buffering in ((1, "stdout", -1), (2, "stderr", 1)):
        os.dup2(log, number)
        setattr(sys, name, open(number, "w", buffering, "utf-8", closefd=False))  # noqa: SIM115 - a descriptor
    os.close(log)


def _load() -> None:
    for name in _LOADED:
        import_module(name)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _load()
    if _command := _serve(socket.socket(fileno=int(sys.argv[1]))):
        sys.argv = _command
        runpy.run_path(_command[0], run_name="__main__")
