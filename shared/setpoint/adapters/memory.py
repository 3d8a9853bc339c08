"""Stores and buses in the memory of one process."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from setpoint.core.declarations import Desired, Rules
from setpoint.core.events import CloudEvent
from setpoint.core.findings import ResourceState
from setpoint.core.names import ResourceKey
from setpoint.errors import Conflict
from setpoint.ports import Snapshot


class MemoryStore:
    """A ``StateStore`` that ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._desired: dict[ResourceKey, Desired] = {}
        self._states: dict[ResourceKey, tuple[int, ResourceState]] = {}
        self._rules = Rules()

    def read(self, key: ResourceKey) -> Snapshot:
        """See ``StateStore.read``."""
        with self._lock:
            version, state = self._states.get(key, (None, None))
            return Snapshot(key, self._desired.get(key), self._rules, state, version)

    def commit(self, snapshot: Snapshot, state: ResourceState) -> Snapshot:
        """See ``StateStore.commit``."""
        with self._lock:
            version, _ = self._states.get(snapshot.key, (None, None))
            if version != snapshot.version:
                raise Conflict(f"{snapshot.key.name}: written by somebody else; read it again")
            now = (version or 0) + 1
            self._states[snapshot.key] = (now, state)
        return replace(snapshot, state=state, version=now)

    def mark_published(self, snapshot: Snapshot) -> None:
        """See ``StateStore.mark_published``."""
        with self._lock:
            version, state = self._states.get(snapshot.key, (None, None))
            if state is not None and version is not None and version == snapshot.version:
                self._states[snapshot.key] = (version + 1, replace(state, pending=()))

    def declare(self, desired: Iterable[Desired], rules: Rules | None = None) -> int:
        """See ``StateStore.declare``."""
        written = 0
        with self._lock:
            for one in desired:
                key = one.declarations[0].key
                written += self._desired.get(key) != one
                self._desired[key] = one
            if rules is not None:
                written += rules != self._rules
                self._rules = rules
        return written

    def states(self, *, drifted: bool = False) -> Iterator[ResourceState]:
        """See ``StateStore.states``."""
        with self._lock:
            found = [state for _, state in self._states.values() if state.finding is not None or not drifted]
        return iter(found)

    def unpublished(self) -> Iterator[ResourceKey]:
        """See ``StateStore.unpublished``."""
        return (state.key for state in self.states() if state.pending)

    def close(self) -> None:
        """Nothing to let go of."""


class MemoryBus:
    """An ``EventBus`` that keeps all events, in the order of publishing."""

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """See ``EventBus.publish``."""
        self.events.extend(events)


class NoBus:
    """An ``EventBus`` for where nobody listens: the store tells what drifted."""

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """See ``EventBus.publish``."""


class DeadLetter(NamedTuple):
    """A message that could not be handled."""

    message: bytes
    attributes: Mapping[str, str]
    reason: str


class MemoryDeadLetters:
    """``DeadLetters`` that end with the process."""

    def __init__(self) -> None:
        self.kept: list[DeadLetter] = []

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """See ``DeadLetters.put``."""
        self.kept.append(DeadLetter(message, attributes, reason))
