"""An archive of declarations that arrives in a bucket; the store in step with it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import functions_framework
import msgspec

from setpoint import archiving, wiring
from setpoint.errors import PermanentError

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def sync(event: CloudEvent) -> None:
    """Apply one uploaded archive; what can never be applied is said in the log, anything else is tried again."""
    archives, deps = wiring.syncer()
    bucket, name = event.data["bucket"], event.data["name"]
    try:
        report = archiving.sync_archive(bucket, name, archives, deps, datetime.now(UTC))
    except PermanentError as error:
        _log("ERROR", str(error))
        return
    for problem in report.problems:
        _log("WARNING", f"{name}: {problem}")
    _log("INFO", f"{name}: {report.summary()}")


def _log(severity: str, message: str) -> None:
    """One line of structured logging (https://cloud.google.com/run/docs/logging#using-json)."""
    sys.stdout.write(msgspec.json.encode({"severity": severity, "message": message}).decode() + "\n")
