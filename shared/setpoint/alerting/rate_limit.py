"""The rate limit of each channel, which all processes share."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from setpoint.alerting.context import AlertingContext
from setpoint.alerting.model import ChannelRateLimit
from setpoint.errors import Conflict
from setpoint.model.alerting_config import Destination, SinkKind

_ATTEMPTS = 16
SECONDS_BETWEEN: dict[SinkKind, float] = {"slack": 1.1, "chat": 1.1, "webhook": 0.0}
"""Slack takes one message a second in a channel (https://docs.slack.dev/apis/web-api/rate-limits), and Google Chat one
in a space (https://developers.google.com/workspace/chat/limits), and not all is on its way for as long."""


def acquire(to: Destination, context: AlertingContext, max_wait: float) -> bool:
    """Wait for a turn in a channel, whoever else tells something in it; whether there is one soon enough."""
    between = SECONDS_BETWEEN[to.sink]
    if not between:
        return True
    for _ in range(_ATTEMPTS):
        place, version = context.records.place(to)
        now = context.clock()
        turn = max(now, place.free_at) if place is not None else now
        if (wait := (turn - now).total_seconds()) > max_wait:
            return False
        try:
            context.records.write_place(to, ChannelRateLimit(turn + timedelta(seconds=between)), version)
        except Conflict:
            continue
        if wait > 0:
            context.sleep(wait)
        return True
    return False


def back_off(to: Destination, until: datetime, context: AlertingContext) -> None:
    """Tell nothing at a destination that takes no more for a while."""
    place, version = context.records.place(to)
    if place is None or place.free_at < until:
        with suppress(Conflict):
            context.records.write_place(to, ChannelRateLimit(until), version)
