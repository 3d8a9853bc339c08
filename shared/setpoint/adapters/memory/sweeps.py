"""Records of sweeps in the memory of one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from setpoint.errors import Conflict
from setpoint.model.sweep_records import Shard, ShardPart, Sweep
from setpoint.ports.stores import StoredShard, StoredSweep


class MemorySweeps:
    """A ``SweepStore`` that ends with the process; the version of a record is the record itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sweeps: dict[str, Sweep] = {}
        self._shards: dict[str, dict[int, Shard]] = {}
        self._parts: dict[tuple[str, int], list[ShardPart]] = {}

    def sweep(self, name: str) -> StoredSweep:
        """See ``SweepStore.sweep``."""
        sweep = self._sweeps.get(name)
        return StoredSweep(sweep, sweep)

    def sweeps(self) -> Iterator[StoredSweep]:
        """See ``SweepStore.sweeps``."""
        return iter([StoredSweep(sweep, sweep) for sweep in self._sweeps.values()])

    def write_sweep(self, sweep: Sweep, version: Any) -> StoredSweep:
        """See ``SweepStore.write_sweep``."""
        with self._lock:
            if self._sweeps.get(sweep.name) is not version:
                raise Conflict(f"sweep {sweep.name}: written by another process; read it again")
            self._sweeps[sweep.name] = sweep
        return StoredSweep(sweep, sweep)

    def shard(self, run: str, number: int) -> StoredShard:
        """See ``SweepStore.shard``."""
        shard = self._shards.get(run, {}).get(number)
        return StoredShard(shard, shard)

    def shards(self, run: str) -> Iterator[StoredShard]:
        """See ``SweepStore.shards``."""
        shards = sorted(self._shards.get(run, {}).items())
        return iter([StoredShard(shard, shard) for _, shard in shards])

    def write_shard(self, shard: Shard, version: Any, part: ShardPart | None = None) -> StoredShard:
        """See ``SweepStore.write_shard``."""
        with self._lock:
            shards = self._shards.setdefault(shard.run, {})
            if shards.get(shard.number) is not version:
                raise Conflict(f"{shard.label}: written by another process; read it again")
            shards[shard.number] = shard
            if part is not None:
                self._parts.setdefault((shard.run, shard.number), []).append(part)
        return StoredShard(shard, shard)

    def parts(self, run: str, number: int) -> Iterator[ShardPart]:
        """See ``SweepStore.parts``."""
        return iter(list(self._parts.get((run, number), ())))

    def drop_run(self, run: str) -> None:
        """See ``SweepStore.drop_run``."""
        for number in self._shards.pop(run, {}):
            self._parts.pop((run, number), None)
