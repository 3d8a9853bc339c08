"""The port of reports: the part of a store that they read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from setpoint.model.audit_trail import AuditEntry
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.ports.stores import Problems, Snapshot, StoredControl, SweepRecords


class ReportStore(Protocol):
    """The part of a store that a report reads; it writes nothing."""

    def states(self, *, drifted: bool = False, problems: Problems | None = None) -> Iterator[ResourceState]:
        """See ``StateStore.states``."""

    def control(self) -> StoredControl:
        """See ``DesiredStore.control``."""

    def trail(self, key: ResourceKey) -> Sequence[AuditEntry]:
        """See ``RemediationStore.trail``."""

    def read_many(self, keys: Iterable[ResourceKey]) -> Mapping[ResourceKey, Snapshot]:
        """See ``StateStore.read_many``."""

    @property
    def sweeps(self) -> SweepRecords:
        """How far sweeps have come."""
