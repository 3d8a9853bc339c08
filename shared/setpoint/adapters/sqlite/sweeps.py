"""Records of sweeps in the embedded store."""

from __future__ import annotations

from collections.abc import Iterator

from setpoint.adapters.sqlite.connections import Connections, answering
from setpoint.errors import Conflict
from setpoint.model.newer_fields import Revision
from setpoint.model.sweep_records import Shard, ShardPart, Sweep, decode_record, encode_record
from setpoint.ports.stores import StoredShard, StoredSweep

SCHEMA = """
CREATE TABLE IF NOT EXISTS sweeps (name TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shards (
    run TEXT NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (run, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shard_parts (
    run TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (run, number, at)
);
"""

_CREATE_SWEEP = "INSERT INTO sweeps (version, body, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_UPDATE_SWEEP = "UPDATE sweeps SET version = ?, body = ? WHERE name = ? AND version = ?"
_CREATE_SHARD = "INSERT INTO shards (version, body, run, number) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_UPDATE_SHARD = "UPDATE shards SET version = ?, body = ? WHERE run = ? AND number = ? AND version = ?"
_ADD_PART = "INSERT OR REPLACE INTO shard_parts (run, number, at, body) VALUES (?, ?, ?, ?)"


class SqliteSweeps:
    """A ``SweepStore`` in a file.

    Args:
        connections: to the file.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def sweep(self, name: str) -> StoredSweep:
        """See ``SweepStore.sweep``."""
        with answering:
            row = self._connections.execute("SELECT body, version FROM sweeps WHERE name = ?", (name,)).fetchone()
        return _sweep(*row) if row else StoredSweep(None, None)

    def sweeps(self) -> Iterator[StoredSweep]:
        """See ``SweepStore.sweeps``."""
        with answering:
            rows = self._connections.execute("SELECT body, version FROM sweeps ORDER BY name").fetchall()
        return (_sweep(*row) for row in rows)

    def write_sweep(self, sweep: Sweep, version: Revision | None) -> StoredSweep:
        """See ``SweepStore.write_sweep``."""
        known, before = version or Revision(0, b"")
        row = (known + 1, body := encode_record(sweep, before), sweep.name)
        statement, values = (_CREATE_SWEEP, row) if version is None else (_UPDATE_SWEEP, (*row, known))
        with answering:
            written = self._connections.execute(statement, values).rowcount
        if written != 1:
            raise Conflict(f"sweep {sweep.name}: written by another process; read it again")
        return StoredSweep(sweep, Revision(row[0], body))

    def shard(self, run: str, number: int) -> StoredShard:
        """See ``SweepStore.shard``."""
        statement = "SELECT body, version FROM shards WHERE run = ? AND number = ?"
        with answering:
            row = self._connections.execute(statement, (run, number)).fetchone()
        return _shard(*row) if row else StoredShard(None, None)

    def shards(self, run: str) -> Iterator[StoredShard]:
        """See ``SweepStore.shards``."""
        statement = "SELECT body, version FROM shards WHERE run = ? ORDER BY number"
        with answering:
            rows = self._connections.execute(statement, (run,)).fetchall()
        return (_shard(*row) for row in rows)

    def write_shard(self, shard: Shard, version: Revision | None, part: ShardPart | None = None) -> StoredShard:
        """See ``SweepStore.write_shard``."""
        known, before = version or Revision(0, b"")
        row = (known + 1, body := encode_record(shard, before), shard.run, shard.number)
        statement, values = (_CREATE_SHARD, row) if version is None else (_UPDATE_SHARD, (*row, known))
        with answering, self._connections.transaction() as connection:
            if connection.execute(statement, values).rowcount != 1:
                raise Conflict(f"{shard.label}: written by another process; read it again")
            if part is not None:
                connection.execute(_ADD_PART, (shard.run, shard.number, shard.parts, encode_record(part)))
        return StoredShard(shard, Revision(row[0], body))

    def parts(self, run: str, number: int) -> Iterator[ShardPart]:
        """See ``SweepStore.parts``."""
        statement = "SELECT body FROM shard_parts WHERE run = ? AND number = ? ORDER BY at"
        with answering:
            for (body,) in self._connections.execute(statement, (run, number)):
                yield decode_record(body, ShardPart)

    def drop_run(self, run: str) -> None:
        """See ``SweepStore.drop_run``."""
        with answering, self._connections.transaction() as connection:
            connection.execute("DELETE FROM shards WHERE run = ?", (run,))
            connection.execute("DELETE FROM shard_parts WHERE run = ?", (run,))


def _sweep(body: bytes, version: int) -> StoredSweep:
    return StoredSweep(decode_record(body, Sweep), Revision(version, body))


def _shard(body: bytes, version: int) -> StoredShard:
    return StoredShard(decode_record(body, Shard), Revision(version, body))
