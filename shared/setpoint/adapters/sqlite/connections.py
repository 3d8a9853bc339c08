"""Connections to a SQLite file: one per thread, with transactions and converted errors."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from setpoint.errors import Unavailable

_BUSY_SECONDS = 30.0


_WRITABLE = "its folder must exist and be writable"
_ADVICE = {
    sqlite3.SQLITE_FULL: "free space on its disk, and run the command again",
    sqlite3.SQLITE_CANTOPEN: _WRITABLE,
    sqlite3.SQLITE_READONLY: f"the file and {_WRITABLE}",
    sqlite3.SQLITE_NOTADB: "give the path of another file",
    sqlite3.SQLITE_CORRUPT: "restore it from a copy, or give the path of another file",
}


def advice(error: sqlite3.Error) -> str:
    """The next step after an error of the database; to try again, if another process may be the cause."""
    return _ADVICE.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_BUSY) & 0xFF, "try again")


class _Handle:
    """A thread's connection. Only the thread refers to it, so that it is closed with the thread."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


class _Answering:
    """Converts errors of the database; a class, since it is entered several times for each event."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise Unavailable(f"the SQLite store did not respond ({error}); {advice(error)}") from error


answering = _Answering()
"""Raises ``Unavailable`` for errors of the database in the block."""


class Connections:
    """The connections to a SQLite file.

    Args:
        path: the file; created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._closers: list[weakref.finalize[[], _Handle]] = []
        self._lock = threading.Lock()

    def current(self) -> sqlite3.Connection:
        """The connection of this thread; closed with the thread, or by ``close``."""
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is None:
            handle = self._local.handle = _Handle(self._path)
            with self._lock:
                alive = [closer for closer in self._closers if closer.alive]
                self._closers = [*alive, weakref.finalize(handle, handle.connection.close)]
            handle.connection.execute("PRAGMA synchronous = NORMAL")
        return handle.connection

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement on the connection of this thread."""
        return self.current().execute(statement, values)

    @contextmanager
    def transaction(self, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """Commit the writes of the block, or roll them back after an error.

        Args:
            kind: when the lock is acquired (https://www.sqlite.org/lang_transaction.html).
        """
        connection = self.current()
        connection.execute(f"BEGIN {kind}")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            closers, self._closers = self._closers, []
        for close in closers:
            close()
