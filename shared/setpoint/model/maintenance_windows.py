"""Times at which something may be done: a start by cron, a duration, a time zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim


class Window(msgspec.Struct, frozen=True):
    """A time that comes again and again.

    Args:
        cron: when it begins, five fields (https://man7.org/linux/man-pages/man5/crontab.5.html).
        duration: seconds.
        time_zone: name in the IANA time zone database.
    """

    cron: str
    duration: float
    time_zone: str = "UTC"


def is_open(windows: Iterable[Window], now: datetime) -> bool:
    """Whether now is in one of the windows."""
    return any(_contains(window, now) for window in windows)


def _contains(window: Window, now: datetime) -> bool:
    """Whether the window that began last has not ended; it lasts as long as it says, whatever clocks do meanwhile."""
    here = now.astimezone(ZoneInfo(window.time_zone))
    began = next(CronSim(window.cron, here + timedelta(minutes=1), reverse=True), None)
    while began is not None and began > here:
        began = next(CronSim(window.cron, began, reverse=True), None)
    return began is not None and now - began < timedelta(seconds=window.duration)
