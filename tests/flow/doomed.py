"""Handles the message on standard input and dies at a step of it: `doomed.py STORE-URL EVENTS-FILE STEP WHEN HOW`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from flow.crashing import stepped
from flow.fleet import deps
from setpoint.adapters.jsonl import JsonlBus
from setpoint.adapters.memory.store import MemoryDeadLetters
from setpoint.bootstrap import open_store
from setpoint.detection import pipeline

DEATHS = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(70),
}

if __name__ == "__main__":
    store, events_file, step, when, how = sys.argv[1:]
    with Path(events_file).open("ab") as stream:
        world = deps(open_store(store), JsonlBus(stream), MemoryDeadLetters())
        pipeline.receive(sys.stdin.buffer.read(), {}, stepped(world, int(step), when, DEATHS[how]))
