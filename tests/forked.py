"""Processes that are forked from one that has loaded the command line already.

Each is as separate as a process that starts again, with its own standard streams, environment and folder, and takes a
tenth of the CPU time.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from setpoint_tools.testing.polling import LIMIT

_STREAMS = ("stdin", "stdout", "stderr")
CONTEXT = multiprocessing.get_context("forkserver")
LOADED = "setpoint_tools.testing.loaded"
"""Not beside this module: the process that all are forked from has only the path that Python begins with."""
CONTEXT.set_forkserver_preload([LOADED])


def command_line(
    *arguments: str, stdin: str = "", cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``setpoint ARGUMENTS``."""
    done = call(setpoint, *arguments, stdin=stdin.encode(), cwd=cwd, environment=environment)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def call(
    function: Callable[..., object],
    *arguments: Any,
    stdin: bytes = b"",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Call a function of a module in a process of its own; the code is that of the process, negative for a signal.

    Raises:
        AssertionError: it does not end.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stdin").write_bytes(stdin)
        where = (str(folder), str(cwd or Path.cwd()), dict(os.environ if environment is None else environment))
        process = CONTEXT.Process(target=_in_child, args=(*where, function, arguments))
        process.start()
        process.join(LIMIT)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise AssertionError(f"after {LIMIT:.0f} seconds: {function.__name__} {arguments} has not ended")
        code = process.exitcode
        process.close()
        output, errors = ((folder / stream).read_bytes() for stream in _STREAMS[1:])
        return subprocess.CompletedProcess(arguments, code, output, errors)


def _in_child(
    folder: str, cwd: str, environment: dict[str, str], function: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    write = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    opened = [os.open(Path(folder, name), os.O_RDONLY if name == "stdin" else write, 0o600) for name in _STREAMS]
    become(opened, cwd, environment)
    function(*arguments)


def become(streams: Sequence[int], cwd: str, environment: Mapping[str, str]) -> None:
    """Make a process that was just forked like one that has just started, with these standard streams."""
    for number, (name, opened) in enumerate(zip(_STREAMS, streams, strict=True)):
        os.dup2(opened, number)
        os.close(opened)
        mode = "r" if name == "stdin" else "w"
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - a descriptor
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)


def setpoint(*arguments: str) -> None:
    """Run the command line in this process."""
    from setpoint.cli import main  # noqa: PLC0415 - in the child, which has it loaded

    sys.argv = ["setpoint", *arguments]
    main()
