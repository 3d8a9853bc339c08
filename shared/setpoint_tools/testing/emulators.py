"""Google's Pub/Sub and Firestore emulators as child processes: found, started on the loopback, stopped.

They come with Google's Cloud SDK (``gcloud components install pubsub-emulator cloud-firestore-emulator``) and need
Java. An emulator ends with the process that started it, however that one ends.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import http.client
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from setpoint_tools.testing.polling import poll

_ROOT_VARIABLE = "SETPOINT_SDK_ROOT"
_USUAL_ROOTS = ("/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk", "~/google-cloud-sdk")
_JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""Compile quickly rather than well: an emulator that lives for minutes takes half of the processor time."""

_UP_SECONDS = 120.0
_ATTEMPTS = 3
_LOOPBACK = "127.0.0.1"

_ENDS_WITH_US = '("$@"; kill 0) </dev/null & cat >/dev/null; kill 0'
"""Run the arguments as a command; when either that or our end of standard input ends, end the whole group."""


_ENDS_WITH_ALL = 'exec 3<&0; { ("$@"; kill 0) </dev/null 3<&- & cat <&3 >/dev/null; kill 0; } &'
"""The same in the background, for as long as anybody holds an end of standard input."""


class EmulatorMissing(Exception):  # noqa: N818 - the test is skipped, nothing went wrong
    """An emulator, or Java, is not installed; the message says which and where it was looked for."""


@dataclass(frozen=True, slots=True)
class EmulatorKind:
    """One of the emulators.

    Args:
        title: what people call it.
        command: below the root of the SDK, then its arguments.
        variable: the environment variable by which Google's clients find it.
    """

    title: str
    command: tuple[str, ...]
    variable: str


PUBSUB = EmulatorKind(
    "Google's Pub/Sub emulator",
    ("platform/pubsub-emulator/bin/cloud-pubsub-emulator",),
    "PUBSUB_EMULATOR_HOST",
)
FIRESTORE = EmulatorKind(
    "Google's Firestore emulator",
    ("platform/cloud-firestore-emulator/cloud_firestore_emulator", "start"),
    "FIRESTORE_EMULATOR_HOST",
)


@dataclass(frozen=True, slots=True)
class Emulator:
    """An emulator that is up.

    Args:
        kind: which one.
        address: ``127.0.0.1:PORT``, as its environment variable wants it.
    """

    kind: EmulatorKind
    address: str


def find(kind: EmulatorKind, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The command that starts an emulator.

    Raises:
        EmulatorMissing: it is not installed.
    """
    looked = []
    for root in _roots(environment):
        program = root / kind.command[0]
        if program.is_file():
            if shutil.which("java") is None:
                raise EmulatorMissing(f"{kind.title} is not usable: it needs java on the PATH")
            return [str(program), *kind.command[1:]]
        looked.append(str(program))
    raise EmulatorMissing(f"{kind.title} is not installed: no {', no '.join(looked)}")


def _roots(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where the SDK may be; where the variable names a place, only there."""
    if named := environment.get(_ROOT_VARIABLE):
        yield Path(named)
        return
    for usual in _USUAL_ROOTS:
        yield Path(usual).expanduser()
    if gcloud := shutil.which("gcloud"):
        asked = subprocess.run(  # noqa: S603 - no input of anybody's in it
            [gcloud, "info", "--format=value(installation.sdk_root)"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_UP_SECONDS,
        )
        if root := asked.stdout.strip():
            yield Path(root)


@contextmanager
def running(kind: EmulatorKind) -> Iterator[Emulator]:
    """Start an emulator on a free port of the loopback, wait until it answers, and stop it at the end.

    Raises:
        EmulatorMissing: it is not installed.
        RuntimeError: it does not come up; the message has the end of what it said.
    """
    command = find(kind)
    with tempfile.TemporaryFile() as log:
        for _ in range(_ATTEMPTS):
            port = free_port()
            process = _start([*command, f"--host={_LOOPBACK}", f"--port={port}"], log)
            try:
                if _comes_up(port, partial(_has_exited, process)):
                    yield Emulator(kind, f"{_LOOPBACK}:{port}")
                    return
            finally:
                _stop(process)
        log.seek(0)
        raise RuntimeError(f"{kind.title} does not come up:\n{log.read().decode(errors='replace')[-2000:]}")


@contextmanager
def shared(kind: EmulatorKind, folder: Path) -> Iterator[Emulator]:
    """Use the emulator that another process has started, or start it for all that use the same folder.

    It ends with the last of these processes, however that one ends: each holds a writing end of its standard input.

    Args:
        kind: which one.
        folder: where the processes of a run find each other.

    Raises:
        EmulatorMissing: it is not installed.
        RuntimeError: it does not come up; the message has the end of its log.
    """
    address = folder / f"{kind.variable}.address"
    with (folder / f"{kind.variable}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = _hold(address.with_suffix(".pipe"))
        if held is not None and not _answers(address.read_text()):  # it is about to end
            os.close(held)
            held = None
        if held is None:
            held = _start_shared(kind, address)
    try:
        yield Emulator(kind, address.read_text())
    finally:
        os.close(held)


def _hold(pipe: Path) -> int | None:
    """A writing end of a named pipe; None where no emulator reads it."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENXIO}:
            return None
        raise


def _start_shared(kind: EmulatorKind, address: Path) -> int:
    """Start an emulator that reads a named pipe, and write its address; a writing end of the pipe."""
    command, pipe, log = find(kind), address.with_suffix(".pipe"), address.with_suffix(".log")
    if not pipe.exists():
        os.mkfifo(pipe)
    for _ in range(_ATTEMPTS):
        port = free_port()
        reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        held = os.open(pipe, os.O_WRONLY)
        os.set_blocking(reading, True)
        with log.open("wb") as output:
            arguments = [*command, f"--host={_LOOPBACK}", f"--port={port}"]
            subprocess.run(  # noqa: S603 - as in _start
                ["/bin/sh", "-c", _ENDS_WITH_ALL, "emulator", *arguments],
                stdin=reading,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=_environment(),
                check=True,
            )
        os.close(reading)
        if _comes_up(port, partial(_is_unread, held)):
            address.write_text(f"{_LOOPBACK}:{port}")
            return held
        os.close(held)
    raise RuntimeError(f"{kind.title} does not come up:\n{log.read_text(errors='replace')[-2000:]}")


def _is_unread(held: int) -> bool:
    """Whether nobody reads a named pipe any more, since the emulator has ended."""
    watched = select.poll()
    watched.register(held, 0)
    return any(event & select.POLLERR for _, event in watched.poll(0))


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind((_LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def fresh_project() -> str:
    """A project id that nobody has used."""
    return f"test-{uuid.uuid4().hex[:16]}"


def clear_firestore(emulator: Emulator, project: str, database: str = "(default)") -> None:
    """Delete all documents of a database on the emulator."""
    request(emulator.address, "DELETE", f"/emulator/v1/projects/{project}/databases/{database}/documents")


def _start(command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - a program of the SDK, under a group of its own
        ["/bin/sh", "-c", _ENDS_WITH_US, "emulator", *command],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "JAVA_TOOL_OPTIONS": f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {_JAVA}".strip()}


def _comes_up(port: int, has_ended: Callable[[], bool]) -> bool:
    """Whether an emulator answers before it ends; it may lose its port to another process."""
    address = f"{_LOOPBACK}:{port}"
    poll(lambda: has_ended() or _answers(address), _UP_SECONDS)
    return not has_ended() and _answers(address)


def _has_exited(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        request(address, "GET", "/")
        return True
    return False


def request(address: str, method: str, path: str) -> int:
    """Send an emulator an HTTP request; the status of the answer."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the group of the process at once; an emulator has nothing to save."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
