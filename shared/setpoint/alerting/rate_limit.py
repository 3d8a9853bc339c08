"""What alerting works with, and whose turn it is in a channel."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from setpoint.alerting.interactions import InteractionHandler
from setpoint.alerting.model import AlertNotice, ChannelRateLimit
from setpoint.alerting.repository import NoticeRecords
from setpoint.detection.pipeline import Context
from setpoint.errors import Conflict
from setpoint.model.alerting_config import Alerting, Destination, SinkKind
from setpoint.ports.people import Sink

_ATTEMPTS = 16
SECONDS_BETWEEN: dict[SinkKind, float] = {"slack": 1.1, "chat": 1.1, "webhook": 0.0}
"""Slack takes one message a second in a channel (https://docs.slack.dev/apis/web-api/rate-limits), and Google Chat one
in a space (https://developers.google.com/workspace/chat/limits), and not all is on its way for as long."""


@dataclass(frozen=True, slots=True)
class AlertingContext:
    """What alerting works with.

    Args:
        deps: the findings, their rules, and the clock.
        sinks: where people are told.
        presser: what follows the buttons that people press; None where nobody can press any.
        sleep: waits for so many seconds.
        records: what people were told, over the store.
    """

    deps: Context
    sinks: Mapping[SinkKind, Sink]
    presser: InteractionHandler | None = None
    sleep: Callable[[float], None] = time.sleep
    records: NoticeRecords = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", NoticeRecords(self.deps.store.notices))

    def alerting(self) -> Alerting:
        """Who is told of what, by now; without an ``Alerting`` document the channels of the owners."""
        control = self.deps.store.control().value
        documents = (source.alerting for source in control.sources.values())
        return next((document for document in documents if document is not None), Alerting())


def acquire(to: Destination, desk: AlertingContext, patience: float) -> bool:
    """Wait for a turn in a channel, whoever else tells something in it; whether there is one soon enough."""
    between = SECONDS_BETWEEN[to.sink]
    if not between:
        return True
    for _ in range(_ATTEMPTS):
        place, version = desk.records.place(to)
        now = desk.deps.clock()
        turn = max(now, place.free_at) if place is not None else now
        if (wait := (turn - now).total_seconds()) > patience:
            return False
        try:
            desk.records.write_place(to, ChannelRateLimit(turn + timedelta(seconds=between)), version)
        except Conflict:
            continue
        if wait > 0:
            desk.sleep(wait)
        return True
    return False


def back_off(to: Destination, until: datetime, desk: AlertingContext) -> None:
    """Tell nothing at a destination that takes no more for a while."""
    place, version = desk.records.place(to)
    if place is None or place.free_at < until:
        with suppress(Conflict):
            desk.records.write_place(to, ChannelRateLimit(until), version)


def write_notice(notice: AlertNotice, version: object, desk: AlertingContext) -> None:
    """Write a notice, unless somebody has done so since: then what they write counts."""
    with suppress(Conflict):
        desk.records.write_notice(notice, version, desk.deps.clock())
