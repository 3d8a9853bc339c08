"""An entry of an audit log in; who is behind a drift kept, and told where the drift is known."""

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
    """Handle one pushed message; an exception has Pub/Sub deliver it again."""
    with serving.handling("attribute", event) as message:
        outcomes = service.receive(message.data, message.attributes, bootstrap.attributor())
        message.end(max(outcomes, key=service.PRECEDENCE.index))
