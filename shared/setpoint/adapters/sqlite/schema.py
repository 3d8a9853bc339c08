"""The tables of the embedded store, and the upgrades from earlier versions."""

from __future__ import annotations

import sqlite3

from setpoint.adapters.sqlite import names, notices, secret_key, sweeps
from setpoint.model.sources import MANIFEST_PART, decode_manifest, encode_manifest
from setpoint.util.external_sort import batches

SCHEMA_VERSION = 9

_SCHEMA = """
CREATE TABLE IF NOT EXISTS control (
    only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS manifests (
    source TEXT NOT NULL,
    generation INTEGER NOT NULL,
    part INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (source, generation, part)
);
CREATE TABLE IF NOT EXISTS desired (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS projects (number TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS projects_by_id ON projects (id);
CREATE TABLE IF NOT EXISTS brakes (
    only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS audit (id TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS trail ON audit (id);
CREATE TABLE IF NOT EXISTS actors (id TEXT PRIMARY KEY, expires REAL NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS expired ON actors (expires);
CREATE TABLE IF NOT EXISTS findings (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    drifted INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    body BLOB NOT NULL,
    observation BLOB,
    due REAL,
    reading_due REAL,
    remediation_due REAL
);
CREATE INDEX IF NOT EXISTS drifted ON findings (id) WHERE drifted;
CREATE INDEX IF NOT EXISTS unpublished ON findings (id) WHERE pending;
CREATE INDEX IF NOT EXISTS due ON findings (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS remediation_due ON findings (remediation_due) WHERE remediation_due IS NOT NULL;
CREATE INDEX IF NOT EXISTS reading_due ON findings (reading_due) WHERE reading_due IS NOT NULL;
"""

# Findings have a rowid, since their rows are large (https://www.sqlite.org/withoutrowid.html#when_to_use_without_rowid).
_COLUMNS = {2: "due", 7: "reading_due", 8: "remediation_due"}
"""Columns of findings that a store with a schema up to this version lacks; all are REAL."""
_WHOLE_MANIFESTS = 3
"""The last schema version in which a manifest was one row."""

PUT_MANIFEST = "INSERT OR REPLACE INTO manifests (source, generation, part, body) VALUES (?, ?, ?, ?)"


def create_tables(connection: sqlite3.Connection) -> None:
    """Create missing tables; do nothing if another process created them meanwhile."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    whole = _take_whole_manifests(connection) if 0 < version <= _WHOLE_MANIFESTS else []
    known = {row[1] for row in connection.execute("PRAGMA table_info(findings)")}
    upgrades = (
        f"ALTER TABLE findings ADD COLUMN {column} REAL"
        for made, column in _COLUMNS.items()
        if 0 < version <= made and known and column not in known
    )
    for statement in (
        *upgrades,
        *(_SCHEMA + sweeps.SCHEMA + names.SCHEMA + notices.SCHEMA + secret_key.SCHEMA).split(";"),
        f"PRAGMA user_version = {SCHEMA_VERSION}",
    ):
        connection.execute(statement)
    for source, generation, body in whole:
        for part, rows in enumerate(batches(sorted(decode_manifest(body)), MANIFEST_PART)):
            connection.execute(PUT_MANIFEST, (source, generation, part, encode_manifest(rows)))


def _take_whole_manifests(connection: sqlite3.Connection) -> list[tuple[str, int, bytes]]:
    """The manifests of an older version, each in one unordered row; their table is dropped."""
    rows = connection.execute("SELECT source, generation, body FROM manifests").fetchall()
    connection.execute("DROP TABLE manifests")
    return rows
