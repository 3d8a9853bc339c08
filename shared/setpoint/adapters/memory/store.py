"""Stores and buses in the memory of one process."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from setpoint.adapters.memory.names import MemoryNames
from setpoint.adapters.memory.notices import MemoryNotices
from setpoint.adapters.memory.sweeps import MemorySweeps
from setpoint.errors import Conflict, TransientError
from setpoint.model.actors import AuditedChange
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.change_history import remembered
from setpoint.model.events import CloudEvent
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.retention import Retention, expires
from setpoint.model.safety_limits import SafetyState
from setpoint.model.sources import Control, DesiredRecord, desired_by, rules_of
from setpoint.ports.stores import (
    Commit,
    DamagedRecord,
    Manifest,
    Problems,
    Snapshot,
    StoredControl,
    StoredRecord,
    StoredSafetyState,
)


class MemoryStore:
    """A ``Store`` that ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[ResourceKey, DesiredRecord] = {}
        self._manifests: dict[tuple[str, int], tuple[tuple[ResourceKey, str], ...]] = {}
        self._control = Control()
        self._control_version: int | None = None
        self._rules = Rules()
        self._states: dict[ResourceKey, tuple[int, ResourceState]] = {}
        self._observations: dict[ResourceKey, Observation] = {}
        self._projects: dict[str, str] = {}
        self._stored_key = b""
        self.sweeps = MemorySweeps()
        self.names = MemoryNames()
        self.notices = MemoryNotices()
        self._brakes = StoredSafetyState(SafetyState(), None)
        self._changes: dict[ResourceKey, tuple[AuditedChange, ...]] = {}
        self._trails: defaultdict[ResourceKey, list[AuditEntry]] = defaultdict(list)

    def read(self, key: ResourceKey) -> Snapshot:
        """See ``StateStore.read``."""
        with self._lock:
            version, state = self._states.get(key, (None, None))
            record = self._records.get(key)
            desired = desired_by(record, self._control) if record else None
            return Snapshot(key, desired, self._rules, state, version, self._changes.get(key, ()))

    def commit(self, snapshot: Snapshot, state: ResourceState, observation: Observation | None = None) -> Snapshot:
        """See ``StateStore.commit``."""
        with self._lock:
            stored = self._replace(snapshot, state)
            if observation is not None:
                self._observations[snapshot.key] = observation
        return stored

    def _replace(self, snapshot: Snapshot, state: ResourceState) -> Snapshot:
        version = self._current_version(snapshot) + 1
        self._states[snapshot.key] = (version, state)
        return replace(snapshot, state=state, version=version)

    def _current_version(self, snapshot: Snapshot) -> int:
        version, _ = self._states.get(snapshot.key, (None, None))
        if version != snapshot.version:
            raise Conflict(f"{snapshot.key.name}: written by another process; read it again")
        return version or 0

    def read_many(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Snapshot]:
        """See ``StateStore.read_many``."""
        return {key: self.read(key) for key in keys}

    def commit_many(self, commits: Sequence[Commit]) -> list[Snapshot | TransientError]:
        """See ``StateStore.commit_many``."""
        return [_tried(self.commit, item) for item in commits]

    def mark_published(self, snapshot: Snapshot) -> None:
        """See ``StateStore.mark_published``."""
        with self._lock:
            version, state = self._states.get(snapshot.key, (None, None))
            if state is not None and version is not None and version == snapshot.version:
                self._states[snapshot.key] = (version + 1, replace(state, pending=()))

    def last_observation(self, key: ResourceKey) -> Observation | None:
        """See ``StateStore.last_observation``."""
        return self._observations.get(key)

    def last_observations(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Observation]:
        """See ``StateStore.last_observations``."""
        return {key: self._observations[key] for key in keys if key in self._observations}

    def control(self) -> StoredControl:
        """See ``DesiredStore.control``."""
        with self._lock:
            return StoredControl(self._control, self._control_version)

    def write_control(self, control: Control, version: Any) -> None:
        """See ``DesiredStore.write_control``."""
        with self._lock:
            if version != self._control_version:
                raise Conflict("the control record was written by another process; read it again")
            self._control, self._control_version = control, (version or 0) + 1
            self._rules = rules_of(control)

    def manifest(self, source: str, generation: int) -> Iterator[tuple[ResourceKey, str]]:
        """See ``DesiredStore.manifest``."""
        return iter(self._manifests.get((source, generation), ()))

    def write_manifest(self, source: str, generation: int, manifest: Manifest) -> None:
        """See ``DesiredStore.write_manifest``."""
        self._manifests[source, generation] = tuple(manifest)

    def drop_manifest(self, source: str, generation: int) -> None:
        """See ``DesiredStore.drop_manifest``."""
        self._manifests.pop((source, generation), None)

    def records(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, StoredRecord]:
        """See ``DesiredStore.records``; the version of a record is the immutable record itself."""
        with self._lock:
            records_by_key = {key: self._records.get(key) for key in keys}
        return {key: StoredRecord(record or DesiredRecord(), record) for key, record in records_by_key.items()}

    def write_records(self, records: Mapping[ResourceKey, StoredRecord]) -> None:
        """See ``DesiredStore.write_records``."""
        with self._lock:
            for key, record in records.items():
                if self._records.get(key) is not record.version:
                    raise Conflict(f"{key.name}: declared by another process; read it again")
            self._records.update({key: record.value for key, record in records.items()})

    def project_id(self, number: str) -> str:
        """See ``ProjectStore.project_id``."""
        return self._projects.get(number, "")

    def project_number(self, identifier: str) -> str:
        """See ``ProjectStore.project_number``."""
        return next((number for number, known in self._projects.items() if known == identifier), "")

    def write_project_ids(self, ids: Mapping[str, str]) -> None:
        """See ``ProjectStore.write_project_ids``."""
        self._projects.update(ids)

    def stored_key(self) -> bytes:
        """See ``KeyStore.stored_key``."""
        return self._stored_key

    def replace_stored_key(self, old: bytes, new: bytes) -> bool:
        """See ``KeyStore.replace_stored_key``."""
        with self._lock:
            is_same = self._stored_key == old
            self._stored_key = new if is_same else self._stored_key
            return is_same

    def states(self, *, drifted: bool = False, problems: Problems | None = None) -> Iterator[ResourceState]:
        """See ``StateStore.states``."""
        del problems  # stored values need no decoding
        with self._lock:
            states = [state for _, state in self._states.values() if state.finding is not None or not drifted]
        return iter(states)

    def damaged(self) -> Iterator[DamagedRecord]:
        """See ``StateStore.damaged``; stored values need no decoding, so none is damaged."""
        return iter(())

    def repair(self, record: DamagedRecord, state: ResourceState | None) -> None:
        """See ``StateStore.repair``."""
        del state
        raise Conflict(f"record {record.id}: it does not exist")

    def unpublished(self, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """See ``StateStore.unpublished``."""
        return (state.key for state in self.states(problems=problems) if state.pending)

    def suppressed(self, problems: Problems | None = None) -> Iterator[ResourceState]:
        """See ``StateStore.suppressed``."""
        return (state for state in self.states(problems=problems) if state.suppressed)

    def due(self, now: datetime, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """See ``StateStore.due``."""
        states = self.states(problems=problems)
        return (state.key for state in states if state.due is not None and state.due <= now)

    def remediations_due(self, now: datetime, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """See ``StateStore.remediations_due``."""
        states = self.states(problems=problems)
        return (state.key for state in states if state.remediation_due is not None and state.remediation_due <= now)

    def readings_due(self, now: datetime, most: int, problems: Problems | None = None) -> Sequence[ResourceKey]:
        """See ``StateStore.readings_due``."""
        due = ((state.reading_due, state.key) for state in self.states(problems=problems) if state.reading_due)
        return [key for _, key in sorted(pair for pair in due if pair[0] <= now)[:most]]

    def safety_state(self) -> StoredSafetyState:
        """See ``RemediationStore.safety_state``."""
        return self._brakes

    def write_safety_state(self, safety: SafetyState, version: Any) -> None:
        """See ``RemediationStore.write_safety_state``."""
        with self._lock:
            self._write_safety_state(safety, version)

    def claim(self, snapshot: Snapshot, state: ResourceState, safety: SafetyState, version: Any) -> Snapshot:
        """See ``RemediationStore.claim``."""
        with self._lock:
            self._current_version(snapshot)
            self._write_safety_state(safety, version)
            return self._replace(snapshot, state)

    def _write_safety_state(self, safety: SafetyState, version: Any) -> None:
        if version != self._brakes.version:
            raise Conflict("the safety state was written by another process; read it again")
        self._brakes = StoredSafetyState(safety, (version or 0) + 1)

    def changes(self, key: ResourceKey) -> tuple[AuditedChange, ...]:
        """See ``ActorStore.changes``."""
        return self._changes.get(key, ())

    def changes_of(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, tuple[AuditedChange, ...]]:
        """See ``ActorStore.changes_of``."""
        return {key: self.changes(key) for key in keys}

    def remember(self, key: ResourceKey, change: AuditedChange, now: datetime) -> None:
        """See ``ActorStore.remember``."""
        with self._lock:
            self._changes[key] = remembered(self._changes.get(key, ()), change, now)

    def note(self, key: ResourceKey, entry: AuditEntry) -> None:
        """See ``RemediationStore.note``."""
        self._trails[key].append(entry)

    def trail(self, key: ResourceKey) -> Sequence[AuditEntry]:
        """See ``RemediationStore.trail``."""
        return tuple(sorted(self._trails.get(key, ()), key=lambda entry: entry.recorded_at))

    def forget(self, retention: Retention, now: datetime) -> int:
        """See ``ExpiringRecords.forget``."""
        with self._lock:
            ends = ((key, expires(state, retention)) for key, (_, state) in self._states.items())
            expired = [key for key, end in ends if end is not None and end <= now]
            for key in expired:
                del self._states[key]
            for entries in self._trails.values() if retention.audit else ():
                entries[:] = (entry for entry in entries if entry.recorded_at + retention.audit > now)
        return len(expired)

    def close(self) -> None:
        """Do nothing; there are no resources to close."""


def _tried(commit: Callable[..., Snapshot], item: Commit) -> Snapshot | Conflict:
    try:
        return commit(*item)
    except Conflict as conflict:
        return conflict


class MemoryBus:
    """An ``EventBus`` that records all events, in the order of publishing."""

    def __init__(self) -> None:
        self.events: list[CloudEvent] = []

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """See ``EventBus.publish``."""
        self.events.extend(events)


class StoredDeadLetter(NamedTuple):
    """A message that cannot be handled."""

    message: bytes
    attributes: Mapping[str, str]
    reason: str


class MemoryDeadLetters:
    """``DeadLetters`` that end with the process."""

    def __init__(self) -> None:
        self.kept: list[StoredDeadLetter] = []

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """See ``DeadLetters.put``."""
        self.kept.append(StoredDeadLetter(message, attributes, reason))
