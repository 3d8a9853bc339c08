"""Bindings of inventory names in the embedded store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from setpoint.adapters.sqlite.connections import Connections, answering
from setpoint.model.resource_key import Content, ResourceKey

SCHEMA = """
CREATE TABLE IF NOT EXISTS bound_names (name TEXT PRIMARY KEY, declared TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting_names (
    unknown TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (unknown, name, content)
) WITHOUT ROWID;
"""


class SqliteNames:
    """A ``NameStore`` in a file.

    Args:
        connections: to the file.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def bound_names(self, names: Collection[str]) -> dict[str, str]:
        """See ``NameStore.bound_names``."""
        query = "SELECT name, declared FROM bound_names WHERE name = ?"
        with answering:
            rows = [self._connections.execute(query, (name,)).fetchone() for name in names]
        return dict(row for row in rows if row)

    def bind(self, names: Mapping[str, str]) -> None:
        """See ``NameStore.bind``."""
        with answering, self._connections.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO bound_names VALUES (?, ?)", names.items())

    def wait_for(self, unknown: str, key: ResourceKey) -> None:
        """See ``NameStore.wait_for``."""
        with answering, self._connections.transaction() as connection:
            row = (unknown, key.name, key.content)
            connection.execute("INSERT OR IGNORE INTO waiting_names VALUES (?, ?, ?)", row)

    def waiting_for(self, unknown: str) -> list[ResourceKey]:
        """See ``NameStore.waiting_for``."""
        with answering:
            query = "SELECT name, content FROM waiting_names WHERE unknown = ? ORDER BY name, content"
            rows = self._connections.execute(query, (unknown,)).fetchall()
        return [ResourceKey(name, cast("Content", content)) for name, content in rows]

    def stop_waiting_for(self, unknown: str) -> None:
        """See ``NameStore.stop_waiting_for``."""
        with answering, self._connections.transaction() as connection:
            connection.execute("DELETE FROM waiting_names WHERE unknown = ?", (unknown,))
