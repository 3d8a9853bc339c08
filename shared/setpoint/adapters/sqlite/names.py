"""Bindings of inventory names in the embedded store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import cast

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
        connection: gives this thread's connection.
        transaction: all that is done in it is done, or nothing.
        answering: translates errors of the database.
    """

    def __init__(
        self,
        connection: Callable[[], sqlite3.Connection],
        transaction: Callable[[sqlite3.Connection], AbstractContextManager[None]],
        answering: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._connection = connection
        self._transaction = transaction
        self._answering = answering

    def bound_name(self, name: str) -> str:
        """See ``NameStore.bound_name``."""
        with self._answering():
            query = "SELECT declared FROM bound_names WHERE name = ?"
            row = self._connection().execute(query, (name,)).fetchone()
        return row[0] if row else ""

    def bind(self, names: Mapping[str, str]) -> None:
        """See ``NameStore.bind``."""
        connection = self._connection()
        with self._answering(), self._transaction(connection):
            connection.executemany("INSERT OR REPLACE INTO bound_names VALUES (?, ?)", names.items())

    def wait_for(self, unknown: str, key: ResourceKey) -> None:
        """See ``NameStore.wait_for``."""
        connection = self._connection()
        with self._answering(), self._transaction(connection):
            row = (unknown, key.name, key.content)
            connection.execute("INSERT OR IGNORE INTO waiting_names VALUES (?, ?, ?)", row)

    def waiting_for(self, unknown: str) -> list[ResourceKey]:
        """See ``NameStore.waiting_for``."""
        with self._answering():
            query = "SELECT name, content FROM waiting_names WHERE unknown = ? ORDER BY name, content"
            rows = self._connection().execute(query, (unknown,)).fetchall()
        return [ResourceKey(name, cast("Content", content)) for name, content in rows]

    def stop_waiting_for(self, unknown: str) -> None:
        """See ``NameStore.stop_waiting_for``."""
        connection = self._connection()
        with self._answering(), self._transaction(connection):
            connection.execute("DELETE FROM waiting_names WHERE unknown = ?", (unknown,))
