"""Handle an uploaded object in ``functions/sync``: an archive of declarations, or a Terraform state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from setpoint.declarations import apply_archive, apply_states
from setpoint.declarations.apply_states import StateOptions, StateReport, Status
from setpoint.detection.pipeline import Context
from setpoint.errors import MissingState, PermanentError, Superseded, Unavailable
from setpoint.model.state_buckets import StateBucket
from setpoint.ports.services import Archives, StateStorage
from setpoint.util.telemetry import Severity

_SUFFIX = ".tfstate"


class Uploads(NamedTuple):
    """The ports of ``functions/sync``.

    Flow: an upload, from its event to the findings that are evaluated again.

    Args:
        archives: reads archives.
        detection: evaluates what the upload declares otherwise.
        states: reads states.
        buckets: the buckets of states, by name.
        declarations: the only bucket that archives are read from.
    """

    archives: Archives
    detection: Context
    states: StateStorage | None = None
    buckets: Mapping[str, StateBucket] = {}
    declarations: str = ""


class LogLine(NamedTuple):
    """A log line about a part of an upload.

    Args:
        severity: its severity.
        text: its text.
        fields: further fields.
    """

    severity: Severity
    text: str
    fields: Mapping[str, str]


class UploadReport(NamedTuple):
    """The result of an upload.

    Args:
        outcome: ``applied``, ``unchanged``, ``superseded``, ``refused`` or ``ignored``.
        severity: severity of the log line.
        message: what was done, or why not.
        lines: further log lines.
    """

    outcome: str
    severity: Severity
    message: str
    lines: tuple[LogLine, ...] = ()


def sync_upload(
    body: Mapping[str, Any], attributes: Mapping[str, str], uploads: Uploads, now: datetime
) -> UploadReport:
    """Apply an uploaded object.

    Args:
        body: body of a Cloud Storage event.
        attributes: attributes of a Cloud Storage notification by Pub/Sub; empty for other events.
        uploads: the ports.
        now: the time of the apply.

    Raises:
        TransientError: the apply failed for now; redeliver the event.
    """
    named = _notified(attributes) if "bucketId" in attributes else body
    bucket = named.get("bucket")
    try:
        if bucket in uploads.buckets:
            return _state(str(bucket), str(named.get("name") or ""), uploads, now)
        if "bucket" in named and bucket != uploads.declarations:  # other buckets of a project can notify the topic, too
            message = f"gs://{bucket}: is not a bucket of this installation; nothing was read"
            return UploadReport("ignored", "WARNING", message)
        return _archive(named, uploads, now)
    except Superseded as error:
        return UploadReport("superseded", "NOTICE", str(error))
    except PermanentError as error:
        return UploadReport("refused", "ERROR", str(error))


def _notified(attributes: Mapping[str, str]) -> dict[str, str]:
    """What a notification names, as an event of Cloud Storage does.

    Source: https://cloud.google.com/storage/docs/pubsub-notifications#attributes
    """
    names = {"bucket": "bucketId", "name": "objectId", "generation": "objectGeneration"}
    return {name: attributes[given] for name, given in names.items() if given in attributes}


def _archive(body: Mapping[str, Any], uploads: Uploads, now: datetime) -> UploadReport:
    report = apply_archive.sync_archive(body, uploads.archives, uploads.detection, now)
    name, source = body["name"], report.request.source
    refused = (*report.synced.plan.refused, *report.synced.plan.claimed)
    lines = (
        *(LogLine("WARNING", f"{name}: {problem}", {"event": "problem"}) for problem in report.problems),
        *(LogLine("ERROR", f"{name}: {entry}", {"event": "claim_refused", "source": source}) for entry in refused),
    )
    return UploadReport("applied", "ERROR" if report.is_wrong else "INFO", f"{name}: {report.summary()}", lines)


_OUTCOMES: Mapping[Status, tuple[str, Severity]] = {
    "applied": ("applied", "INFO"),
    "unchanged": ("unchanged", "INFO"),
    "superseded": ("superseded", "NOTICE"),
    "refused": ("refused", "ERROR"),
    "waiting": ("refused", "ERROR"),
    "gone": ("refused", "ERROR"),
}


def _state(bucket: str, name: str, uploads: Uploads, now: datetime) -> UploadReport:
    """Apply the present content of one state, for any event about it."""
    rules, url = uploads.buckets[bucket], f"gs://{bucket}/{name}"
    if not name.endswith(_SUFFIX) or not name.startswith(rules.prefix) or uploads.states is None:
        return UploadReport("ignored", "INFO", f"{url}: is not a state of this installation")
    reports: list[StateReport] = []
    options = StateOptions(grace_seconds=rules.grace)
    try:
        apply_states.sync_states(url, uploads.states, uploads.detection, now, options, reports.append)
    except MissingState:
        return UploadReport("ignored", "INFO", f"{url}: is deleted, and declared nothing")
    failed = [report for report in reports if report.status == "failed"]
    if failed:
        raise Unavailable(failed[0].message)
    own = next(report for report in reports if report.url == url)
    outcome, severity = _OUTCOMES[own.status]
    message = own.message if url in own.message else f"{url}: {own.message or own.status}"
    return UploadReport(outcome, severity, message, tuple(_lines(reports, url)))


def _lines(reports: Iterable[StateReport], url: str) -> Iterable[LogLine]:
    """The errors in states, and the results of states that had to wait for this one."""
    for report in reports:
        for problem in report.problems:
            yield LogLine("WARNING", f"{report.url}: {problem}", {"event": "problem"})
        if report.url != url:
            _, severity = _OUTCOMES[report.status]
            yield LogLine(severity, f"{report.url}: {report.message or report.status}", {"event": "problem"})
