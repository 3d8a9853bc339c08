"""The embedded store: one SQLite file, shared safely by threads and processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from setpoint.adapters.sqlite import expiry, secret_key
from setpoint.adapters.sqlite.connections import Connections, advice, answering
from setpoint.adapters.sqlite.names import SqliteNames
from setpoint.adapters.sqlite.notices import SqliteNotices
from setpoint.adapters.sqlite.schema import PUT_MANIFEST, SCHEMA_VERSION, create_tables
from setpoint.adapters.sqlite.sweeps import SqliteSweeps
from setpoint.errors import BadRequest, Conflict, CorruptState, TransientError
from setpoint.model import observation as observations
from setpoint.model.actors import AuditedChange
from setpoint.model.audit_trail import AuditEntry, decode_entries, encode_entry
from setpoint.model.change_history import KEPT, decode_changes, encode_changes, remembered
from setpoint.model.control_parts import ControlParts, PartGone, read_again
from setpoint.model.decode_errors import readable, stored_bytes, tried
from setpoint.model.newer_fields import Revision
from setpoint.model.observation import Observation
from setpoint.model.record_size import encode_repaired, encode_replacing
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState, decode_key, decode_state
from setpoint.model.retention import Retention
from setpoint.model.safety_limits import SafetyState, decode_safety_state, encode_safety_state
from setpoint.model.sources import (
    MANIFEST_PART,
    Control,
    decode_manifest,
    decode_record,
    desired_by,
    encode_manifest,
    encode_record,
)
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
from setpoint.util.external_sort import batches

_READ = """
SELECT (SELECT body FROM desired WHERE id = ?1), (SELECT body FROM control), f.body, f.version,
    (SELECT body FROM actors WHERE id = ?1)
FROM (SELECT 1) LEFT JOIN findings AS f ON f.id = ?1
"""

_CONTROL = "SELECT body, version FROM control"
_CONTROL_PARTS = "CREATE TABLE IF NOT EXISTS control_parts (name TEXT PRIMARY KEY, body BLOB NOT NULL)"
_CHANGES = "SELECT body FROM actors WHERE id = ?"
_CREATE = """
INSERT INTO findings (version, drifted, pending, body, due, reading_due, remediation_due, observation, id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
_UPDATE = """
UPDATE findings SET version = ?, drifted = ?, pending = ?, body = ?, due = ?, reading_due = ?, remediation_due = ?,
    observation = COALESCE(?, observation)
WHERE id = ? AND version = ?
"""
_DAMAGED = "SELECT version, observation FROM findings WHERE id = ?"
_DROP = "DELETE FROM findings WHERE id = ? AND version = ?"
_MEND = """
UPDATE findings SET drifted = ?, pending = ?, body = ?, due = ?, reading_due = ?, remediation_due = ?, version = ?
WHERE id = ? AND version = ?
"""
_MARK = "UPDATE findings SET version = version + 1, pending = 0, body = ? WHERE id = ? AND version = ?"
_MANIFEST_PARTS = "SELECT COUNT(*) FROM manifests WHERE source = ? AND generation = ?"
_MANIFEST_PART = "SELECT body FROM manifests WHERE source = ? AND generation = ? AND part = ?"
_DECLARE = "INSERT INTO desired (body, id) VALUES (?, ?) ON CONFLICT DO NOTHING"
_DECLARE_AGAIN = "UPDATE desired SET body = ? WHERE id = ? AND body = ?"

_HAS_FINDING, _QUIET = 1, 2
"""Flags of a record, in ``drifted``: it has a finding; it has a drift that a rule suppresses."""


class SqliteStore:
    """A ``Store`` in a file.

    Commits survive a crash of the process. A power failure may lose the latest commits, which the next sweep or
    redelivery repeats (https://www.sqlite.org/pragma.html#pragma_synchronous, NORMAL with WAL).

    Args:
        path: the file; created if it does not exist.

    Raises:
        BadRequest: the file cannot be opened, or a newer version of Setpoint created it; update this installation.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections = Connections(path)
        self.sweeps = SqliteSweeps(self._connections)
        self.names = SqliteNames(self._connections)
        self.notices = SqliteNotices(self._connections)
        self._controls = ControlParts(self._control_parts)
        try:
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            is_elsewhere = not path.is_absolute() and not path.parent.exists()
            where = "; it is relative, an absolute path takes four slashes: sqlite:////path" if is_elsewhere else ""
            raise BadRequest(f"{path}: cannot be used as a store ({error}); {advice(error)}{where}") from error
        except BadRequest:
            self.close()
            raise

    def _prepare(self) -> None:
        """Check that the file belongs to Setpoint before anything is written to it."""
        connection = self._connections.current()
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise BadRequest(f"{self._path}: made by a newer Setpoint (schema {version}); upgrade, or use another file")
        connection.execute("PRAGMA journal_mode = WAL")
        if version < SCHEMA_VERSION:
            with self._connections.transaction():
                create_tables(connection)

    def read(self, key: ResourceKey) -> Snapshot:
        """See ``StateStore.read``."""
        try:
            return self._read(key)
        except PartGone:
            return read_again(lambda: self._read(key))

    def _read(self, key: ResourceKey) -> Snapshot:
        with answering:
            row = self._connections.execute(_READ, (key.id,)).fetchone()
        return self._snapshot(key, *row)

    def read_many(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Snapshot]:
        """See ``StateStore.read_many``."""
        wanted = {key.id: key for key in keys}
        return read_again(lambda: self._read_many(wanted))

    def _read_many(self, wanted: Mapping[str, ResourceKey]) -> dict[ResourceKey, Snapshot]:
        with answering, self._connections.transaction("DEFERRED"):
            row = self._connections.execute(_CONTROL).fetchone()
            desired = dict(self._rows("SELECT id, body FROM desired", wanted))
            changes = dict(self._rows("SELECT id, body FROM actors", wanted))
            states = self._rows("SELECT id, body, version FROM findings", wanted)
        control = row[0] if row else None
        records = {name: (body, version) for name, body, version in states}
        snapshots = {}
        for name, key in wanted.items():
            state, version = records.get(name, (None, None))
            snapshots[key] = self._snapshot(key, desired.get(name), control, state, version, changes.get(name))
        return snapshots

    def _snapshot(
        self,
        key: ResourceKey,
        desired: bytes | None,
        control: bytes | None,
        state: bytes | None,
        version: int | None,
        changes: bytes | None,
    ) -> Snapshot:
        """The snapshot in a row."""
        head = _body(control)
        return Snapshot(
            key,
            desired_by(decode_record(_body(desired)), self._controls.control(head)) if desired is not None else None,
            self._controls.rules(head),
            decode_state(body := _body(state), key.id) if state is not None else None,
            Revision(version, body) if state is not None else None,
            decode_changes(changes) if changes else (),
        )

    def _rows(self, query: str, names: Collection[str]) -> list[Any]:
        """The rows of a query with these ids."""
        marks = ",".join("?" * len(names))
        return self._connections.execute(f"{query} WHERE id IN ({marks})", tuple(names)).fetchall()

    def commit_many(self, commits: Sequence[Commit]) -> list[Snapshot | TransientError]:
        """See ``StateStore.commit_many``; one transaction, in which conflicting records are not written."""
        with answering, self._connections.transaction():
            return [self._tried(item) for item in commits]

    def _tried(self, item: Commit) -> Snapshot | Conflict:
        try:
            return self._commit(*item)
        except Conflict as conflict:
            return conflict

    def commit(self, snapshot: Snapshot, state: ResourceState, observation: Observation | None = None) -> Snapshot:
        """See ``StateStore.commit``."""
        with answering:
            return self._commit(snapshot, state, observation)

    def _commit(self, snapshot: Snapshot, state: ResourceState, observation: Observation | None = None) -> Snapshot:
        known: Revision | None = snapshot.version
        body = encode_replacing(state, snapshot.state, known)
        row = (
            (known.version if known is not None else 0) + 1,
            *_fields(state, body),
            observations.encode(observation) if observation is not None else None,
            snapshot.key.id,
        )
        statement, values = (_CREATE, row) if known is None else (_UPDATE, (*row, known.version))
        if self._connections.execute(statement, values).rowcount != 1:
            raise Conflict(f"{snapshot.key.name}: written by another process; read it again")
        return replace(snapshot, state=state, version=Revision(row[0], body))

    def last_observation(self, key: ResourceKey) -> Observation | None:
        """See ``StateStore.last_observation``."""
        with answering:
            row = self._connections.execute("SELECT observation FROM findings WHERE id = ?", (key.id,)).fetchone()
        return observations.decode(row[0]) if row and row[0] else None

    def last_observations(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Observation]:
        """See ``StateStore.last_observations``."""
        wanted = {key.id: key for key in keys}
        with answering:
            rows = self._rows("SELECT id, observation FROM findings", wanted)
        return observations.decode_readable((wanted[name], body) for name, body in rows)

    def mark_published(self, snapshot: Snapshot) -> None:
        """See ``StateStore.mark_published``."""
        if snapshot.state is not None and snapshot.version is not None:
            published = replace(snapshot.state, pending=())
            body = encode_replacing(published, snapshot.state, snapshot.version)
            row = (body, snapshot.key.id, snapshot.version.version)
            with answering:
                self._connections.execute(_MARK, row)

    def control(self) -> StoredControl:
        """See ``DesiredStore.control``."""
        return read_again(self._control)

    def _control(self) -> StoredControl:
        with answering:
            row = self._connections.execute(_CONTROL).fetchone()
        if not row:
            return StoredControl(Control(), None)
        return StoredControl(self._controls.control(_body(row[0])), (row[1], row[0]))

    def write_control(self, control: Control, version: Any) -> None:
        """See ``DesiredStore.write_control``; parts are written and dropped in the same transaction."""
        known, before = version or (None, b"")
        encoded = self._controls.encoded(control, before)
        with answering, self._connections.transaction():
            if encoded.parts:
                self._connections.execute(_CONTROL_PARTS)
            for part in encoded.parts.items():
                self._connections.execute("INSERT INTO control_parts VALUES (?, ?)", part)
            self._write_only("control", encoded.head, known)
            for name in encoded.dropped:
                self._connections.execute("DELETE FROM control_parts WHERE name = ?", (name,))
        self._controls.written(encoded, control)

    def _control_parts(self, names: Sequence[str]) -> dict[str, bytes]:
        """The existing parts of the control record by name."""
        with answering:
            rows = self._connections.execute("SELECT name, body FROM control_parts").fetchall()
        wanted = frozenset(names)
        return {name: body for name, body in rows if name in wanted}

    def _write_only(self, table: str, body: bytes, version: Any) -> None:
        """Write the single row of a table; replace ``version``."""
        if version is None:
            statement = f"INSERT INTO {table} (only, version, body) VALUES (1, 1, ?) ON CONFLICT DO NOTHING"  # noqa: S608
            written = self._connections.execute(statement, (body,)).rowcount
        else:
            statement = f"UPDATE {table} SET version = version + 1, body = ? WHERE version = ?"  # noqa: S608 - our own name
            written = self._connections.execute(statement, (body, version)).rowcount
        if written != 1:
            raise Conflict(f"the record of {table} was written by another process; read it again")

    def manifest(self, source: str, generation: int) -> Iterator[tuple[ResourceKey, str]]:
        """See ``DesiredStore.manifest``."""
        with answering:
            (parts,) = self._connections.execute(_MANIFEST_PARTS, (source, generation)).fetchone()
        for part in range(parts):
            with answering:
                row = self._connections.execute(_MANIFEST_PART, (source, generation, part)).fetchone()
            if row is None:
                raise Conflict(f"source {source}: another process applied it at the same time; try again")
            yield from decode_manifest(row[0])

    def write_manifest(self, source: str, generation: int, manifest: Manifest) -> None:
        """See ``DesiredStore.write_manifest``."""
        self.drop_manifest(source, generation)
        for part, rows in enumerate(batches(manifest, MANIFEST_PART)):
            with answering:
                self._connections.execute(PUT_MANIFEST, (source, generation, part, encode_manifest(rows)))

    def drop_manifest(self, source: str, generation: int) -> None:
        """See ``DesiredStore.drop_manifest``."""
        statement = "DELETE FROM manifests WHERE source = ? AND generation = ?"
        with answering:
            self._connections.execute(statement, (source, generation))

    def records(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, StoredRecord]:
        """See ``DesiredStore.records``; the version of a record is its stored form."""
        wanted = {key.id: key for key in keys}
        with answering:
            stored = dict(self._rows("SELECT id, body FROM desired", wanted))
        bodies = {key: stored.get(identifier) for identifier, key in wanted.items()}
        return {key: StoredRecord(decode_record(body or b""), body) for key, body in bodies.items()}

    def write_records(self, records: Mapping[ResourceKey, StoredRecord]) -> None:
        """See ``DesiredStore.write_records``."""
        rows = {key: (encode_record(record.value, record.version or b""), key.id) for key, record in records.items()}
        with answering, self._connections.transaction() as connection:
            for key, row in rows.items():
                before = records[key].version
                statement, values = (_DECLARE, row) if before is None else (_DECLARE_AGAIN, (*row, before))
                if connection.execute(statement, values).rowcount != 1:
                    raise Conflict(f"{key.name}: declared by another process; read it again")

    def project_id(self, number: str) -> str:
        """See ``ProjectStore.project_id``."""
        return self._text("SELECT id FROM projects WHERE number = ?", number)

    def project_number(self, identifier: str) -> str:
        """See ``ProjectStore.project_number``."""
        return self._text("SELECT number FROM projects WHERE id = ?", identifier)

    def _text(self, query: str, value: str) -> str:
        with answering:
            row = self._connections.execute(query, (value,)).fetchone()
        return row[0] if row else ""

    def write_project_ids(self, ids: Mapping[str, str]) -> None:
        """See ``ProjectStore.write_project_ids``."""
        with answering, self._connections.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO projects VALUES (?, ?)", ids.items())

    def stored_key(self) -> bytes:
        """See ``KeyStore.stored_key``."""
        return secret_key.read(self._connections)

    def replace_stored_key(self, old: bytes, new: bytes) -> bool:
        """See ``KeyStore.replace_stored_key``."""
        return secret_key.replace(self._connections, old, new)

    def states(self, *, drifted: bool = False, problems: Problems | None = None) -> Iterator[ResourceState]:
        """See ``StateStore.states``."""
        return readable(self._states(_HAS_FINDING if drifted else 0), problems)

    def suppressed(self, problems: Problems | None = None) -> Iterator[ResourceState]:
        """See ``StateStore.suppressed``."""
        return readable(self._states(_QUIET), problems)

    def _states(self, marked: int) -> Iterator[ResourceState | CorruptState]:
        where = "WHERE drifted AND drifted & ?1" if marked else "WHERE ?1 = 0"
        query = f"SELECT body, id FROM findings {where} ORDER BY id"  # noqa: S608 - a constant
        with answering:
            for body, name in self._connections.execute(query, (marked,)):
                yield tried(decode_state, body, name)

    def damaged(self) -> Iterator[DamagedRecord]:
        """See ``StateStore.damaged``."""
        with answering:
            for body, name in self._connections.execute("SELECT body, id FROM findings ORDER BY id"):
                problem = tried(decode_state, body, name)
                if isinstance(problem, CorruptState):
                    row = self._connections.execute(_DAMAGED, (name,)).fetchone()
                    yield DamagedRecord(problem, name, row[0], body, observation=observations.readable(row[1]))

    def repair(self, record: DamagedRecord, state: ResourceState | None) -> None:
        """See ``StateStore.repair``."""
        statement, values = _DROP, tuple[Any, ...]()
        if state is not None:
            statement, values = _MEND, (*_fields(state, encode_repaired(state, record.body)), record.version + 1)
        with answering:
            if self._connections.execute(statement, (*values, record.id, record.version)).rowcount != 1:
                raise Conflict(f"record {record.id}: written by another process; read it again")

    def unpublished(self, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """See ``StateStore.unpublished``."""
        return self._keys("pending ORDER BY id", (), problems)

    def due(self, now: datetime, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """See ``StateStore.due``."""
        return self._keys("due <= ? ORDER BY due", (now.timestamp(),), problems)

    def remediations_due(self, now: datetime, problems: Problems | None = None) -> Iterator[ResourceKey]:
        """See ``StateStore.remediations_due``."""
        return self._keys("remediation_due <= ? ORDER BY remediation_due", (now.timestamp(),), problems)

    def readings_due(self, now: datetime, most: int, problems: Problems | None = None) -> Sequence[ResourceKey]:
        """See ``StateStore.readings_due``."""
        return list(self._keys("reading_due <= ? ORDER BY reading_due LIMIT ?", (now.timestamp(), most), problems))

    def _keys(self, where: str, values: tuple[Any, ...], problems: Problems | None) -> Iterator[ResourceKey]:
        query = f"SELECT body, id FROM findings WHERE {where}"  # noqa: S608 - a constant of the callers
        with answering:
            rows = self._connections.execute(query, values).fetchall()
        return readable((tried(decode_key, body, name) for body, name in rows), problems)

    def safety_state(self) -> StoredSafetyState:
        """See ``RemediationStore.safety_state``."""
        with answering:
            row = self._connections.execute("SELECT body, version FROM brakes").fetchone()
        body, version = row or (None, None)
        stored = _body(body)
        return StoredSafetyState(decode_safety_state(stored), Revision(version, stored) if row else None)

    def write_safety_state(self, safety: SafetyState, version: Any) -> None:
        """See ``RemediationStore.write_safety_state``."""
        with answering:
            self._write_only("brakes", encode_safety_state(safety, version), version and version.version)

    def claim(self, snapshot: Snapshot, state: ResourceState, safety: SafetyState, version: Any) -> Snapshot:
        """See ``RemediationStore.claim``."""
        with answering, self._connections.transaction():
            self._write_only("brakes", encode_safety_state(safety, version), version and version.version)
            return self._commit(snapshot, state)

    def changes(self, key: ResourceKey) -> tuple[AuditedChange, ...]:
        """See ``ActorStore.changes``."""
        with answering:
            row = self._connections.execute(_CHANGES, (key.id,)).fetchone()
        return decode_changes(row[0]) if row else ()

    def changes_of(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, tuple[AuditedChange, ...]]:
        """See ``ActorStore.changes_of``."""
        wanted = {key.id: key for key in keys}
        with answering:
            stored = dict(self._rows("SELECT id, body FROM actors", wanted))
        return {key: decode_changes(stored[name]) if name in stored else () for name, key in wanted.items()}

    def remember(self, key: ResourceKey, change: AuditedChange, now: datetime) -> None:
        """See ``ActorStore.remember``."""
        with answering, self._connections.transaction() as connection:
            row = connection.execute(_CHANGES, (key.id,)).fetchone()
            before = row[0] if row else b""
            known = remembered(decode_changes(before), change, now)
            expires = (now + KEPT).timestamp()
            connection.execute("DELETE FROM actors WHERE expires <= ?", (now.timestamp(),))
            connection.execute(
                "INSERT OR REPLACE INTO actors VALUES (?, ?, ?)", (key.id, expires, encode_changes(known, before))
            )

    def note(self, key: ResourceKey, entry: AuditEntry) -> None:
        """See ``RemediationStore.note``."""
        with answering:
            self._connections.execute("INSERT INTO audit VALUES (?, ?)", (key.id, encode_entry(entry)))

    def trail(self, key: ResourceKey) -> Sequence[AuditEntry]:
        """See ``RemediationStore.trail``."""
        with answering:
            rows = self._connections.execute("SELECT body FROM audit WHERE id = ?", (key.id,)).fetchall()
        return decode_entries(body for (body,) in rows)

    def forget(self, retention: Retention, now: datetime) -> int:
        """See ``ExpiringRecords.forget``."""
        return expiry.forget(self._connections, retention, now)

    def close(self) -> None:
        """See ``StateStore.close``."""
        self._connections.close()


def _body(column: object) -> bytes:
    """The body in a column; empty without a record."""
    return b"" if column is None else stored_bytes(column)


def _fields(state: ResourceState, body: bytes) -> tuple[int, bool, bytes, float | None, float | None, float | None]:
    """The columns of a record: its query fields and its stored form."""
    return (
        (state.finding is not None) * _HAS_FINDING | bool(state.suppressed) * _QUIET,
        bool(state.pending),
        body,
        state.due.timestamp() if state.due is not None else None,
        state.reading_due.timestamp() if state.reading_due is not None else None,
        state.remediation_due.timestamp() if state.remediation_due is not None else None,
    )
