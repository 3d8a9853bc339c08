"""The views on many events: their time, and the amount of data that each reads.

    python benchmarks/reports.py 1000000

Events are made up (``setpoint_tools.testing.event_histories``), of 400 days, and kept in DuckDB in a file. What
BigQuery would read is told on paper: the bytes of the columns that a view names, by BigQuery's own sizes of types
(https://cloud.google.com/bigquery/pricing#data), in the days between which it reads. That it reads no others is shown
by taking them away: the answers stay as they are.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from sqlglot import expressions as sql

from setpoint.model.events import encode
from setpoint.reporting.bigquery_schema import Column, columns_of
from setpoint.reporting.rows import CoverageRow, DigestRow, FindingRow, SweepRow
from setpoint.reporting.tables import (
    COVERAGE_SNAPSHOT,
    DIGESTS,
    DRIFT_EVENTS,
    DRIFT_MESSAGES,
    FINDINGS_SNAPSHOT,
    SWEEPS_SNAPSHOT,
    tables,
)
from setpoint_tools.testing.event_histories import history
from setpoint_tools.testing.warehouse import DAYS, DuckWarehouse, messages, parsed, view_names

NOW = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)
HISTORY = 400
_CHUNK = 50_000
_SNAPSHOTS = 100
"""Days with snapshots, more than any view looks back."""
_SIZES = {"INTEGER": 8, "FLOAT": 8, "BOOLEAN": 1, "TIMESTAMP": 8, "DATE": 8}


def main() -> None:
    """Fill the tables, ask every view twice, and print what it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("events", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--findings", type=int, default=2_000, help="open findings in each day's snapshot")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckWarehouse(NOW, database=str(Path(folder) / "warehouse.duckdb"))
        started = time.perf_counter()
        fill(warehouse, options.events, options.findings)
        loaded = time.perf_counter() - started
        figures = measured(warehouse)
        figures["loaded in s"] = round(loaded, 1)
        figures["peak memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        warehouse.close()
    print(json.dumps(figures))


def fill(warehouse: DuckWarehouse, events: int, findings: int) -> None:
    """Load a history, and a snapshot of so many findings for each of the last days."""
    published = history(events, NOW, HISTORY)
    while chunk := list(islice(published, _CHUNK)):
        warehouse.load(DRIFT_EVENTS, [encode(event) for event, _ in chunk])
        warehouse.load(DRIFT_MESSAGES, messages(chunk))
    for table, rows in snapshots(findings):
        warehouse.load(table, rows)


def snapshots(findings: int) -> Iterator[tuple[str, Iterable[dict[str, Any]]]]:
    """The rows of each snapshot table, of all days."""
    days = [NOW.date() - timedelta(days=ago) for ago in range(_SNAPSHOTS)]
    common: list[dict[str, Any]] = [{"day": str(day), "taken_at": f"{day}T00:05:00Z"} for day in days]
    coverage: dict[str, Any] = {
        "team": "team-01",
        "project": "shop-0001",
        "asset_type": "storage.googleapis.com/Bucket",
    }
    coverage |= {"content": "resource", "declared": 50_000, "checked": 49_990}
    yield FINDINGS_SNAPSHOT, (_finding(number, day) for day in days for number in range(findings))
    yield COVERAGE_SNAPSHOT, [_row(CoverageRow, {**row, **coverage}) for row in common]
    yield SWEEPS_SNAPSHOT, [_row(SweepRow, {**row, "started_at": row["taken_at"]}) for row in common]
    yield DIGESTS, [_row(DigestRow, {**row, "grouped_by": "fleet", "text": "A week." * 20}) for row in common]


def _finding(number: int, day: date) -> dict[str, Any]:
    seen = f"{day - timedelta(days=number % 60)}T12:00:00Z"
    fields = {"day": str(day), "taken_at": f"{day}T00:05:00Z", "first_seen": seen, "last_seen": seen, "sequence": 1}
    fields |= {"finding_id": f"{number:032x}", "resource_name": f"//storage.googleapis.com/bucket-{number}"}
    fields |= {"team": f"team-{number % 20:02d}", "project": f"shop-{number % 3000:04d}", "severity": "high"}
    fields |= {
        "status": "open",
        "exempted_until": f"{day + timedelta(days=number % 90)}T00:00:00Z",
        "paths": ["location"],
    }
    return _row(FindingRow, fields)


def _row(model: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """A row with nothing in the columns of which nothing is told."""
    return {**_nothing(model), **fields}


@cache
def _nothing(model: Any) -> dict[str, Any]:
    empty = {"STRING": "", "INTEGER": 0}
    return {
        column["name"]: [] if column["mode"] == "REPEATED" else empty.get(column["type"])
        for column in columns_of(model)
    }


def measured(warehouse: DuckWarehouse) -> dict[str, Any]:
    """What each view answers, in how long, and what it reads; then once more without what it does not read."""
    (rows,) = warehouse.connection.execute(f"SELECT COUNT(*) FROM {DRIFT_EVENTS}").fetchone() or (0,)  # noqa: S608 - our name
    sizes = {name: _Sizes(warehouse, name) for name in tables()}
    answers, figures = {}, {}
    print(f"{rows:,} rows of events, {sizes[DRIFT_EVENTS].days} days; views look back {DAYS} days")
    print(f"{'view':20} {'rows':>8} {'s':>7} {'MB':>8}  days read, of how many")
    for view in view_names():
        started = time.perf_counter()
        (count, answers[view]) = asked(warehouse, view)
        seconds = time.perf_counter() - started
        reads = [(sizes[table], days, paths) for table, days, paths in read_by(view)]
        megabytes = sum(read.bytes_of(paths, days) for read, days, paths in reads) / 1e6
        places = ", ".join(f"{read.table} {read.count_days(days)}/{read.days}" for read, days, _ in reads)
        print(f"{view:20} {count:8,} {seconds:7.2f} {megabytes:8.1f}  {places}")
        figures[view] = {"rows": count, "s": round(seconds, 2), "MB": round(megabytes, 1), "days": places}
    drop_the_rest(warehouse)
    changed = [view for view in view_names() if asked(warehouse, view)[1] != answers[view]]
    print(f"without all other days: {len(changed)} answers changed {' '.join(changed)}".rstrip())
    return {"events": rows, "views": figures, "answers that changed": len(changed)}


def asked(warehouse: DuckWarehouse, view: str) -> tuple[int, int]:
    """How many rows a view answers, and a digest of them: of all columns but quantiles, which are estimates."""
    columns = [name for name, *_ in warehouse.connection.execute(f"DESCRIBE {view}").fetchall()]
    exact = ", ".join(f'"{column}"' for column in columns if not column.startswith(("median_", "p95_")))
    checksum = warehouse.connection.execute(f"SELECT COUNT(*), BIT_XOR(HASH(ROW({exact}))) FROM {view}").fetchone()  # noqa: S608 - our names
    return checksum or (0, 0)


def drop_the_rest(warehouse: DuckWarehouse) -> None:
    """Take away every day of every table that no view reads."""
    for name, table in tables().items():
        first = NOW.date() - timedelta(days=DAYS)
        column = table.partitioned_by
        warehouse.connection.execute(f"DELETE FROM {name} WHERE CAST({column} AS DATE) < DATE '{first}'")  # noqa: S608 - as above


def read_by(view: str) -> Iterator[tuple[str, int, set[str]]]:
    """The tables that a view reads, also through the view that it is made of: days back, and paths of columns."""
    for table in parsed(view).find_all(sql.Table):
        query = table.find_ancestor(sql.Select)
        if table.name == "events":
            yield from read_by("events")
        elif table.name in tables() and query is not None:
            by = tables()[table.name].partitioned_by
            (since,) = [
                comparison.expression
                for comparison in query.args["where"].find_all(sql.GTE)
                if comparison.this.name == by
            ]
            back = [int(span.expression.name) for span in since.find_all(sql.TimestampSub, sql.DateSub)]
            yield table.name, sum(back), set(_paths(query, table.name))


def _paths(query: sql.Expression, table: str) -> Iterable[str]:
    """What a query names of a table, ``data.owner.team``; everything where it says so."""
    if any(isinstance(expression, sql.Star) for expression in query.expressions):
        return [column["name"] for column in tables()[table].columns]
    names = {column["name"] for column in tables()[table].columns}
    columns = [column.sql() for column in query.find_all(sql.Dot, sql.Column)]
    return [column for column in columns if column.partition(".")[0] in names]


class _Sizes:
    """How large a table's columns are, on average, by what is in them.

    Args:
        warehouse: the tables.
        table: which.
    """

    def __init__(self, warehouse: DuckWarehouse, table: str) -> None:
        self.table = table
        self._by = tables()[table].partitioned_by
        self._connection = warehouse.connection
        leaves = {path: size for column in tables()[table].columns for path, size in _leaves(column, "", '"{}"')}
        averages = ", ".join(f"AVG({size})" for size in leaves.values())
        days = f"COUNT(DISTINCT CAST({self._by} AS DATE))"
        asked = f"SELECT {averages}, {days} FROM {table}"  # noqa: S608 - our names
        (*row, self.days) = self._connection.execute(asked).fetchone() or (0,)
        self._average = dict(zip(leaves, (average or 0.0 for average in row), strict=True))

    def _bound(self, days: int) -> str:
        return f"CAST({self._by} AS DATE) >= DATE '{NOW.date() - timedelta(days=days)}'"

    def count_days(self, days: int) -> int:
        """How many of the table's days are read."""
        return self._number(f"COUNT(DISTINCT CAST({self._by} AS DATE))", days)

    def bytes_of(self, paths: set[str], days: int) -> float:
        """Bytes of these columns, with all that they contain, in the days that are read."""
        read = {leaf for leaf in self._average for path in paths if leaf == path or leaf.startswith(f"{path}.")}
        # A path into a list, or of a JSON value, names less than the column that has to be read.
        read |= {leaf for leaf in self._average for path in paths if path.startswith(f"{leaf}.")}
        return self._number("COUNT(*)", days) * sum(self._average[leaf] for leaf in read)

    def _number(self, what: str, days: int) -> int:
        row = self._connection.execute(f"SELECT {what} FROM {self.table} WHERE {self._bound(days)}").fetchone()  # noqa: S608 - as above
        return int(row[0]) if row else 0


def _leaves(column: Column, above: str, access: str) -> Iterator[tuple[str, str]]:
    """Each leaf of a column with DuckDB's expression for its bytes; of what is in a list, of all of it as JSON."""
    path, where = f"{above}{column['name']}", access.format(column["name"])
    if column["mode"] == "REPEATED" or column["type"] == "JSON":
        yield path, f"strlen(CAST(to_json({where}) AS VARCHAR))"
    elif column["type"] == "RECORD":
        for field in column["fields"]:
            yield from _leaves(field, f"{path}.", f'{where}."{{}}"')
    elif column["type"] == "STRING":
        yield path, f"IF({where} IS NULL, 0, 2 + strlen({where}))"
    else:
        yield path, f"IF({where} IS NULL, 0, {_SIZES[column['type']]})"


if __name__ == "__main__":
    main()
