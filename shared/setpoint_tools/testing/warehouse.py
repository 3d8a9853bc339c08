"""The warehouse on DuckDB: its tables by their schema files, its views by SQLGlot from BigQuery's SQL.

It needs ``duckdb`` and ``sqlglot``. What time it is, is what a test says.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import expressions as sql

from setpoint.model import events as event_form
from setpoint.model.events import CloudEvent
from setpoint.reporting.bigquery_schema import Column
from setpoint.reporting.tables import DRIFT_EVENTS, DRIFT_MESSAGES, tables

VIEWS = Path(__file__).resolve().parents[3] / "infra/bigquery/views"
DAYS = 90
PROJECT, DATASET = "fleet-ops", "setpoint"
BASE = "events"
"""The view that others are made of."""

_TYPES = {
    "STRING": "VARCHAR",
    "INTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
    "BOOLEAN": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMPTZ",
    "DATE": "DATE",
    "JSON": "JSON",
}


def view_names() -> list[str]:
    """The names of all views, those first that others are made of."""
    names = sorted(path.stem for path in VIEWS.glob("*.sql"))
    return [BASE, *(name for name in names if name != BASE)]


def view_sql(name: str, days: int = DAYS) -> str:
    """A view as Terraform's ``templatefile`` gives it to BigQuery."""
    text = (VIEWS / f"{name}.sql").read_text()
    values = {"project": PROJECT, "dataset": DATASET, "days": str(days)}
    return re.sub(r"\$\{(\w+)\}", lambda match_: values[match_[1]], text)


def question(name: str) -> str:
    """What a view answers: its comment, up to the paragraph that tells what it reads."""
    lines = [line.removeprefix("-- ") for line in view_sql(name).splitlines() if line[:2] == "--"]
    return " ".join(lines).partition(" Reads ")[0]


@cache
def parsed(name: str, days: int = DAYS) -> sql.Expr:
    """A view as BigQuery would read it, parsed once: callers transform a copy."""
    return sqlglot.parse_one(view_sql(name, days), read="bigquery")


@cache
def _translated(name: str, days: int, now: datetime) -> str:
    return _in_duckdb(parsed(name, days), now)


def _in_duckdb(statement: sql.Expr, now: datetime) -> str:
    """A statement with tables without project and dataset, and with the time that it is said to be."""
    moment = now.astimezone(UTC)

    def at_home(node: sql.Expr) -> sql.Expr:
        if isinstance(node, sql.Table) and node.db:
            return sql.Table(this=sql.to_identifier(node.name), alias=node.args.get("alias"))
        if isinstance(node, sql.CurrentTimestamp):
            return sql.cast(sql.Literal.string(moment.isoformat()), "TIMESTAMPTZ")
        if isinstance(node, sql.CurrentDate):
            return sql.cast(sql.Literal.string(str(moment.date())), "DATE")
        return node

    return statement.transform(at_home).sql(dialect="duckdb")


def duck_type(column: Column) -> str:
    """DuckDB's type for a column."""
    if column["type"] == "RECORD":
        kind = f"STRUCT({', '.join(f'{_quoted(field)} {duck_type(field)}' for field in column['fields'])})"
    else:
        kind = _TYPES[column["type"]]
    return f"{kind}[]" if column["mode"] == "REPEATED" else kind


def _quoted(column: Column) -> str:
    return f'"{column["name"]}"'


def messages(published: Iterable[tuple[CloudEvent, datetime]]) -> list[dict[str, Any]]:
    """Events as the rows of ``drift_messages``, each with the time at which it was published."""
    return [
        {
            "subscription_name": "projects/1/subscriptions/drift-messages-to-bigquery",
            "message_id": str(number),
            "publish_time": published_at.isoformat(),
            "data": json.loads(event_form.encode(event)),
            "attributes": {"type": event.type},
        }
        for number, (event, published_at) in enumerate(published, start=1)
    ]


class DuckWarehouse:
    """The tables and views at one moment.

    Args:
        now: what time it is.
        days: how far back views look.
        database: a file; in memory by default.
    """

    def __init__(self, now: datetime, days: int = DAYS, database: str = ":memory:") -> None:
        self.now = now
        self.connection = duckdb.connect(database, config={"threads": 1})  # which is done sooner with little data
        self.connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables().items():
            columns = ", ".join(
                f"{_quoted(column)} {duck_type(column)}{' NOT NULL' if column['mode'] == 'REQUIRED' else ''}"
                for column in table.columns
            )
            self.connection.execute(f"CREATE TABLE {name} ({columns})")
        for name in view_names():
            self.connection.execute(f"CREATE VIEW {name} AS {self.translated(name, days)}")

    def translated(self, name: str, days: int = DAYS) -> str:
        """A view in DuckDB's SQL."""
        return _translated(name, days, self.now)

    def answer(self, statement: str, column: str) -> list[Any]:
        """A column of what a statement for BigQuery answers."""
        translated = _in_duckdb(sqlglot.parse_one(statement, read="bigquery"), self.now)
        rows = self.connection.execute(f'SELECT "{column}" FROM ({translated})').fetchall()  # noqa: S608 - our docs
        return [value for (value,) in rows]

    def load(self, table: str, rows: Iterable[Mapping[str, Any] | bytes]) -> None:
        """Add rows, given as JSON values or texts; what has no column is dropped."""
        columns = {column["name"]: duck_type(column) for column in tables()[table].columns}
        with tempfile.NamedTemporaryFile("wb", suffix=".jsonl") as file:
            for row in rows:
                file.write((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n")
            file.flush()
            if not file.tell():
                return
            shape = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items()) + "}"
            how = f"format='newline_delimited', columns={shape}"
            self.connection.execute(f"INSERT INTO {table} SELECT * FROM read_json('{file.name}', {how})")  # noqa: S608 - our names

    def publish(self, published: Sequence[tuple[CloudEvent, datetime]]) -> None:
        """Have both subscriptions write events, each published at a time."""
        self.load(DRIFT_EVENTS, [event_form.encode(event) for event, _ in published])
        self.load(DRIFT_MESSAGES, messages(published))

    def ask(self, view: str) -> list[dict[str, Any]]:
        """A view's answer, a row each in its order; times in UTC."""
        columns = self.connection.execute(f"DESCRIBE {view}").fetchall()
        times = {name for name, kind, *_ in columns if kind == "TIMESTAMP WITH TIME ZONE"}
        shown = ", ".join(f"\"{name}\" AT TIME ZONE 'UTC'" if name in times else f'"{name}"' for name, *_ in columns)
        rows = self.connection.execute(f"SELECT {shown} FROM {view}").fetchall()  # noqa: S608 - as above
        return [
            {
                name: value.replace(tzinfo=UTC) if name in times and value is not None else value
                for (name, *_), value in zip(columns, row, strict=True)
            }
            for row in rows
        ]

    def close(self) -> None:
        """Let go of the database."""
        self.connection.close()
