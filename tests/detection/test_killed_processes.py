"""The same as `test_crashes`, with real processes that are really killed, on SQLite and JSON Lines."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import forked
from detection import killed_process
from detection.fleet import BUCKET, bucket, declare, records
from detection.runs import uninterrupted
from setpoint.bootstrap import open_store
from setpoint.model import events

STEPS = 4
FEED = [bucket(1, location="US"), bucket(2, location="ASIA"), bucket(3)]
LIVES = (0, "never", "kill")


def deliver(message: bytes, url: str, events_file: Path, death: tuple[int, str, str]) -> int:
    """Have a process handle a message; its exit code."""
    return forked.call(killed_process.handle, url, str(events_file), *death, stdin=message).returncode


@pytest.mark.parametrize(("how", "code"), [("kill", -signal.SIGKILL), ("exit", 70)])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_process_that_dies_at_any_step_loses_nothing(tmp_path, step, when, how, code):
    url, events_file = f"sqlite:///{tmp_path}/setpoint.db", tmp_path / "events.jsonl"
    store = open_store(url)
    declare(store)

    assert deliver(FEED[0], url, events_file, LIVES) == 0
    assert deliver(FEED[1], url, events_file, (step, when, how)) == code
    assert deliver(FEED[1], url, events_file, LIVES) == 0
    assert deliver(FEED[2], url, events_file, LIVES) == 0

    expected = uninterrupted(FEED)
    heard = [events.decode(line) for line in events_file.read_bytes().splitlines()]
    assert list({event.id: event for event in heard}.values()) == expected.events
    assert all(event in expected.events for event in heard)
    assert records(store) == expected.records
    assert store.read(BUCKET).state.pending == ()
    store.close()
