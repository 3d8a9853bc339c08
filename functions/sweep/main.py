"""Receive the messages of a sweep, and do the next part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework
import msgspec

from setpoint import bootstrap
from setpoint import sweep as sweeping
from setpoint.bootstrap import serving

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def sweep(event: CloudEvent) -> None:
    """Handle one pushed message; after an exception, Pub/Sub delivers it again."""
    with serving.handling("sweep", event) as message:
        result = sweeping.receive(message.data, message.attributes, message.message_id, bootstrap.sweeper())
        message.end(
            result.done, result.severity, f"{result.done} {result.about}".strip(), **msgspec.to_builtins(result)
        )
