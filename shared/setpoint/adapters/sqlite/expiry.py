"""Deleting what is older than it is kept from a SQLite file, as Firestore does by its TTL policies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from setpoint.adapters.sqlite.connections import Connections, answering
from setpoint.errors import CorruptState
from setpoint.model.audit_trail import UNREADABLE_ENTRY, decode_entries
from setpoint.model.decode_errors import tried
from setpoint.model.resource_state import decode_state
from setpoint.model.retention import Retention, expires

_DELETED = """
SELECT id, version, body FROM findings
WHERE instr(body, CAST('"deleted":true' AS BLOB)) AND NOT pending
"""
_LIMIT = 10_000
"""Entries that one run looks at; a sweep runs each day."""


def forget(connections: Connections, retention: Retention, now: datetime) -> int:
    """See ``ExpiringRecords.forget``; what cannot be read stays."""
    with answering:
        records = list(_expired_records(connections, retention, now)) if retention.gone else []
        entries = list(_expired_entries(connections, retention, now)) if retention.audit else []
        with connections.transaction() as connection:
            deleted = connection.executemany("DELETE FROM findings WHERE id = ? AND version = ?", records).rowcount
            connection.executemany("DELETE FROM audit WHERE rowid = ?", entries)
    return max(deleted, 0)


def _expired_records(connections: Connections, retention: Retention, now: datetime) -> Iterator[tuple[str, int]]:
    for name, version, body in connections.execute(_DELETED):
        state = tried(decode_state, body, name)
        if not isinstance(state, CorruptState) and (expired := expires(state, retention)) and expired <= now:
            yield name, version


def _expired_entries(connections: Connections, retention: Retention, now: datetime) -> Iterator[tuple[int]]:
    """The oldest entries, up to the first that is to be kept."""
    for row, body in connections.execute("SELECT rowid, body FROM audit ORDER BY rowid LIMIT ?", (_LIMIT,)):
        (entry,) = decode_entries([body])
        if entry.what == UNREADABLE_ENTRY:
            continue
        if entry.recorded_at + retention.audit > now:
            return
        yield (row,)
