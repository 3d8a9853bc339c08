"""An archive of declarations that arrives in a bucket; the store in step with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import functions_framework

from setpoint import bootstrap
from setpoint.bootstrap import serving
from setpoint.declarations import apply_archive
from setpoint.errors import PermanentError, Superseded
from setpoint.util import telemetry

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def sync(event: CloudEvent) -> None:
    """Apply one uploaded archive; what can never be applied is said in the log, anything else is tried again."""
    with serving.handling("sync", event) as upload:
        archives, deps = bootstrap.declaration_applier()
        try:
            report = apply_archive.sync_archive(upload.body, archives, deps, datetime.now(UTC))
        except Superseded as error:
            upload.end("superseded", "NOTICE", str(error))
        except PermanentError as error:
            upload.end("refused", "ERROR", str(error))
        else:
            name = upload.body["name"]
            for problem in report.problems:
                telemetry.log("WARNING", f"{name}: {problem}", event="problem")
            for document in (*report.synced.plan.refused, *report.synced.plan.claimed):
                telemetry.log("ERROR", f"{name}: {document}", event="claim_refused", source=report.request.source)
            upload.end("applied", "ERROR" if report.is_wrong else "INFO", f"{name}: {report.summary()}")
