"""Measure how work grows with its input, in CPU time of this thread, so that a busy machine has no effect."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

_TRIES = 3


def growth(work: Callable[[int], object], few: int, many: int) -> float:
    """How often the CPU time of ``few`` fits into that of ``many``: near ``many / few`` where work grows linearly."""
    return _seconds(work, many) / _seconds(work, few)


def _seconds(work: Callable[[int], object], size: int) -> float:
    """The best of some tries, without the garbage of others."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        tries = [_cost(work, size) for _ in range(_TRIES)]
    finally:
        if was_enabled:
            gc.enable()
    return max(min(tries), 1e-4)


def _cost(work: Callable[[int], object], size: int) -> float:
    started = time.thread_time()
    work(size)
    return time.thread_time() - started
