"""Maintenance windows: a start by cron expression, a duration, a time zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim


class Window(msgspec.Struct, frozen=True):
    """A recurring period.

    Args:
        cron: its starts, as five fields (https://man7.org/linux/man-pages/man5/crontab.5.html).
        duration: its length in seconds.
        time_zone: name in the IANA time zone database.
    """

    cron: str
    duration: float
    time_zone: str = "UTC"


def is_open(windows: Iterable[Window], now: datetime) -> bool:
    """Whether now is in one of the windows."""
    return any(_contains(window, now) for window in windows)


def _contains(window: Window, now: datetime) -> bool:
    """Whether the latest occurrence of the window is still open; its length does not change with the clocks."""
    here = now.astimezone(ZoneInfo(window.time_zone))
    began = next(CronSim(window.cron, here + timedelta(minutes=1), reverse=True), None)
    while began is not None and began > here:
        began = next(CronSim(window.cron, began, reverse=True), None)
    return began is not None and now - began < timedelta(seconds=window.duration)
