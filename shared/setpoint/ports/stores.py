"""Ports of stores: findings, desired state, names, sweeps, remediation, and who changed what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from setpoint.errors import CorruptState, TransientError
from setpoint.model.actors import AuditedChange
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.claim_conflicts import ClaimConflicts
from setpoint.model.declaration import Desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.safety_limits import SafetyState
from setpoint.model.sources import Control, DesiredRecord
from setpoint.model.sweep_records import Shard, ShardPart, Sweep
from setpoint.ports.keys import KeyStore
from setpoint.ports.people import NoticeStore
from setpoint.ports.retention import ExpiringRecords

Problems = list[CorruptState]
"""Errors of records that a listing could not read; each names its record and the next step."""


class Snapshot(msgspec.Struct, frozen=True):
    """All that is stored of one resource and content, as it was at one moment.

    Args:
        key: the resource and content.
        desired: its desired state; None where nothing declares it.
        rules: the rules of the fleet.
        state: its record; None where there is none yet.
        version: the store's version of the record; None where there is none yet.
        changes: its latest changes in audit logs, the oldest first.
        contest: what sources declare of it and does not count, once it is known where it is; None for none.
    """

    key: ResourceKey
    desired: Desired | None
    rules: Rules
    state: ResourceState | None
    version: Any
    changes: tuple[AuditedChange, ...] = ()
    contest: ClaimConflicts | None = None


class DamagedRecord(NamedTuple):
    """A record of a finding that this version cannot read.

    Args:
        problem: why.
        id: its id.
        version: the store's own mark of it.
        body: its stored form.
        key: the resource and content, where the store knows it beside the stored form.
        observation: the last observation of it, where that can be read.
    """

    problem: CorruptState
    id: str
    version: Any
    body: bytes
    key: ResourceKey | None = None
    observation: Observation | None = None


class Commit(NamedTuple):
    """A record to store.

    Args:
        snapshot: the snapshot that it was made from.
        state: the new record.
        observation: the observation behind it; None keeps the stored one.
    """

    snapshot: Snapshot
    state: ResourceState
    observation: Observation | None = None


class StateStore(ExpiringRecords, Protocol):
    """The state of findings, read together with the desired state.

    Every reader, in this process or another, sees a commit whole or not at all. Every method raises ``Unavailable``
    where the store does not answer.
    """

    def read(self, key: ResourceKey) -> Snapshot:
        """All that is stored of ``key``, in one read; an unknown key gives an empty snapshot, never an error."""

    def commit(self, snapshot: Snapshot, state: ResourceState, observation: Observation | None = None) -> Snapshot:
        """Replace the record in ``snapshot`` by ``state``, with the observation behind it.

        Args:
            snapshot: the snapshot that the record was made from.
            state: the new record.
            observation: the observation behind it; None keeps the stored one. One that is too large is left out.

        Returns:
            The new snapshot.

        Raises:
            Conflict: the stored record is not that of ``snapshot``; nothing was written.
        """

    def read_many(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Snapshot]:
        """The snapshot of each of ``keys``, as ``read`` gives it, in one read; up to some hundred keys."""

    def commit_many(self, commits: Sequence[Commit]) -> list[Snapshot | TransientError]:
        """Commit each of ``commits``, as ``commit`` does, in one write; of different keys, up to some hundred.

        Each is written or not, independently of the others.

        Returns:
            For each, in their order: the new snapshot; ``Conflict`` where it was not written; ``Unavailable`` where
            that is unknown, in which case a commit of this one alone gives the reason.

        Raises:
            Unavailable: some may have been written and some not.
        """

    def last_observation(self, key: ResourceKey) -> Observation | None:
        """The observation of the last commit that had one; None where there is none, or where it was left out."""

    def last_observations(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Observation]:
        """The ``last_observation`` of each of ``keys`` that has one, in one read; up to some hundred keys.

        One that cannot be read is left out.
        """

    def mark_published(self, snapshot: Snapshot) -> None:
        """Clear the pending events in the record of ``snapshot``.

        A record that was written since is not changed: its writer has kept the pending events.
        """

    def states(self, *, drifted: bool = False, problems: Problems | None = None) -> Iterator[ResourceState]:
        """All records, in the order of the store.

        A record that cannot be read does not stop the listing, here and in the listings below.

        Args:
            drifted: only records that have, or had, a finding.
            problems: takes the errors of records that cannot be read, while the listing goes on.

        Raises:
            CorruptState: at the end, without ``problems``: some cannot be read; it names the first of them.
        """

    def damaged(self) -> Iterator[DamagedRecord]:
        """All records of findings that this version cannot read, those of a newer version included."""

    def repair(self, record: DamagedRecord, state: ResourceState | None) -> None:
        """Write ``state`` in place of a record that cannot be read; None deletes it. Its observation stays.

        Raises:
            Conflict: it has changed; nothing was written.
        """

    def suppressed(self, problems: Problems | None = None) -> Iterator[ResourceState]:
        """All records with a drift that a rule suppresses, whether they have a finding or not; see ``states``."""

    def unpublished(self, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """The keys of all records with pending events; a key can be read where its record cannot; see ``states``."""

    def due(self, now: datetime, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """The keys of all records that are due for evaluation by ``now``; see ``states``."""

    def remediations_due(self, now: datetime, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """The keys of all records whose remediation is to go on by ``now``; see ``states``."""

    def readings_due(self, now: datetime, most: int, problems: Problems | None = None) -> Sequence[ResourceKey]:
        """The keys of records whose resource is to be read through its API by ``now``, the longest due first.

        Args:
            now: the time.
            most: no more than so many.
            problems: as in ``states``.
        """

    def close(self) -> None:
        """Close all connections; closing twice is allowed."""


class StoredControl(NamedTuple):
    """The control record.

    Args:
        value: its value; one without sources where there is no record yet.
        version: the store's version of it; None where there is no record yet.
    """

    value: Control
    version: Any


class StoredRecord(NamedTuple):
    """The record of the desired state of one resource and content.

    Args:
        value: its value; an empty one where there is no record yet.
        version: the store's version of it; None where there is no record yet.
    """

    value: DesiredRecord
    version: Any


Manifest = Iterable[tuple[ResourceKey, str]]
"""The declarations of a source, in the order of keys: each resource and content with the digest of its declaration."""


class DesiredStore(Protocol):
    """Desired state, by source and generation; every method raises ``Unavailable`` where the store does not answer."""

    def control(self) -> StoredControl:
        """The control record."""

    def write_control(self, control: Control, version: Any) -> None:
        """Replace the control record of ``version``.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """

    def manifest(self, source: str, generation: int) -> Iterator[tuple[ResourceKey, str]]:
        """The manifest of a source's generation, in the order of keys; empty for one that was never written.

        At most some thousand entries are in memory.

        Raises:
            Conflict: it was dropped or replaced while it was read.
        """

    def write_manifest(self, source: str, generation: int, manifest: Manifest) -> None:
        """Write or replace the manifest of a source's generation; at most some thousand entries are in memory.

        Args:
            source: the source's name.
            generation: the generation.
            manifest: in the order of keys.
        """

    def drop_manifest(self, source: str, generation: int) -> None:
        """Delete the manifest of a generation, where there is one."""

    def records(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, StoredRecord]:
        """The records of all ``keys``, empty ones where there are none; up to some hundred keys."""

    def write_records(self, records: Mapping[ResourceKey, StoredRecord]) -> None:
        """Replace records of their versions; up to some hundred.

        All are written or none, up to 300 records and 3 MB together. More may be written in parts, each of which is
        written whole or not at all.

        Raises:
            Conflict: the stored version of one of them is another one; nothing of its part was written.
        """


class ProjectStore(Protocol):
    """The ids of projects by number; every method raises ``Unavailable`` where the store does not answer."""

    def project_id(self, number: str) -> str:
        """The last known id of the project with a number; empty where it is not known.

        Args:
            number: the project's number, digits alone.
        """

    def project_number(self, identifier: str) -> str:
        """The last known number of the project with an id; empty where it is not known.

        It may read all projects: not for the event path.

        Args:
            identifier: the project's id, ``my-project``.
        """

    def write_project_ids(self, ids: Mapping[str, str]) -> None:
        """Write the ids of projects in one write; earlier ids are replaced.

        Args:
            ids: the id of each project, ``my-project``, by its number, digits alone; up to some hundred.
        """


class NameStore(Protocol):
    """Bindings of inventory names to declared names, and the resources that wait for one.

    Every method raises ``Unavailable`` where the store does not answer.
    """

    def bound_names(self, names: Collection[str]) -> dict[str, str]:
        """The declared names that are bound to up to some hundred inventory names, in one read; without the unbound."""

    def bind(self, names: Mapping[str, str]) -> None:
        """Bind names of the inventory, in place of earlier bindings, in one write.

        Args:
            names: declared name by inventory name; up to some hundred.
        """

    def wait_for(self, unknown: str, key: ResourceKey) -> None:
        """Let an observed resource wait until its name is known; calling it twice is allowed.

        Args:
            unknown: what is not known yet: an inventory name, or ``projects/NUMBER``.
            key: the key under which the observation is stored.
        """

    def waiting_for(self, unknown: str) -> Sequence[ResourceKey]:
        """The resources that wait for a name, in order."""

    def stop_waiting_for(self, unknown: str) -> None:
        """End the wait of all resources that wait for a name."""


class StoredSweep(NamedTuple):
    """The record of a sweep.

    Args:
        value: the record; None where there is none yet.
        version: the store's version of it; None where there is none yet.
    """

    value: Sweep | None
    version: Any


def readable_sweeps(records: SweepRecords) -> list[Sweep]:
    """The records of all sweeps that were made."""
    return [stored.value for stored in records.sweeps() if stored.value is not None]


class StoredShard(NamedTuple):
    """The record of a shard.

    Args:
        value: the record; None where there is none.
        version: the store's version of it; None where there is none.
    """

    value: Shard | None
    version: Any


class SweepStore(Protocol):
    """The progress of sweeps; every method raises ``Unavailable`` where the store does not answer.

    A write is visible to every call that begins after it, in this process or another.
    """

    def sweep(self, name: str) -> StoredSweep:
        """The record of the latest run of a sweep."""

    def sweeps(self) -> Iterator[StoredSweep]:
        """The records of all sweeps."""

    def write_sweep(self, sweep: Sweep, version: Any) -> StoredSweep:
        """Replace the record of ``version``, or create it where ``version`` is None.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """

    def shard(self, run: str, number: int) -> StoredShard:
        """The record of a shard."""

    def shards(self, run: str) -> Iterator[StoredShard]:
        """The records of all shards of a run, by their numbers."""

    def write_shard(self, shard: Shard, version: Any, part: ShardPart | None = None) -> StoredShard:
        """Replace the record of ``version``, and add a part to it; both are written or neither.

        Args:
            shard: the record; the part is the last of ``shard.parts``.
            version: the version of the stored record; None to create it.
            part: the part, up to some hundred kilobytes.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """

    def parts(self, run: str, number: int) -> Iterator[ShardPart]:
        """The parts of a shard in their order."""

    def drop_run(self, run: str) -> None:
        """Delete all shards of a run and their parts, where there are any."""


class StoredSafetyState(NamedTuple):
    """The guardrails of the fleet.

    Args:
        value: their values; all off where there is no record yet.
        version: the store's version of the record; None where there is none yet.
    """

    value: SafetyState
    version: Any


class RemediationStore(Protocol):
    """Further records of remediation; every method raises ``Unavailable`` where the store does not answer."""

    def safety_state(self) -> StoredSafetyState:
        """The guardrails of the fleet."""

    def write_safety_state(self, safety: SafetyState, version: Any) -> None:
        """Replace the guardrails of ``version``.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """

    def claim(self, snapshot: Snapshot, state: ResourceState, safety: SafetyState, version: Any) -> Snapshot:
        """Replace the record in ``snapshot`` and the guardrails of ``version``; both are written or neither.

        Returns:
            The new snapshot.

        Raises:
            Conflict: the stored version of one of them is another one; nothing was written.
        """

    def note(self, key: ResourceKey, entry: AuditEntry) -> None:
        """Add an entry to the audit trail of a finding."""

    def trail(self, key: ResourceKey) -> Sequence[AuditEntry]:
        """The audit trail of a finding, the oldest entry first."""


class ActorStore(Protocol):
    """Changes of resources in audit logs; ``StateStore.read`` reads them with the finding."""

    def changes(self, key: ResourceKey) -> tuple[AuditedChange, ...]:
        """The known changes of a resource and content, as in ``StateStore.read``, and nothing else.

        Raises:
            Unavailable: the store does not answer.
        """

    def changes_of(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, tuple[AuditedChange, ...]]:
        """The ``changes`` of each of ``keys``, in one read; up to some hundred keys.

        Raises:
            Unavailable: the store does not answer.
        """

    def remember(self, key: ResourceKey, change: AuditedChange, now: datetime) -> None:
        """Add a change of a resource and content; ``change_history.remembered`` merges it with the stored ones.

        A change may come more than once, late, and at the same time as others; none is lost.

        Raises:
            Conflict: other writers were faster each time; nothing was written.
            Unavailable: the store does not answer.
        """


class Store(StateStore, DesiredStore, ProjectStore, KeyStore, RemediationStore, ActorStore, Protocol):
    """All stores of one backend."""

    @property
    def sweeps(self) -> SweepStore:
        """How far sweeps have come."""

    @property
    def names(self) -> NameStore:
        """Bindings of inventory names."""

    @property
    def notices(self) -> NoticeStore:
        """The records of alerting."""


class SweepRecords(Protocol):
    """The part of ``SweepStore`` that a report reads."""

    def sweeps(self) -> Iterator[StoredSweep]:
        """See ``SweepStore.sweeps``."""
