"""A message that tells a sweep what to do next; that much of it done."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING

import functions_framework
import msgspec

from setpoint import sweeping, wiring

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def sweep(event: CloudEvent) -> None:
    """Handle one pushed message; an exception has Pub/Sub deliver it again."""
    message = event.data["message"]
    data = base64.b64decode(message.get("data") or "")
    told = sweeping.receive(data, message.get("attributes") or {}, message["messageId"], wiring.sweeper())
    sys.stdout.write(msgspec.json.encode({"severity": told.severity, **msgspec.to_builtins(told)}).decode() + "\n")
