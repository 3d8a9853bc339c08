"""The outbox: events that are stored with the transition they follow from, and published afterwards.

Pending work of the other kind, the records to evaluate, is listed here too.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from setpoint.errors import Conflict, CorruptState, PermanentError, TransientError
from setpoint.model import events
from setpoint.model.decode_errors import readable
from setpoint.model.events import CloudEvent
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.queues import DeadLetters, EventBus
from setpoint.ports.stores import Problems, Snapshot, StateStore
from setpoint.util import telemetry
from setpoint.util.quotas import PUBSUB_ATTRIBUTE, cut

_DOWN = 3
"""After this many failures in a row a service counts as down, and the rest waits for the next run."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Publishes the events that are stored as pending.

    Args:
        store: the records with their pending events.
        bus: publishes events; None leaves them pending, for the next process with a bus.
        dead_letters: takes events that the bus refuses.
    """

    store: StateStore
    bus: EventBus | None
    dead_letters: DeadLetters

    def publish_pending(self, snapshot: Snapshot) -> None:
        """Publish the pending events of a record, under the ids that they were stored with.

        Raises:
            TransientError: the bus or the store is unavailable; the events stay pending.
        """
        if self.bus is not None and snapshot.state is not None and snapshot.state.pending:
            try:
                self.bus.publish(snapshot.state.pending)
            except PermanentError:
                _publish_each(snapshot.state.pending, self.bus, self.dead_letters)
            self.store.mark_published(snapshot)

    def republish_pending(self, problems: Problems | None = None) -> int:
        """Publish all events that a crash left pending; a record that cannot be read does not stop the others.

        Args:
            problems: takes the errors of records that cannot be read.

        Returns:
            The number of resources with published events; 0 without a bus.

        Raises:
            CorruptState: at the end, without ``problems``: some records cannot be read; the error names the first.
        """
        if self.bus is None:
            return 0
        unread: Problems = []
        published = 0
        failures = Failures()
        for key in in_any_order(self.store.unpublished(unread)):
            try:
                self.publish_pending(self.store.read(key))
            except CorruptState as error:
                unread.append(error)
            except TransientError as error:
                failures.add(error)
            else:
                published += 1
                failures.in_a_row = 0
        report_unread(unread, problems)
        failures.end(published)
        return published


def report_unread(unread: Problems, problems: Problems | None) -> None:
    """Pass errors of records that cannot be read to the caller's list; raise the first without a list."""
    if problems is not None:
        problems += unread
    else:
        any(readable(unread))


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
            telemetry.log_event("set_aside", "ERROR", kind="event", resource_name=event.subject, reason=str(error))


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
