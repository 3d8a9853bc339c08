"""Receive feed messages of Cloud Asset Inventory, and publish drift events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework

from setpoint import bootstrap
from setpoint.bootstrap import serving
from setpoint.detection import pipeline

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def detect(event: CloudEvent) -> None:
    """Handle one pushed message; after an exception, Pub/Sub delivers it again."""
    with serving.handling("detect", event) as message:
        message.end(pipeline.receive(message.data, message.attributes, bootstrap.detector()))
