"""What sweeps work with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from setpoint.detection.pipeline import Context
from setpoint.model.sweep_records import LAG
from setpoint.ports.queues import SweepQueue
from setpoint.ports.services import Inventory
from setpoint.ports.stores import SweepStore


def _nothing(_: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Sweeper:
    """What sweeps work with, and how.

    Args:
        deps: what the flow works with; its clock tells the time.
        inventory: what lists assets.
        queue: where messages go that tell what to do next.
        seconds: how long one run works before it hands over to the next one.
        shard_size: how many assets a shard is to list.
        lag: how far a listing may lag behind a feed.
        patience: how long an open shard may show no progress before it is taken for lost.
        jitter: a shard begins up to so many seconds late, so that those which begin together do not call together.
        advance: is called with the number of assets judged, for a progress bar.
        clock: tells seconds that only ever grow.
        sleep: waits for some seconds.
    """

    deps: Context
    inventory: Inventory
    queue: SweepQueue
    seconds: float = float("inf")
    shard_size: int = 20_000
    lag: timedelta = LAG
    patience: timedelta = timedelta(hours=1)
    jitter: float = 0.0
    advance: Callable[[int], object] = _nothing
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def records(self) -> SweepStore:
        """How far sweeps have come."""
        return self.deps.store.sweeps

    def now(self) -> datetime:
        """The time, as the flow has it."""
        return self.deps.clock()

    def deadline(self) -> float:
        """When, by the clock, this run is to hand over."""
        return self.clock() + self.seconds
