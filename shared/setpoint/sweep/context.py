"""The ports and limits of a sweep."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from setpoint.detection.outbox import Outbox
from setpoint.detection.parent_index import ParentLookup
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.model.resource_key import ResourceKey
from setpoint.model.retention import DEFAULT, Retention
from setpoint.model.sweep_records import LAG
from setpoint.ports.queues import DeadLetters, SweepQueue
from setpoint.ports.services import Inventory
from setpoint.ports.stores import Store, SweepStore
from setpoint.util.frozen import take_over
from setpoint.util.progress import Advance, no_progress


def _read_nothing() -> None:
    """Read nothing."""


def _read_no_history(key: ResourceKey | None) -> None:
    """Read no history."""
    del key


class HistoryCounts(Protocol):
    """The result of reading histories; see ``attribution.history``."""

    @property
    def dated(self) -> int:
        """Number of findings whose history was read."""

    @property
    def searched(self) -> int:
        """Number of findings whose audit log was read."""

    @property
    def problems(self) -> Sequence[str]:
        """The errors of records that cannot be read."""


class DueReadings(Protocol):
    """The result of reads through the resources' own APIs; see ``remediation.deep_reads``."""

    @property
    def read(self) -> int:
        """Number of resources that were read and evaluated."""

    @property
    def left(self) -> int:
        """Number of resources that are still due."""

    @property
    def problems(self) -> Sequence[str]:
        """The errors of the other reads."""


@dataclass(frozen=True, slots=True)
class Sweeper:
    """The ports and limits of a sweep.

    Flow: a sweep in shards, a message at a time, and what is due every minute and every hour.

    Args:
        detection: evaluates what is listed.
        inventory: lists assets.
        queue: takes the messages of the next steps.
        seconds: the time of one run before it hands over to the next.
        shard_size: target number of assets of a shard.
        lag: how far a listing may lag behind a feed.
        stalled_after: time without progress after which an open shard counts as lost.
        jitter: maximum random delay of a shard in seconds, to spread calls.
        advance: called with the number of judged assets, for a progress bar.
        clock: monotonic seconds.
        sleep: sleeps for seconds.
        retention: how long what is kept.
        read_due: reads, every minute, what the policy has read through its own API.
        read_history: reads since when and by whom one finding, or all that began unseen, drift.
        store: the records of the fleet, and of sweeps.
        outbox: publishes the pending events of the store.
        dead_letters: takes messages that can never be handled.
        projects: ids and numbers of projects.
        parents: the resources that controllers make others for.
        now: gives the current time.
    """

    detection: Context
    inventory: Inventory
    queue: SweepQueue
    seconds: float = float("inf")
    shard_size: int = 20_000
    lag: timedelta = LAG
    stalled_after: timedelta = timedelta(hours=1)
    jitter: float = 0.0
    advance: Advance = no_progress
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    retention: Retention = DEFAULT
    read_due: Callable[[], DueReadings | None] = _read_nothing
    read_history: Callable[[ResourceKey | None], HistoryCounts | None] = _read_no_history

    store: Store = field(init=False)
    outbox: Outbox = field(init=False)
    dead_letters: DeadLetters = field(init=False)
    projects: ProjectIdResolver = field(init=False)
    parents: ParentLookup = field(init=False)
    now: Callable[[], datetime] = field(init=False)

    def __post_init__(self) -> None:
        take_over(self, self.detection, "store", "outbox", "dead_letters", "projects", "parents")
        object.__setattr__(self, "now", self.detection.clock)

    @property
    def records(self) -> SweepStore:
        """The stored progress of sweeps."""
        return self.store.sweeps

    def deadline(self) -> float:
        """The clock time at which this run hands over."""
        return self.clock() + self.seconds
