"""A process that handles a message and dies at a step of it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from detection.crashing import stepped
from detection.fleet import deps
from setpoint.adapters.jsonl import JsonlBus
from setpoint.adapters.memory.store import MemoryDeadLetters
from setpoint.bootstrap import open_store
from setpoint.detection import pipeline

DEATHS = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(70),
}


def handle(store: str, events_file: str, step: int, when: str, how: str) -> None:
    """Handle the message on standard input.

    Args:
        store: its URL.
        events_file: where events go.
        step: the step at which to die; 0 for none.
        when: before or after it.
        how: a name of ``DEATHS``.
    """
    with Path(events_file).open("ab") as stream:
        world = deps(open_store(store), JsonlBus(stream), MemoryDeadLetters())
        pipeline.receive(sys.stdin.buffer.read(), {}, stepped(world, step, when, DEATHS[how]))
