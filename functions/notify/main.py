"""Receive drift events, button clicks and a tick every minute, and send or update alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from setpoint import bootstrap
from setpoint.alerting import service
from setpoint.bootstrap import serving
from setpoint.util import telemetry

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def notify(event: CloudEvent) -> None:
    """Handle one pushed message; after an exception, Pub/Sub delivers it again."""
    with serving.handling("notify", event) as message:
        done = service.receive(message.data, message.attributes, bootstrap.notifier())
        for problem in done.problems:
            telemetry.log("WARNING", problem, event="problem")
        message.end(done.outcome)
