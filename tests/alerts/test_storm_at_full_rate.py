"""100,000 findings of one cause in ten minutes, on a simulated clock, within the published limits of the services."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.office import NOON, Clock, Office, event
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.alerting import service
from setpoint.ports.people import Filed
from sizes import histories

SECONDS = 600
MIB = 1 << 20


class CountedWrites:
    """The records of alerting, with a count of the writes of each in each second of the simulated clock."""

    def __init__(self, records: Any, clock: Clock) -> None:
        self._records, self._clock = records, clock
        self.writes: defaultdict[str, Counter[int]] = defaultdict(Counter)

    def write(self, kind: str, name: str, body: bytes, version: Any, filed: Filed) -> Any:
        self.writes[f"{kind}/{name}"][int((self._clock.now - NOON).total_seconds())] += 1
        return self._records.write(kind, name, body, version, filed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)


def resident() -> int:
    """Bytes of memory that this process has now (proc(5))."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="SKIPPED: memory is read from Linux's /proc")
def test_a_storm_is_one_message_within_the_limits_of_slack_and_firestore_in_flat_memory(tmp_path, record_property):
    count = histories(1_000, 5_000, 100_000)
    store, clock = SqliteStore(tmp_path / "storm.db"), Clock()
    store._connections.execute("PRAGMA synchronous = OFF")  # no disk is measured here
    counted = CountedWrites(store.notices, clock)
    store.notices = counted
    office = Office(store=store, clock=clock)
    calls: Counter[int] = Counter()
    take = office.sink._do

    def count_call(act: Any) -> None:
        calls[int((clock.now - NOON).total_seconds())] += 1
        take(act)

    office.sink._do = count_call
    memory = []
    for number in range(1, count + 1):
        clock.now = max(clock.now, NOON + timedelta(seconds=number * SECONDS / count))
        service.notify(event("drift.opened", number=number), office.desk)
        if number % (count // 10) == 0:
            memory.append(resident())
    waited = timedelta()
    while office.desk.records.due(clock(), 1).notices:
        office.tick()
        waited = clock.now - NOON - timedelta(seconds=SECONDS)
        assert waited < timedelta(minutes=30), "the storm is not shown whole half an hour after its end"

    assert (len(office.sink.posts), office.only().total) == (1, count)
    assert max(calls.values()) <= 1, "Slack takes one message a second in a channel"
    hot = {
        name: max(sum(seconds[now + more] for more in range(10)) for now in seconds)
        for name, seconds in counted.writes.items()
    }
    assert max(hot.values()) <= 10, "Firestore takes one write a second of a document, over a while"
    assert max(memory) - memory[0] < 24 * MIB + 300 * count, memory
    assert waited < timedelta(minutes=15), waited
    record_property(
        "storm", {"calls": sum(calls.values()), "lag": str(waited), "MiB": [size // MIB for size in memory]}
    )
