"""The ports and settings of alerting."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from setpoint.alerting.interactions import InteractionHandler
from setpoint.alerting.rate_limit import RateLimiter
from setpoint.alerting.repository import NoticeRecords
from setpoint.model.alerting_config import Alerting, SinkKind
from setpoint.ports.people import Sink
from setpoint.ports.queues import DeadLetters
from setpoint.ports.stores import Store
from setpoint.util.clock import utc_now


@dataclass(frozen=True, slots=True)
class AlertingContext:
    """The ports and settings of alerting.

    Flow: a drift event or a tick, from its message to the messages in chats and webhooks.

    Args:
        store: findings, the rules of the fleet, and the records of alerting.
        dead_letters: takes messages that can never be handled.
        sinks: the chat systems and webhooks that messages go to.
        interactions: handles clicks on buttons; None where no message has a button.
        clock: gives the current time.
        sleep: waits for a number of seconds.
        records: typed access to the notices in the store.
        rate_limiter: waits for the rate limits of channels.
    """

    store: Store
    dead_letters: DeadLetters
    sinks: Mapping[SinkKind, Sink]
    interactions: InteractionHandler | None = None
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    records: NoticeRecords = field(init=False)
    rate_limiter: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "records", NoticeRecords(self.store.notices, self.clock))
        object.__setattr__(self, "rate_limiter", RateLimiter(self.records, self.clock, self.sleep))

    def alerting(self) -> Alerting:
        """The current alerting rules; without an ``Alerting`` document, findings go to the channels of their owners."""
        control = self.store.control().value
        documents = (source.alerting for source in control.sources.values())
        return next((document for document in documents if document is not None), Alerting())
