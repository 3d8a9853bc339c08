"""A Cloud Asset Inventory feed message in; drift events out."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import functions_framework

from setpoint import flow, wiring

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def detect(event: CloudEvent) -> None:
    """Handle one pushed message; an exception has Pub/Sub deliver it again."""
    message = event.data["message"]
    data = base64.b64decode(message.get("data") or "")
    flow.receive(data, message.get("attributes") or {}, wiring.detector())
