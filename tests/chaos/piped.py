"""A worker on a store of its parent's, killed at any time: `piped.py STORE-URL EVENTS-FILE HOURS`.

Messages come on standard input, a line each: a number and the message in base64. What is done is told on standard
output by its number, what is to come again by its number with a minus. Its clock is HOURS off.
"""

from __future__ import annotations

import base64
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from setpoint.adapters.jsonl import JsonlBus
from setpoint.adapters.memory.store import MemoryDeadLetters
from setpoint.bootstrap import open_store
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection.pipeline import Context
from setpoint.detection.pull_worker import PullDelivery, Worker


class Piped:
    """A message from standard input."""

    def __init__(self, line: bytes) -> None:
        self._number, _, data = line.partition(b" ")
        self.data = base64.b64decode(data)
        self.attributes: Mapping[str, str] = {}

    def ack(self) -> None:
        self._tell(b"")

    def nack(self) -> None:
        self._tell(b"-")

    def _tell(self, sign: bytes) -> None:
        sys.stdout.buffer.write(sign + self._number + b"\n")
        sys.stdout.buffer.flush()


class Pipe:
    """Messages from standard input, until it ends."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def open(self, take: Callable[[PullDelivery], None]) -> None:
        threading.Thread(target=self._read, args=(take,), daemon=True).start()

    def _read(self, take: Callable[[PullDelivery], None]) -> None:
        for line in sys.stdin.buffer:
            take(Piped(line))
        self._stop.set()

    def wait(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def close(self) -> None:
        pass


if __name__ == "__main__":
    url, events_file, hours = sys.argv[1:]
    skew = timedelta(hours=float(hours))
    stop = threading.Event()
    with Path(events_file).open("wb") as stream:
        deps = Context(
            open_store(url),
            JsonlBus(stream),
            MemoryDeadLetters(),
            default_catalogue(),
            clock=lambda: datetime.now(UTC) + skew,
        )
        Worker(deps, lambda _: None, batch=40).run(Pipe(stop), stop)
        deps.store.close()
