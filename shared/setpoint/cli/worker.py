"""``setpoint worker``: pull changes from a stream and detect drift; for Cloud Run worker pools."""

from __future__ import annotations

import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from setpoint import bootstrap
from setpoint.detection.pull_worker import Worker
from setpoint.errors import SetpointError

_MIB = 1 << 20


def worker(
    *,
    batch: Annotated[
        int, typer.Option(metavar="N", min=1, max=300, help="Maximum number of messages in a batch.")
    ] = 100,
    threads: Annotated[
        int, typer.Option(metavar="N", min=1, max=16, help="Number of batches that are handled in parallel.")
    ] = 2,
    messages: Annotated[
        int, typer.Option(metavar="N", min=1, help="Maximum number of messages held in memory.")
    ] = 1_000,
    megabytes: Annotated[
        int, typer.Option(metavar="N", min=1, help="Maximum size of messages held in memory, in megabytes.")
    ] = 64,
) -> None:
    """Handle the changes of a subscription in batches, as functions/detect does, until stopped.

    It reads its settings from the environment: SETPOINT_SUBSCRIPTION, SETPOINT_STORE, SETPOINT_EVENTS_TOPIC and
    SETPOINT_DEAD_LETTER_TOPIC. On SIGTERM it finishes the current batch and returns the other messages.
    """
    stop = threading.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_, lambda *_: stop.set())
    stream, detection = bootstrap.worker(messages=messages, size=megabytes * _MIB)
    working = Worker(detection, _warn, batch=batch, threads=threads)
    started = time.monotonic()
    _log("INFO", "the worker takes messages")
    try:
        working.run(stream, stop)
    finally:
        detection.store.close()
        totals = {"outcomes": dict(working.outcomes), "seconds": round(time.monotonic() - started, 3)}
        _log("INFO", "the worker has stopped", **totals)


def _warn(error: Exception) -> None:
    text = str(error)
    if not isinstance(error, SetpointError):  # whose message may quote what it was about
        frame = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{Path(frame.filename).name}:{frame.lineno}"
    _log("WARNING", f"delivered again: {type(error).__name__}: {text}")


def _log(severity: str, message: str, **more: Any) -> None:
    """One line of structured logging (https://cloud.google.com/run/docs/logging#using-json)."""
    sys.stdout.write(msgspec.json.encode({"severity": severity, "message": message, **more}).decode() + "\n")
    sys.stdout.flush()
