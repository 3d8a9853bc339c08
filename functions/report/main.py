"""A message once a day; the snapshots of that day and the digest of the week before it in the warehouse."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import functions_framework
import msgspec

from setpoint import reporting, wiring

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def report(event: CloudEvent) -> None:
    """Handle one pushed message; an exception has Pub/Sub deliver it again."""
    message = event.data["message"]
    day = datetime.fromisoformat(message["publishTime"]).astimezone(UTC).date()
    rows = reporting.report(day, message["messageId"], wiring.reporter())
    sys.stdout.write(msgspec.json.encode({"severity": "INFO", "day": day, "rows": rows}).decode() + "\n")
