"""The key for hiding secrets, in a SQLite file."""

from __future__ import annotations

import secrets

from setpoint.adapters.sqlite.connections import Connections, answering
from setpoint.model.secrecy import KEY_BYTES

SCHEMA = """
CREATE TABLE IF NOT EXISTS secret_key (only INTEGER PRIMARY KEY CHECK (only = 1), key BLOB NOT NULL);
"""


def read(connections: Connections) -> bytes:
    """The key; the first call creates it."""
    with answering:
        row = connections.execute("SELECT key FROM secret_key").fetchone()
        if row is None:
            made = (secrets.token_bytes(KEY_BYTES),)
            connections.execute("INSERT OR IGNORE INTO secret_key VALUES (1, ?)", made)
            row = connections.execute("SELECT key FROM secret_key").fetchone()
    return bytes(row[0])
