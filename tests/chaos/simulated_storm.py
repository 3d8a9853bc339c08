"""A storm of findings of one cause in ten minutes of a simulated clock, within the published limits of the services."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from alerts.harness import NOON, AlertingHarness, Clock, event
from setpoint.adapters.sqlite.store import SqliteStore
from setpoint.alerting import service
from setpoint.ports.people import NoticeIndex

SECONDS = 600
MIB = 1 << 20
PAGE = 4_096
SAMPLES = 10
_LONGEST = timedelta(hours=1)


class SimulatedStorm(NamedTuple):
    """What a storm came to.

    Args:
        findings: how many there were.
        messages: how many messages were posted.
        total: findings of which the last state of the message speaks.
        calls: calls of the sink.
        calls_a_second: the most calls of the sink in one second of the simulated clock.
        writes_in_ten_seconds: the most writes of one document in ten seconds of it.
        memory: MiB of the process after each tenth of the findings.
        lag: time from the last finding until the message speaks of all of them.
        seconds: how long it took.
    """

    findings: int
    messages: int
    total: int
    calls: int
    calls_a_second: int
    writes_in_ten_seconds: int
    memory: tuple[int, ...]
    lag: timedelta
    seconds: float

    def figures(self) -> dict[str, object]:
        scenario = {"scenario": "storm on a simulated clock"}
        return scenario | self._asdict() | {"lag": str(self.lag), "seconds": round(self.seconds, 1)}

    @property
    def wrong(self) -> list[str]:
        """What is not as promised, in words."""
        checks = {
            f"{self.messages} messages tell of {self.total} findings": (self.messages, self.total)
            == (1, self.findings),
            "Slack takes one message a second in a channel": self.calls_a_second <= 1,
            "Firestore takes one write a second of a document, over a while": self.writes_in_ten_seconds <= SAMPLES,
            f"memory grew from {self.memory[0]} to {max(self.memory)} MiB": max(self.memory) - self.memory[0]
            < 24 + 300 * self.findings / MIB,
            f"the message is whole only after {self.lag}": self.lag < timedelta(minutes=15),
        }
        return [text for text, is_kept in checks.items() if not is_kept]


class _CountedWrites:
    """The records of alerting, with the most writes of one of them in ten seconds of the simulated clock."""

    def __init__(self, records: Any, clock: Clock) -> None:
        self._records, self._clock = records, clock
        self._latest: deque[tuple[datetime, str]] = deque()
        self._window: Counter[str] = Counter()
        self.most_in_ten_seconds = 0

    def write(self, kind: str, name: str, body: bytes, version: Any, filed: NoticeIndex) -> Any:
        now, record = self._clock.now, f"{kind}/{name}"
        self._latest.append((now, record))
        self._window[record] += 1
        while self._latest[0][0] <= now - timedelta(seconds=10):
            _, old = self._latest.popleft()
            self._window[old] -= 1
            if not self._window[old]:
                del self._window[old]
        self.most_in_ten_seconds = max(self.most_in_ten_seconds, self._window[record])
        return self._records.write(kind, name, body, version, filed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)


def resident(process: str = "self") -> int:
    """Bytes of memory that a process has now (proc(5))."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE


def simulated_storm(folder: Path, count: int, advance: Callable[[int], object] = lambda _: None) -> SimulatedStorm:
    """Open so many findings of one cause in ten minutes, and show them until all are shown.

    Args:
        folder: for the store.
        count: findings; at least ten.
        advance: is told of each tenth of them.
    """
    store, clock, started = SqliteStore(folder / "storm.db"), Clock(), time.monotonic()
    store._connections.execute("PRAGMA synchronous = OFF")  # no disk is measured here
    counted = _CountedWrites(store.notices, clock)
    store.notices = counted
    harness = AlertingHarness(store=store, clock=clock)
    calls: Counter[int] = Counter()
    take = harness.sink._do

    def count_call(act: Callable[[], object]) -> None:
        calls[int((clock.now - NOON).total_seconds())] += 1
        take(act)

    harness.sink._do = count_call
    memory = []
    for number in range(1, count + 1):
        clock.now = max(clock.now, NOON + timedelta(seconds=number * SECONDS / count))
        service.notify(event("drift.opened", number=number), harness.context)
        if number % (count // SAMPLES) == 0:
            memory.append(resident() // MIB)
            advance(number)
    lag = timedelta()
    while next(harness.context.records.due(clock()), None) and lag < _LONGEST:
        harness.tick()
        lag = clock.now - NOON - timedelta(seconds=SECONDS)
    memory.append(resident() // MIB)
    return SimulatedStorm(
        findings=count,
        messages=len(harness.sink.posts),
        total=harness.only().total,
        calls=sum(calls.values()),
        calls_a_second=max(calls.values()),
        writes_in_ten_seconds=counted.most_in_ten_seconds,
        memory=tuple(memory),
        lag=lag,
        seconds=time.monotonic() - started,
    )
