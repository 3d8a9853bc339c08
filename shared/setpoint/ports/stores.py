"""What is stored of the fleet: its state, what is desired of it, sweeps, remedies, and who changed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from setpoint.errors import CorruptState, TransientError
from setpoint.model.actors import AuditedChange
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.declaration import Desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.safety_limits import SafetyState
from setpoint.model.sources import Control, DesiredRecord
from setpoint.model.sweep_records import Part, Shard, Sweep
from setpoint.ports.people import NoticeStore

Problems = list[CorruptState]
"""Why records of a listing cannot be read; each error names its record and what to do."""


class Snapshot(msgspec.Struct, frozen=True):
    """All that is stored of one resource and content, as it was at one moment.

    Args:
        key: the resource and content.
        desired: what is desired of it, or None where nothing declares it.
        rules: the rules of the fleet.
        state: its record, or None where there is none yet.
        version: the store's own mark of that record; None where there is none yet.
        changes: what audit logs tell of who has changed it, the oldest first; the latest few.
    """

    key: ResourceKey
    desired: Desired | None
    rules: Rules
    state: ResourceState | None
    version: Any
    changes: tuple[AuditedChange, ...] = ()


class Commit(NamedTuple):
    """A record that is to be stored.

    Args:
        snapshot: what was read before.
        state: the new record.
        observation: what gave it; None keeps the one before.
    """

    snapshot: Snapshot
    state: ResourceState
    observation: Observation | None = None


class StateStore(Protocol):
    """The state of findings, read together with what is desired.

    Whoever shares a store, in this process or another, sees each commit whole or not at all. Every method raises
    ``Unavailable`` where the store does not answer.
    """

    def read(self, key: ResourceKey) -> Snapshot:
        """All that is stored of ``key``, in one read; an unknown key gives a snapshot of nothing, never an error."""

    def commit(self, snapshot: Snapshot, state: ResourceState, observation: Observation | None = None) -> Snapshot:
        """Store ``state``, and the observation that gave it, in place of the one in ``snapshot``.

        Args:
            snapshot: what was read before.
            state: the new record.
            observation: what gave it; None keeps the one before. One that is too large for a record is left out.

        Returns:
            The snapshot that is then true.

        Raises:
            Conflict: the record is no longer the one in ``snapshot``; nothing was written.
        """

    def read_many(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Snapshot]:
        """What ``read`` gives of each of ``keys``, in one read; up to some hundred at a time."""

    def commit_many(self, commits: Sequence[Commit]) -> list[Snapshot | TransientError]:
        """Do what ``commit`` does with each of ``commits``, in one write; of different keys, up to some hundred.

        Each is written or not whatever becomes of the others.

        Returns:
            For each, in their order: the snapshot that is then true; or ``Conflict`` where it was not written, and
            ``Unavailable`` where nobody knows. Committed by itself it will tell more.

        Raises:
            Unavailable: some may have been written and some not.
        """

    def last_observation(self, key: ResourceKey) -> Observation | None:
        """The observation of the last commit that had one; None where there is none, or where it was left out."""

    def last_observations(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Observation]:
        """What ``last_observation`` gives of each of ``keys`` that has one, in one read; up to some hundred at a time.

        One that cannot be read is left out.
        """

    def mark_published(self, snapshot: Snapshot) -> None:
        """Clear what is pending in the record of ``snapshot``.

        A record that was written since is left as it is: whoever wrote it has carried the pending events along.
        """

    def states(self, *, drifted: bool = False, problems: Problems | None = None) -> Iterator[ResourceState]:
        """All records in an order of the store's own; with ``drifted`` only those that have a finding, ever.

        A record that cannot be read keeps no other from being listed, here and in the listings below.

        Args:
            drifted: only those that have a finding, ever.
            problems: why the others cannot be read is added here while the listing goes on.

        Raises:
            CorruptState: at the end, without ``problems``: some cannot be read; it names the first of them.
        """

    def suppressed(self, problems: Problems | None = None) -> Iterator[ResourceState]:
        """All records with a drift that a rule suppresses, whether they have a finding or not; see ``states``."""

    def unpublished(self, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """The keys of all records with pending events; a key can be read where its record cannot; see ``states``."""

    def due(self, now: datetime, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """The keys of all records that are to be evaluated by ``now``: their ``due`` is not later; see ``states``."""

    def close(self) -> None:
        """Let go of connections; closing twice does no harm."""


class StoredControl(NamedTuple):
    """The control record.

    Args:
        value: what it says; one without sources where there is no record yet.
        version: the store's own mark of it; None where there is no record yet.
    """

    value: Control
    version: Any


class StoredRecord(NamedTuple):
    """The record of what is desired of one resource and content.

    Args:
        value: what it holds; nothing where there is no record yet.
        version: the store's own mark of it; None where there is no record yet.
    """

    value: DesiredRecord
    version: Any


Manifest = Iterable[tuple[ResourceKey, str]]
"""What a source declares, in the order of keys: each resource and content with the digest of what is declared of it."""


class DesiredStore(Protocol):
    """Desired state, by source and generation; every method raises ``Unavailable`` where the store does not answer."""

    def control(self) -> StoredControl:
        """The control record."""

    def write_control(self, control: Control, version: Any) -> None:
        """Write the control record in place of the one of ``version``.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """

    def manifest(self, source: str, generation: int) -> Iterator[tuple[ResourceKey, str]]:
        """What a source declares with a generation, in the order of keys; nothing for one that was never written.

        No more than some thousand are ever held.

        Raises:
            Conflict: it was dropped or replaced while it was read.
        """

    def write_manifest(self, source: str, generation: int, manifest: Manifest) -> None:
        """Write, or replace, what a source declares with a generation; no more than some thousand are ever held.

        Args:
            source: the source's name.
            generation: the generation.
            manifest: in the order of keys.
        """

    def drop_manifest(self, source: str, generation: int) -> None:
        """Forget a generation's manifest; one that is not there does no harm."""

    def records(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, StoredRecord]:
        """The records of all ``keys``, empty ones where there are none; up to some hundred at a time."""

    def write_records(self, records: Mapping[ResourceKey, StoredRecord]) -> None:
        """Write records, each in place of the one of its version; up to some hundred at a time.

        All of them are written or none, up to 300 records and 3 MB together; more than that may be written in parts,
        each of which is.

        Raises:
            Conflict: one of them is another one by now; nothing of its part was written.
        """


class ProjectStore(Protocol):
    """Which project has which number; both methods raise ``Unavailable`` where the store does not answer."""

    def project_id(self, number: str) -> str:
        """The id of the project with a number, as it was last learned; empty where it is not known.

        Args:
            number: the project's number, digits alone.
        """

    def write_project_ids(self, ids: Mapping[str, str]) -> None:
        """Keep the ids of projects, in place of those before, in one write; to learn one twice does no harm.

        Args:
            ids: the id of each project, ``my-project``, by its number, digits alone; up to some hundred.
        """


class NameStore(Protocol):
    """Which declared name belongs to a name of the inventory, and what waits until such a name is known.

    Every method raises ``Unavailable`` where the store does not answer.
    """

    def bound_name(self, name: str) -> str:
        """The declared name that is bound to a full resource name of the inventory; empty where there is none."""

    def bind(self, names: Mapping[str, str]) -> None:
        """Bind names of the inventory, in place of earlier bindings, in one write.

        Args:
            names: declared name by inventory name; up to some hundred.
        """

    def wait_for(self, unknown: str, key: ResourceKey) -> None:
        """Keep an observed resource until something is known of its name; to keep one twice does no harm.

        Args:
            unknown: what is not known yet: an inventory name, or ``projects/NUMBER``.
            key: under which the observation is stored.
        """

    def waiting_for(self, unknown: str) -> Sequence[ResourceKey]:
        """All that waits for a name, in order."""

    def stop_waiting_for(self, unknown: str) -> None:
        """Forget what waits for a name; nothing has to be there."""


class StoredSweep(NamedTuple):
    """The record of a sweep.

    Args:
        value: the record; None where there is none yet.
        version: the store's own mark of it; None where there is none yet.
    """

    value: Sweep | None
    version: Any


class StoredShard(NamedTuple):
    """The record of a shard.

    Args:
        value: the record; None where there is none.
        version: the store's own mark of it; None where there is none.
    """

    value: Shard | None
    version: Any


class SweepStore(Protocol):
    """How far sweeps have come; every method raises ``Unavailable`` where the store does not answer.

    What one method has written is seen by all that begin after it, in this process or another.
    """

    def sweep(self, name: str) -> StoredSweep:
        """The record of the latest run of a sweep."""

    def sweeps(self) -> Iterator[StoredSweep]:
        """The records of all sweeps."""

    def write_sweep(self, sweep: Sweep, version: Any) -> StoredSweep:
        """Write a record in place of the one of ``version``; None where there is to be none yet.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """

    def shard(self, run: str, number: int) -> StoredShard:
        """The record of a shard."""

    def shards(self, run: str) -> Iterator[StoredShard]:
        """The records of all shards of a run, by their numbers."""

    def write_shard(self, shard: Shard, version: Any, part: Part | None = None) -> StoredShard:
        """Write a record in place of the one of ``version``, and one part more of it; both of them or neither.

        Args:
            shard: the record; the part is the last of ``shard.parts``.
            version: the version of the one before; None where there is to be none yet.
            part: the part, up to some hundred kilobytes.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """

    def parts(self, run: str, number: int) -> Iterator[Part]:
        """The parts of a shard in their order."""

    def drop_run(self, run: str) -> None:
        """Forget all shards of a run and their parts; what is not there does no harm."""


class StoredSafetyState(NamedTuple):
    """The guardrails of the fleet.

    Args:
        value: what they say; all off where there is no record yet.
        version: the store's own mark of the record; None where there is none yet.
    """

    value: SafetyState
    version: Any


class RemediationStore(Protocol):
    """What remediation keeps besides findings; every method raises ``Unavailable`` where the store does not answer."""

    def safety_state(self) -> StoredSafetyState:
        """The guardrails of the fleet."""

    def write_safety_state(self, safety: SafetyState, version: Any) -> None:
        """Write the guardrails in place of the ones of ``version``.

        Raises:
            Conflict: they are other ones by now; nothing was written.
        """

    def claim(self, snapshot: Snapshot, state: ResourceState, safety: SafetyState, version: Any) -> Snapshot:
        """Store ``state`` in place of the one in ``snapshot``, and the guardrails in place of those of ``version``.

        Both are written or none.

        Returns:
            The snapshot that is then true.

        Raises:
            Conflict: one of them is another one by now; nothing was written.
        """

    def note(self, key: ResourceKey, entry: AuditEntry) -> None:
        """Add to the audit trail of a finding."""

    def trail(self, key: ResourceKey) -> Sequence[AuditEntry]:
        """The audit trail of a finding, the oldest entry first."""


class ActorStore(Protocol):
    """Who has changed resources, as audit logs tell; it is read with ``StateStore.read``."""

    def changes(self, key: ResourceKey) -> tuple[AuditedChange, ...]:
        """What is known of the changes of a resource and content, as ``StateStore.read`` gives it, and nothing else.

        Raises:
            Unavailable: the store does not answer.
        """

    def changes_of(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, tuple[AuditedChange, ...]]:
        """What ``changes`` gives of each of ``keys``, in one read; up to some hundred at a time.

        Raises:
            Unavailable: the store does not answer.
        """

    def remember(self, key: ResourceKey, change: AuditedChange, now: datetime) -> None:
        """Keep a change of a resource and content, merged with those that are kept by ``change_history.remembered``.

        It may come more than once, late, and at once with others, of which none is lost.

        Raises:
            Conflict: others write the same again and again; nothing was kept.
            Unavailable: the store does not answer.
        """


class Store(StateStore, DesiredStore, ProjectStore, RemediationStore, ActorStore, Protocol):
    """A whole store, as every backend is one."""

    @property
    def sweeps(self) -> SweepStore:
        """How far sweeps have come."""

    @property
    def names(self) -> NameStore:
        """Bindings of inventory names."""

    @property
    def notices(self) -> NoticeStore:
        """What people were told."""


class SweepRecords(Protocol):
    """What a report asks of sweeps."""

    def sweeps(self) -> Iterator[StoredSweep]:
        """See ``SweepStore.sweeps``."""


class ReportStore(Protocol):
    """What a report asks of a store; it writes nothing."""

    def states(self, *, drifted: bool = False, problems: Problems | None = None) -> Iterator[ResourceState]:
        """See ``StateStore.states``."""

    def control(self) -> StoredControl:
        """See ``DesiredStore.control``."""

    def trail(self, key: ResourceKey) -> Sequence[AuditEntry]:
        """See ``RemediationStore.trail``."""

    @property
    def sweeps(self) -> SweepRecords:
        """How far sweeps have come."""
