"""A function served by functions-framework, in processes of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

ROOT = Path(__file__).parents[2]
UP_SECONDS = 30.0


class Served:
    """Serves `functions/NAME` on a port of the loopback until it is stopped, killed or left; `under` a program."""

    def __init__(
        self, name: str, port: int, environment: Mapping[str, str], log: IO[bytes], under: Sequence[str] = ()
    ) -> None:
        self._command = [
            *under,
            str(Path(sys.executable).with_name("functions-framework")),
            f"--target={name}",
            f"--source={ROOT}/functions/{name}/main.py",
            "--signature-type=cloudevent",
            "--host=127.0.0.1",
            f"--port={port}",
        ]
        self._port = port
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGTERM)

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=self._log, stderr=self._log, start_new_session=True
        )
        until = time.monotonic() + UP_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
                connection.connect()
                connection.close()
                return
            time.sleep(0.05)
        self.stop(signal.SIGKILL)
        raise AssertionError("functions-framework does not come up")

    def kill(self) -> None:
        """End it and its workers at once, in the middle of whatever they do."""
        self.stop(signal.SIGKILL)

    def stop(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        for signal_ in (how, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal_)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
                break
        self._process = None
