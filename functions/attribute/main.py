"""Receive audit log entries, and record the actor of the drift that they explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from setpoint import bootstrap
from setpoint.attribution import service
from setpoint.bootstrap import serving

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def attribute(event: CloudEvent) -> None:
    """Handle one pushed message; after an exception, Pub/Sub delivers it again."""
    with serving.handling("attribute", event) as message:
        outcomes = service.receive(message.data, message.attributes, bootstrap.attributor())
        message.end(max(outcomes, key=service.PRECEDENCE.index))
