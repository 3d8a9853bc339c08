"""The command ``setpoint`` for scripts of a shell: a program that has each call forked, as ``forked`` does it."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.reduction import DupFd
from pathlib import Path
from threading import Thread
from typing import Any

import forked
from setpoint_tools.testing.polling import LIMIT

_PROGRAM = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    sent = socket.send_fds(server, [request], [0, 1, 2])
    server.sendall(request[sent:])
    server.shutdown(socket.SHUT_WR)
    code = int(server.makefile().read())
if code < 0:
    os.kill(os.getpid(), -code)
sys.exit(code)
"""
"""Starts without the library, and without what is installed."""
_LIMIT = 1_000_000


@contextmanager
def program(path: Path, main: Callable[..., object] = forked.setpoint) -> Iterator[Path]:
    """Write a program that calls a function of a module, for as long as the block lasts."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _Server(f"{folder}/server", main) as server,
    ):
        path.write_text(_PROGRAM.format(python=sys.executable, address=server.server_address))
        path.chmod(0o755)
        serving = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        try:
            yield path
        finally:
            server.shutdown()
            serving.join()


class _Server(socketserver.ThreadingUnixStreamServer):
    def __init__(self, address: str, main: Callable[..., object]) -> None:
        super().__init__(address, _Handler)
        self.main = main


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        request, streams, _, _ = socket.recv_fds(self.request, _LIMIT, 3)
        try:
            while more := self.request.recv(_LIMIT):
                request += more
            arguments, cwd, environment = json.loads(request)
            handed = [_Descriptor(stream) for stream in streams]
            code = _run(_in_child, handed, cwd, environment, self.server.main, arguments)
        finally:
            for stream in streams:
                os.close(stream)
        self.request.sendall(str(code).encode())


def _run(function: Callable[..., object], *arguments: object) -> int:
    """The exit code of a process that is forked for this call, negative for a signal."""
    process = forked.CONTEXT.Process(target=function, args=arguments)
    process.start()
    process.join(LIMIT)
    if process.exitcode is None:
        process.kill()
        process.join()
    code = process.exitcode
    process.close()
    return code


class _Descriptor:
    """A descriptor that a forked process is handed."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _handed, (DupFd(self.number),)


def _handed(duplicate: Any) -> _Descriptor:
    return _Descriptor(duplicate.detach())


def _in_child(
    streams: Sequence[_Descriptor],
    cwd: str,
    environment: dict[str, str],
    main: Callable[..., object],
    arguments: Sequence[str],
) -> None:
    forked.become([stream.number for stream in streams], cwd, environment)
    main(*arguments)
