"""Buttons that were pressed in, and orders; a stand-in until there are alerts."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import functions_framework

from setpoint import pressing, wiring

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def notify(event: CloudEvent) -> None:
    """Handle one pushed message; an exception has Pub/Sub deliver it again."""
    message = event.data["message"]
    data = base64.b64decode(message.get("data") or "")
    attributes = message.get("attributes") or {}
    if attributes.get("type") == "press":
        pressing.receive(data, attributes, wiring.presser())
