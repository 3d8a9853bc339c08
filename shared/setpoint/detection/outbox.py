"""What waits in the store: events to be published, and records to be judged again; what no bus takes is set aside."""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from setpoint.errors import Conflict, PermanentError, TransientError
from setpoint.model import events
from setpoint.model.events import CloudEvent
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.queues import DeadLetters, EventBus
from setpoint.ports.stores import Snapshot
from setpoint.util import telemetry
from setpoint.util.quotas import PUBSUB_ATTRIBUTE, cut

if TYPE_CHECKING:
    from setpoint.detection.pipeline import Context

_DOWN = 3
"""After so many failures in a row a service is down, and the rest waits for the next run."""


def publish_pending(snapshot: Snapshot, context: Context) -> None:
    """Publish what is stored and not known to be published, under the ids that it was stored with."""
    if context.bus is not None and snapshot.state is not None and snapshot.state.pending:
        try:
            context.bus.publish(snapshot.state.pending)
        except PermanentError:
            _publish_singly(snapshot.state.pending, context.bus, context.dead_letters)
        context.store.mark_published(snapshot)


def _publish_singly(pending: Iterable[CloudEvent], bus: EventBus, dead_letters: DeadLetters) -> None:
    """Publish events one after the other; one that the bus will never take goes to the dead letters with the reason.

    Raises:
        TransientError: try again; nothing is lost.
    """
    for event in pending:
        try:
            bus.publish((event,))
        except PermanentError as error:
            attributes = {"type": event.type, "subject": cut(event.subject, PUBSUB_ATTRIBUTE)}
            dead_letters.put(events.encode(event), attributes, str(error))
            telemetry.happened("set_aside", "ERROR", kind="event", resource_name=event.subject, reason=str(error))


class Failures:
    """What failed for now: it keeps nothing else from being tried, unless nothing succeeds any more."""

    def __init__(self) -> None:
        self.in_a_row = 0
        self._first: TransientError | None = None

    def add(self, error: TransientError) -> None:
        """Note a failure.

        Raises:
            TransientError: so many failed one after the other that a service is down.
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
    """Keys in another order each time, so that what fails again and again holds up nothing behind it."""
    shuffled = list(keys)
    random.shuffle(shuffled)
    return shuffled


def is_due(key: ResourceKey, context: Context) -> bool:
    """Whether a record is to be judged again; one that an older version filed under another time is filed anew."""
    snapshot = context.store.read(key)
    if snapshot.state is None or (snapshot.state.due is not None and snapshot.state.due <= context.clock()):
        return True
    with suppress(Conflict):
        context.store.commit(snapshot, snapshot.state)
    return False
