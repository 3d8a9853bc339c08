"""Drift events in, buttons that were pressed, and a message every minute; people told, and told what became of it."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING

import functions_framework
import msgspec

from setpoint import notifying, wiring

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def notify(event: CloudEvent) -> None:
    """Handle one pushed message; an exception has Pub/Sub deliver it again."""
    message = event.data["message"]
    data = base64.b64decode(message.get("data") or "")
    done = notifying.receive(data, message.get("attributes") or {}, wiring.notifier())
    for problem in done.problems:
        _log("WARNING", problem)


def _log(severity: str, message: str) -> None:
    """One line of structured logging (https://cloud.google.com/run/docs/logging#using-json)."""
    sys.stdout.write(msgspec.json.encode({"severity": severity, "message": message}).decode() + "\n")
