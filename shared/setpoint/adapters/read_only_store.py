"""A read-only view of a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from setpoint.model.audit_trail import AuditEntry
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.ports.stores import Problems, Snapshot, Store, StoredControl, StoredSweep


class _Sweeps:
    """The sweeps of a store."""

    __slots__ = ("_sweeps",)

    def __init__(self, sweeps: Callable[[], Iterator[StoredSweep]]) -> None:
        self._sweeps = sweeps

    def sweeps(self) -> Iterator[StoredSweep]:
        """See ``SweepStore.sweeps``."""
        return self._sweeps()


class ReadOnly:
    """The read methods of a store that a report needs, without any method that writes.

    Args:
        store: the store.
    """

    __slots__ = ("_control", "_read_many", "_states", "_trail", "sweeps")

    def __init__(self, store: Store) -> None:
        self._states, self._control, self._trail = store.states, store.control, store.trail
        self._read_many = store.read_many
        self.sweeps = _Sweeps(store.sweeps.sweeps)

    def states(self, *, drifted: bool = False, problems: Problems | None = None) -> Iterator[ResourceState]:
        """See ``StateStore.states``."""
        return self._states(drifted=drifted, problems=problems)

    def control(self) -> StoredControl:
        """See ``DesiredStore.control``."""
        return self._control()

    def trail(self, key: ResourceKey) -> Sequence[AuditEntry]:
        """See ``RemediationStore.trail``."""
        return self._trail(key)

    def read_many(self, keys: Iterable[ResourceKey]) -> Mapping[ResourceKey, Snapshot]:
        """See ``StateStore.read_many``."""
        return self._read_many(keys)
