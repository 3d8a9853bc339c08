"""An entry of an audit log in; who is behind a drift kept, and told where the drift is known."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import functions_framework

from setpoint import attributing, wiring

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def attribute(event: CloudEvent) -> None:
    """Handle one pushed message; an exception has Pub/Sub deliver it again."""
    message = event.data["message"]
    data = base64.b64decode(message.get("data") or "")
    attributing.receive(data, message.get("attributes") or {}, wiring.attributor())
