"""What the flow needs of the world, as small protocols; their docstrings are the contract of every backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from setpoint.core.declarations import Desired, Rules
from setpoint.core.events import CloudEvent
from setpoint.core.findings import ResourceState
from setpoint.core.names import ResourceKey


class Snapshot(msgspec.Struct, frozen=True):
    """All that is stored of one resource and content, as it was at one moment.

    Args:
        key: the resource and content.
        desired: what is desired of it, or None where nothing declares it.
        rules: the rules of the fleet.
        state: its record, or None where there is none yet.
        version: the store's own mark of that record; None where there is none yet.
    """

    key: ResourceKey
    desired: Desired | None
    rules: Rules
    state: ResourceState | None
    version: Any


class StateStore(Protocol):
    """Desired state, and the state of findings.

    Whoever shares a store, in this process or another, sees each commit whole or not at all. Every method raises
    ``Unavailable`` where the store does not answer.
    """

    def read(self, key: ResourceKey) -> Snapshot:
        """All that is stored of ``key``, in one read; an unknown key gives a snapshot of nothing, never an error."""

    def commit(self, snapshot: Snapshot, state: ResourceState) -> Snapshot:
        """Store ``state`` in place of the one in ``snapshot``, and give the snapshot that is then true.

        Raises:
            Conflict: the record is no longer the one in ``snapshot``; nothing was written.
        """

    def mark_published(self, snapshot: Snapshot) -> None:
        """Clear what is pending in the record of ``snapshot``.

        A record that was written since is left as it is: whoever wrote it has carried the pending events along.
        """

    def declare(self, desired: Iterable[Desired], rules: Rules | None = None) -> int:
        """Store what is desired, each in place of what was desired of the same key, and the rules if given.

        Returns:
            How many records were written; what is stored already is not written again.
        """

    def states(self, *, drifted: bool = False) -> Iterator[ResourceState]:
        """All records in an order of the store's own; with ``drifted`` only those that have a finding, ever."""

    def unpublished(self) -> Iterator[ResourceKey]:
        """The keys of all records with pending events."""

    def close(self) -> None:
        """Let go of connections; closing twice does no harm."""


class EventBus(Protocol):
    """Where events go."""

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """Hand over events of one resource in their order, and return when all have been taken.

        Raises:
            Unavailable: some may not have been taken; publish all of them again.
        """


class DeadLetters(Protocol):
    """Where messages go that can never be handled, for a person to look at and to replay."""

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """Keep a message with the reason, and return when it is safe.

        Raises:
            Unavailable: it may not have been kept; let the message be delivered again.
        """
