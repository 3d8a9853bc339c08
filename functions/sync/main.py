"""An archive of declarations that arrives in a bucket; the store in step with it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import functions_framework
import msgspec

from setpoint import archiving, wiring
from setpoint.errors import PermanentError, Superseded

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent


@functions_framework.cloud_event
def sync(event: CloudEvent) -> None:
    """Apply one uploaded archive; what can never be applied is said in the log, anything else is tried again."""
    archives, deps = wiring.syncer()
    try:
        report = archiving.sync_archive(event.data, archives, deps, datetime.now(UTC))
    except PermanentError as error:
        _log("NOTICE" if isinstance(error, Superseded) else "ERROR", str(error))
        return
    for problem in report.problems:
        _log("WARNING", f"{event.data['name']}: {problem}")
    _log("ERROR" if report.synced.failed else "INFO", f"{event.data['name']}: {report.summary()}")


def _log(severity: str, message: str) -> None:
    """One line of structured logging (https://cloud.google.com/run/docs/logging#using-json)."""
    sys.stdout.write(msgspec.json.encode({"severity": severity, "message": message}).decode() + "\n")
