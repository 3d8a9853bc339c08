"""The records of alerting in the embedded store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from setpoint.adapters.sqlite.connections import Connections, answering
from setpoint.errors import Conflict
from setpoint.ports.people import NoticeIndex, StoredBody

SCHEMA = """
CREATE TABLE IF NOT EXISTS notices (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    body BLOB NOT NULL,
    finding TEXT NOT NULL,
    thread TEXT NOT NULL,
    due REAL,
    expires REAL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS notices_of_finding ON notices (finding, kind, id);
CREATE INDEX IF NOT EXISTS notices_of_thread ON notices (thread, kind, id);
CREATE INDEX IF NOT EXISTS notices_due ON notices (kind, due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS notices_expire ON notices (expires) WHERE expires IS NOT NULL;
"""

_CREATE = """
INSERT INTO notices (version, body, finding, thread, due, expires, kind, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
_UPDATE = """
UPDATE notices SET version = ?, body = ?, finding = ?, thread = ?, due = ?, expires = ?
WHERE kind = ? AND id = ? AND version = ?
"""
_READ = "SELECT id, body, version FROM notices WHERE kind = ? AND id = ?"
# SQLite would read all records of the kind, which have the order of ids already.
_OF_FINDING = """
SELECT id, body, version FROM notices INDEXED BY notices_of_finding WHERE finding = ? AND kind = ? ORDER BY id
"""
_OF_THREAD = "SELECT id, body, version FROM notices WHERE thread = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?"
_DUE = """
SELECT id, body, version, due FROM notices WHERE kind = ? AND due <= ? AND (due, id) > (?, ?) ORDER BY due, id LIMIT ?
"""
_PAGE = 200


class SqliteNotices:
    """A ``NoticeStore`` in a file.

    Args:
        connections: to the file.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def read(self, kind: str, name: str) -> StoredBody | None:
        """See ``NoticeStore.read``."""
        bodies = self._bodies(_READ, (kind, name))
        return bodies[0] if bodies else None

    def write(self, kind: str, name: str, body: bytes, version: Any, filed: NoticeIndex) -> Any:
        """See ``NoticeStore.write``."""
        now = (version or 0) + 1
        row = (now, body, filed.finding, filed.thread, _seconds(filed.due), _seconds(filed.expires), kind, name)
        statement, values = (_CREATE, row) if version is None else (_UPDATE, (*row, version))
        with answering:
            written = self._connections.execute(statement, values).rowcount
        if written != 1:
            raise Conflict(f"{kind} {name}: written by another process; read it again")
        return now

    def of_finding(self, kind: str, finding: str) -> Sequence[StoredBody]:
        """See ``NoticeStore.of_finding``."""
        return self._bodies(_OF_FINDING, (finding, kind))

    def of_thread(self, kind: str, thread: str) -> Iterator[StoredBody]:
        """See ``NoticeStore.of_thread``."""
        last = ""
        while page := self._bodies(_OF_THREAD, (thread, kind, last, _PAGE)):
            yield from page
            last = page[-1].id

    def due(self, kind: str, now: datetime) -> Iterator[StoredBody]:
        """See ``NoticeStore.due``."""
        last: tuple[float, str] = (float("-inf"), "")
        while page := self._rows(_DUE, (kind, now.timestamp(), *last, _PAGE)):
            yield from (StoredBody(*row[:3]) for row in page)
            last = (page[-1][3], page[-1][0])

    def forget(self, now: datetime) -> int:
        """See ``NoticeStore.forget``."""
        with answering:
            return self._connections.execute("DELETE FROM notices WHERE expires <= ?", (now.timestamp(),)).rowcount

    def _bodies(self, statement: str, values: tuple[Any, ...]) -> list[StoredBody]:
        return [StoredBody(*row) for row in self._rows(statement, values)]

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        with answering:
            return self._connections.execute(statement, values).fetchall()


def _seconds(time: datetime | None) -> float | None:
    return time.timestamp() if time is not None else None
