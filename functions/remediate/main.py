"""Receive drift events and a tick every minute, and remediate drift as the policy allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from setpoint import bootstrap
from setpoint.bootstrap import serving
from setpoint.remediation import engine
from setpoint.util import telemetry

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def remediate(event: CloudEvent) -> None:
    """Handle one pushed message; after an exception, Pub/Sub delivers it again."""
    with serving.handling("remediate", event) as message:
        done = engine.receive(message.data, message.attributes, bootstrap.remediator())
        for problem in done.problems:
            telemetry.log("WARNING", problem, event="problem")
        message.end(done.outcome)
