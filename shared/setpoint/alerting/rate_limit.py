"""The rate limit of each channel, which all processes share."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from setpoint.alerting.context import AlertingContext
from setpoint.alerting.model import ChannelRateLimit
from setpoint.alerting.repository import NoticeRecords
from setpoint.errors import Conflict
from setpoint.model.alerting_config import Destination, SinkKind
from setpoint.util.retries import retry_on_conflict

_ATTEMPTS = 16
SECONDS_BETWEEN: dict[SinkKind, float] = {
    "slack": 1.1,
    "chat": 1.1,
    "webhook": 0.0,
    "request": 1.0,
    "issue": 1.0,
    "scc": 0.0,
}
"""Slack takes one message a second in a channel (https://docs.slack.dev/apis/web-api/rate-limits), and Google Chat one
in a space (https://developers.google.com/workspace/chat/limits), and not all is on its way for as long. GitHub asks
for a second between writes
(https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api)."""


def acquire(to: Destination, context: AlertingContext, max_wait: float) -> bool:
    """Wait for the rate limit of a channel; False where the wait would be longer than the limit."""
    between = SECONDS_BETWEEN[to.sink]
    if not between:
        return True

    def reserve() -> float | None:
        rate_limit, version = context.records.rate_limit(to)
        now = context.clock()
        turn = max(now, rate_limit.free_at) if rate_limit is not None else now
        if (wait := (turn - now).total_seconds()) > max_wait:
            return None
        context.records.write_rate_limit(to, ChannelRateLimit(turn + timedelta(seconds=between)), version)
        return wait

    try:
        wait = retry_on_conflict(reserve, what=to.channel, attempts=_ATTEMPTS)
    except Conflict:
        return False
    if wait:
        context.sleep(wait)
    return wait is not None


def back_off(to: Destination, until: datetime, records: NoticeRecords) -> None:
    """Send nothing to a destination for a while, after it refused for its rate limit."""
    rate_limit, version = records.rate_limit(to)
    if rate_limit is None or rate_limit.free_at < until:
        with suppress(Conflict):
            records.write_rate_limit(to, ChannelRateLimit(until), version)
