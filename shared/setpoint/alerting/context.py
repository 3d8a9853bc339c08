"""The ports and settings of alerting."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from setpoint.alerting.interactions import InteractionHandler
from setpoint.alerting.model import AlertNotice
from setpoint.alerting.repository import NoticeRecords
from setpoint.errors import Conflict
from setpoint.model.alerting_config import Alerting, SinkKind
from setpoint.ports.people import Sink
from setpoint.ports.queues import DeadLetters
from setpoint.ports.stores import Store


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class AlertingContext:
    """The ports and settings of alerting.

    Args:
        store: findings, the rules of the fleet, and the records of alerting.
        dead_letters: takes messages that can never be handled.
        sinks: the chat systems and webhooks that messages go to.
        interactions: handles clicks on buttons; None where no message has a button.
        clock: gives the current time.
        sleep: waits for a number of seconds.
        records: typed access to the notices in the store.
    """

    store: Store
    dead_letters: DeadLetters
    sinks: Mapping[SinkKind, Sink]
    interactions: InteractionHandler | None = None
    clock: Callable[[], datetime] = _utc_now
    sleep: Callable[[float], None] = time.sleep
    records: NoticeRecords = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", NoticeRecords(self.store.notices, self.clock))

    def alerting(self) -> Alerting:
        """The current alerting rules; without an ``Alerting`` document, findings go to the channels of their owners."""
        control = self.store.control().value
        documents = (source.alerting for source in control.sources.values())
        return next((document for document in documents if document is not None), Alerting())


def write_notice(notice: AlertNotice, version: object, context: AlertingContext) -> None:
    """Write a notice; keep the stored one where another process has written it since."""
    with suppress(Conflict):
        context.records.write_notice(notice, version, context.clock())
