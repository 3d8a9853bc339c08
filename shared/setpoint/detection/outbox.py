"""Pending work in the store: events to publish and records to evaluate; events that no bus accepts are dead letters."""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from setpoint.errors import Conflict, PermanentError, TransientError
from setpoint.model import events
from setpoint.model.events import CloudEvent
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.queues import DeadLetters, EventBus
from setpoint.ports.stores import Snapshot, StateStore
from setpoint.util import telemetry
from setpoint.util.quotas import PUBSUB_ATTRIBUTE, cut

if TYPE_CHECKING:
    from setpoint.detection.pipeline import Context

_DOWN = 3
"""After this many failures in a row a service counts as down, and the rest waits for the next run."""


def publish_pending(snapshot: Snapshot, context: Context) -> None:
    """Publish the pending events of a record, under the ids that they were stored with."""
    if context.bus is not None and snapshot.state is not None and snapshot.state.pending:
        try:
            context.bus.publish(snapshot.state.pending)
        except PermanentError:
            _publish_each(snapshot.state.pending, context.bus, context.dead_letters)
        context.store.mark_published(snapshot)


def _publish_each(pending: Iterable[CloudEvent], bus: EventBus, dead_letters: DeadLetters) -> None:
    """Publish events one after the other; dead-letter an event that the bus refuses, with the reason.

    Raises:
        TransientError: the bus is unavailable; try again. No event is lost.
    """
    for event in pending:
        try:
            bus.publish((event,))
        except PermanentError as error:
            attributes = {"type": event.type, "subject": cut(event.subject, PUBSUB_ATTRIBUTE)}
            dead_letters.put(events.encode(event), attributes, str(error))
            telemetry.happened("set_aside", "ERROR", kind="event", resource_name=event.subject, reason=str(error))


class Failures:
    """Failures of a run that may pass; the run continues unless nothing succeeds any more."""

    def __init__(self) -> None:
        self.in_a_row = 0
        self._first: TransientError | None = None

    def add(self, error: TransientError) -> None:
        """Record a failure.

        Raises:
            TransientError: so many failed in a row that a service counts as down.
        """
        self._first = self._first or error
        self.in_a_row += 1
        if self.in_a_row >= _DOWN:
            raise self._first

    def end(self, succeeded: int) -> None:
        """Raise the first failure where nothing succeeded."""
        if self._first is not None and not succeeded:
            raise self._first


def in_any_order(keys: Iterable[ResourceKey]) -> list[ResourceKey]:
    """The keys in random order, so that repeated failures do not block the keys behind them."""
    shuffled = list(keys)
    random.shuffle(shuffled)
    return shuffled


def is_due(key: ResourceKey, store: StateStore, now: datetime) -> bool:
    """Whether a record is due for evaluation; refile a record that an older version filed under another time."""
    snapshot = store.read(key)
    if snapshot.state is None or (snapshot.state.due is not None and snapshot.state.due <= now):
        return True
    with suppress(Conflict):
        store.commit(snapshot, snapshot.state)
    return False
