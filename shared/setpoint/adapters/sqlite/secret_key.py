"""The key for hiding secrets, in a SQLite file."""

from __future__ import annotations

from setpoint.adapters.sqlite.connections import Connections, answering

SCHEMA = """
CREATE TABLE IF NOT EXISTS secret_key (only INTEGER PRIMARY KEY CHECK (only = 1), key BLOB NOT NULL);
"""


def read(connections: Connections) -> bytes:
    """The stored key; empty where there is none."""
    with answering:
        row = connections.execute("SELECT key FROM secret_key").fetchone()
    return b"" if row is None else bytes(row[0])


def replace(connections: Connections, old: bytes, new: bytes) -> bool:
    """Store a key in place of ``old``, empty for none; whether it was stored."""
    with answering:
        if not old:
            return connections.execute("INSERT OR IGNORE INTO secret_key VALUES (1, ?)", (new,)).rowcount == 1
        return connections.execute("UPDATE secret_key SET key = ? WHERE key = ?", (new, old)).rowcount == 1
