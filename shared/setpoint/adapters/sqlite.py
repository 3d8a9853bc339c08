"""The embedded store: one SQLite file, shared safely by threads and processes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from setpoint.core.declarations import (
    Desired,
    Rules,
    decode_desired,
    decode_rules,
    encode_desired,
    encode_rules,
)
from setpoint.core.findings import ResourceState, decode_state, encode_state
from setpoint.core.names import ResourceKey
from setpoint.errors import BadRequest, Conflict, Unavailable
from setpoint.ports import Snapshot

_SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS desired (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS findings (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    drifted INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS drifted ON findings (id) WHERE drifted;
CREATE INDEX IF NOT EXISTS unpublished ON findings (id) WHERE pending;
CREATE TABLE IF NOT EXISTS rules (only INTEGER PRIMARY KEY CHECK (only = 1), body BLOB NOT NULL);
"""

_READ = """
SELECT (SELECT body FROM desired WHERE id = ?1), (SELECT body FROM rules), f.body, f.version
FROM (SELECT 1) LEFT JOIN findings AS f ON f.id = ?1
"""

_DECLARE = """
INSERT INTO desired (id, body) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET body = excluded.body WHERE body <> excluded.body
"""

_BUSY_SECONDS = 30.0
_NO_RULES = Rules()


class SqliteStore:
    """A ``StateStore`` in a file.

    Commits survive the death of the process; after a loss of power the last of them may be gone, and the next sweep
    or delivery brings them again (https://www.sqlite.org/pragma.html#pragma_synchronous, NORMAL with WAL).

    Args:
        path: the file; it is made where it is not there.

    Raises:
        BadRequest: the file cannot be opened, or a newer version of Setpoint has made it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        try:
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            raise BadRequest(f"{path}: cannot be used as a store ({error})") from error
        except BadRequest:
            self.close()
            raise

    def _prepare(self) -> None:
        """Look whose file it is before anything is written to it."""
        connection = self._connection()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise BadRequest(f"{self._path}: made by a newer Setpoint (schema {version}); upgrade, or use another file")
        connection.execute("PRAGMA journal_mode = WAL")
        if version < _SCHEMA_VERSION:
            connection.executescript(f"{_SCHEMA}; PRAGMA user_version = {_SCHEMA_VERSION}")

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            self._local.connection = found
            with self._lock:
                self._opened.append(found)
            found.execute("PRAGMA synchronous = NORMAL")
        return found

    def read(self, key: ResourceKey) -> Snapshot:
        """See ``StateStore.read``."""
        with _answering():
            desired, rules, state, version = self._connection().execute(_READ, (key.id,)).fetchone()
        return Snapshot(
            key,
            decode_desired(desired) if desired else None,
            decode_rules(rules) if rules else _NO_RULES,
            decode_state(state) if state else None,
            version,
        )

    def commit(self, snapshot: Snapshot, state: ResourceState) -> Snapshot:
        """See ``StateStore.commit``."""
        version = 1 if snapshot.version is None else snapshot.version + 1
        if not self._write(snapshot, state, version):
            raise Conflict(f"{snapshot.key.name}: written by somebody else; read it again")
        return replace(snapshot, state=state, version=version)

    def mark_published(self, snapshot: Snapshot) -> None:
        """See ``StateStore.mark_published``."""
        if snapshot.state is not None and snapshot.version is not None:
            self._write(snapshot, replace(snapshot.state, pending=()), snapshot.version + 1)

    def _write(self, snapshot: Snapshot, state: ResourceState, version: int) -> bool:
        """Write a record if it is still the one of the snapshot; whether it was."""
        row = (version, state.finding is not None, bool(state.pending), encode_state(state), snapshot.key.id)
        with _answering():
            if snapshot.version is None:
                statement = (
                    "INSERT INTO findings (version, drifted, pending, body, id) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING"
                )
                return self._connection().execute(statement, row).rowcount == 1
            statement = (
                "UPDATE findings SET version = ?, drifted = ?, pending = ?, body = ? WHERE id = ? AND version = ?"
            )
            return self._connection().execute(statement, (*row, snapshot.version)).rowcount == 1

    def declare(self, desired: Iterable[Desired], rules: Rules | None = None) -> int:
        """See ``StateStore.declare``."""
        connection = self._connection()
        with _answering(), _transaction(connection):
            before = connection.total_changes
            rows = ((one.declarations[0].key.id, encode_desired(one)) for one in desired)
            connection.executemany(_DECLARE, rows)
            if rules is not None:
                connection.execute(
                    "INSERT INTO rules (only, body) VALUES (1, ?)"
                    " ON CONFLICT (only) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
                    (encode_rules(rules),),
                )
            return connection.total_changes - before

    def states(self, *, drifted: bool = False) -> Iterator[ResourceState]:
        """See ``StateStore.states``."""
        where = "WHERE drifted" if drifted else ""
        with _answering():
            for (body,) in self._connection().execute(f"SELECT body FROM findings {where} ORDER BY id"):  # noqa: S608
                yield decode_state(body)

    def unpublished(self) -> Iterator[ResourceKey]:
        """See ``StateStore.unpublished``."""
        with _answering():
            rows = self._connection().execute("SELECT body FROM findings WHERE pending ORDER BY id").fetchall()
        return (decode_state(body).key for (body,) in rows)

    def close(self) -> None:
        """See ``StateStore.close``."""
        with self._lock:
            opened, self._opened = self._opened, []
        for connection in opened:
            connection.close()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise Unavailable(f"the SQLite store did not answer ({error}); try again") from error
