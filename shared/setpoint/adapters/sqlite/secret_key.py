"""The key by which a store's secrets are hidden, in a SQLite file."""

from __future__ import annotations

import secrets

from setpoint.adapters.sqlite.connections import Connections, answering
from setpoint.model.secrecy import KEY_BYTES

SCHEMA = """
CREATE TABLE IF NOT EXISTS secret_key (only INTEGER PRIMARY KEY CHECK (only = 1), key BLOB NOT NULL);
"""


def read(connections: Connections) -> bytes:
    """The key; it is made with the first call."""
    with answering:
        row = connections.execute("SELECT key FROM secret_key").fetchone()
        if row is None:
            made = (secrets.token_bytes(KEY_BYTES),)
            connections.execute("INSERT OR IGNORE INTO secret_key VALUES (1, ?)", made)
            row = connections.execute("SELECT key FROM secret_key").fetchone()
    return bytes(row[0])
