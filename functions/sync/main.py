"""Receive uploads of declarations and Terraform states, and apply them to the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import functions_framework

from setpoint import bootstrap
from setpoint.bootstrap import serving
from setpoint.declarations import uploads
from setpoint.util import telemetry

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def sync(event: CloudEvent) -> None:
    """Apply an upload. Log an upload that can never be applied; after other errors, it is delivered again."""
    with serving.handling("sync", event) as upload:
        applier = uploads.Uploads(*bootstrap.declaration_applier())
        report = uploads.sync_upload(upload.body, upload.attributes, applier, datetime.now(UTC))
        for line in report.lines:
            telemetry.log(line.severity, line.text, **line.fields)
        upload.end(report.outcome, report.severity, report.message)
