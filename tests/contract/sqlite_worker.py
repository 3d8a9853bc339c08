"""Increments one record of a SQLite store, as a process of its own: `sqlite_worker.py FILE NAME TIMES`.

The record counts all increments in `sequence`, and each worker's own under its name in the JSON of `fingerprint`. After
each commit the worker says its own count on standard output.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.errors import Conflict
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.ports.stores import StateStore

KEY = ResourceKey("//storage.googleapis.com/counted")


def increment(store: StateStore, name: str) -> int:
    while True:
        snapshot = store.read(KEY)
        counts = json.loads(snapshot.state.fingerprint) if snapshot.state else {}
        counts[name] = counts.get(name, 0) + 1
        state = ResourceState(
            KEY,
            "storage.googleapis.com/Bucket",
            datetime(2026, 3, 1, tzinfo=UTC),
            fingerprint=json.dumps(counts),
            sequence=sum(counts.values()),
        )
        try:
            store.commit(snapshot, state)
        except Conflict:
            continue
        return counts[name]


if __name__ == "__main__":
    file, worker, times = sys.argv[1:]
    opened = SqliteStore(Path(file))
    for _ in range(int(times)):
        sys.stdout.write(f"{increment(opened, worker)}\n")
        sys.stdout.flush()
