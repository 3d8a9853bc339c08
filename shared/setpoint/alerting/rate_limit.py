"""The rate limit of each channel, which all processes share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

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


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Waits for the rate limits of channels.

    Args:
        records: the stored rate limits.
        clock: gives the current time.
        sleep: waits for a number of seconds.
    """

    records: NoticeRecords
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]

    def acquire(self, to: Destination, max_wait: float) -> bool:
        """Wait for the rate limit of a channel, and take its next turn.

        Args:
            to: the channel.
            max_wait: the most seconds to wait.

        Returns:
            False where the wait would be longer, or where others take each turn.
        """
        between = SECONDS_BETWEEN[to.sink]
        if not between:
            return True

        def reserve() -> float | None:
            rate_limit, version = self.records.rate_limit(to)
            now = self.clock()
            turn = max(now, rate_limit.free_at) if rate_limit is not None else now
            if (wait := (turn - now).total_seconds()) > max_wait:
                return None
            self.records.write_rate_limit(to, ChannelRateLimit(turn + timedelta(seconds=between)), version)
            return wait

        try:
            wait = retry_on_conflict(reserve, what=to.channel, attempts=_ATTEMPTS)
        except Conflict:
            return False
        if wait:
            self.sleep(wait)
        return wait is not None

    def back_off(self, to: Destination, until: datetime) -> None:
        """Send nothing to a destination for a while, after it refused for its rate limit."""
        rate_limit, version = self.records.rate_limit(to)
        if rate_limit is None or rate_limit.free_at < until:
            with suppress(Conflict):
                self.records.write_rate_limit(to, ChannelRateLimit(until), version)
