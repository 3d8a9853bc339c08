"""The tables of the warehouse: their columns and partitions."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import msgspec

from setpoint.model.events import CloudEvent
from setpoint.reporting.bigquery_schema import Column, columns_of
from setpoint.reporting.rows import CoverageRow, DigestRow, FindingRow, SweepRow

DRIFT_EVENTS = "drift_events"
DRIFT_MESSAGES = "drift_messages"
FINDINGS_SNAPSHOT = "findings_snapshot"
COVERAGE_SNAPSHOT = "coverage_snapshot"
SWEEPS_SNAPSHOT = "sweeps_snapshot"
DIGESTS = "digests"


class Table(NamedTuple):
    """A table.

    Args:
        columns: its columns.
        partitioned_by: the column with the day of a partition.
    """

    columns: list[Column]
    partitioned_by: str


_MODELS: dict[str, tuple[type[msgspec.Struct], str]] = {
    DRIFT_EVENTS: (CloudEvent, "recordedtime"),
    FINDINGS_SNAPSHOT: (FindingRow, "day"),
    COVERAGE_SNAPSHOT: (CoverageRow, "day"),
    SWEEPS_SNAPSHOT: (SweepRow, "day"),
    DIGESTS: (DigestRow, "day"),
}

_MESSAGE: list[Column] = [
    {
        "name": "subscription_name",
        "type": "STRING",
        "mode": "NULLABLE",
        "description": "the subscription that wrote it",
    },
    {
        "name": "message_id",
        "type": "STRING",
        "mode": "NULLABLE",
        "description": "the message; of a redelivery the same",
    },
    {"name": "publish_time", "type": "TIMESTAMP", "mode": "NULLABLE", "description": "when it was published"},
    {"name": "data", "type": "JSON", "mode": "NULLABLE", "description": "the whole event, with the values that differ"},
    {"name": "attributes", "type": "JSON", "mode": "NULLABLE", "description": "its attributes and its ordering key"},
]
"""The columns that a subscription without a schema writes, with metadata.

Source: https://cloud.google.com/pubsub/docs/create-bigquery-subscription#write_metadata
"""


@cache
def tables() -> dict[str, Table]:
    """Every table by its name, made once; not to be changed."""
    made = {name: Table(columns_of(model), by) for name, (model, by) in _MODELS.items()}
    return {**made, DRIFT_MESSAGES: Table(_MESSAGE, "publish_time")}
