"""Once a day, write the snapshots of the day and the weekly digest to the warehouse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import functions_framework

from setpoint import bootstrap
from setpoint.bootstrap import serving
from setpoint.reporting import daily_snapshot

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def report(event: CloudEvent) -> None:
    """Handle one pushed message; after an exception, Pub/Sub delivers it again."""
    with serving.handling("report", event) as message:
        day = datetime.fromisoformat(message.body["message"]["publishTime"]).astimezone(UTC).date()
        rows = daily_snapshot.report(day, message.message_id, bootstrap.reporter())
        message.end("written", day=day, rows=rows)
