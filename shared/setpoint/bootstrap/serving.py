"""What every function does before and after its event: check the caller, continue the trace, and log the outcome.

::

    @functions_framework.cloud_event
    def detect(event: CloudEvent) -> None:
        with serving.handling("detect", event) as run:
            run.end(pipeline.receive(run.data, run.attributes, bootstrap.detector()))
"""

from __future__ import annotations

import base64
import binascii
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flask
from werkzeug.exceptions import HTTPException

from setpoint import bootstrap
from setpoint.errors import AccessDenied, SetpointError
from setpoint.util import telemetry
from setpoint.util.clock import in_utc
from setpoint.util.json_values import as_object
from setpoint.util.telemetry import Run, Severity

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

_MAX_FRAMES = 8
LARGEST_BODY = 15_000_000
"""Bytes of a request: a message has 10 MB at most (https://cloud.google.com/pubsub/quotas), and a push its base64."""


class PushDelivery:
    """An event with its handling.

    Args:
        event: what functions-framework made of the request.
        run: the handling of it.
    """

    def __init__(self, event: CloudEvent, run: Run) -> None:
        self.body: Mapping[str, Any] = as_object(event.data)
        message = _message(event)
        self.attributes = _attributes(message)
        self.message_id = str(message.get("messageId") or event["id"])
        self._data = message.get("data") or ""
        self._run = run

    @property
    def data(self) -> bytes:
        """The data of the message; data that is not base64 is returned unchanged, and rejected later."""
        try:
            return base64.b64decode(self._data, validate=True)
        except (binascii.Error, ValueError, TypeError):
            return str(self._data).encode(errors="replace")

    def end(self, outcome: str, severity: Severity = "INFO", message: str = "", **fields: Any) -> None:
        """Record the outcome for the log entry."""
        self._run.end(outcome, severity, message, **fields)


@contextmanager
def handling(function: str, event: CloudEvent) -> Iterator[PushDelivery]:
    """Handle an event: check the caller, continue its trace, and write one log entry.

    Args:
        function: the function's name.
        event: the event.
    """
    _check_request()
    message = _message(event)
    attributes = _attributes(message)
    parent = telemetry.begun(attributes.get(telemetry.TRACEPARENT), str(message.get("messageId") or event["id"]))
    with (
        _without_payloads(),
        telemetry.running(function, parent, bootstrap.home_project(), bootstrap.spans()) as run,
    ):
        waited = _seconds_since(message.get("publishTime") or event.get("time"))
        if waited is not None:
            run.fields["queue_seconds"] = waited
        if isinstance(event.data, dict) and isinstance(event.data.get("deliveryAttempt"), int):
            run.fields["delivery_attempt"] = event.data["deliveryAttempt"]
        yield PushDelivery(event, run)


class UnexpectedError(Exception):
    """An error of a library, by its type and its place: its text may quote a payload, and frameworks log tracebacks."""


@contextmanager
def _without_payloads() -> Iterator[None]:
    """Let errors through without the texts of those that are not Setpoint's, which may quote a payload."""
    try:
        yield
    except SetpointError as error:
        if error.__cause__ is not None or error.__context__ is not None:
            cause = error.__cause__ or error.__context__
            telemetry.log("WARNING", f"{type(error).__name__} came of {_type_and_place(cause)}", event="cause")
        error.__cause__ = error.__context__ = None
        raise
    except HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may quote a payload
        raise UnexpectedError(_type_and_place(error)) from None


def _type_and_place(error: BaseException | None) -> str:
    """An error's type, and where it was raised: ``ValueError at a.py:12 < b.py:30``, the innermost call first."""
    frames = traceback.extract_tb(error.__traceback__ if error is not None else None)[::-1][:_MAX_FRAMES]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {places}"


def _check_request() -> None:
    """Refuse a request that is too large or not authorised; Pub/Sub redelivers it, and dead-letters it in the end."""
    if not flask.has_request_context():
        return
    if (flask.request.content_length or 0) > LARGEST_BODY:
        flask.abort(413)
    tokens = bootstrap.push_tokens()
    if tokens is None:
        return
    try:
        tokens.check(flask.request.headers.get("Authorization", ""))
    except AccessDenied as error:
        telemetry.log("ERROR", str(error), event="refused")
        flask.abort(403)


def _message(event: CloudEvent) -> Mapping[str, Any]:
    """The Pub/Sub message of an event; empty for another event."""
    return as_object(as_object(event.data).get("message"))


def _attributes(message: Mapping[str, Any]) -> Mapping[str, str]:
    """The attributes of a message; what is not text is none (https://cloud.google.com/pubsub/docs/reference/rest)."""
    given = as_object(message.get("attributes")).items()
    return {name: value for name, value in given if isinstance(value, str)}


def _seconds_since(time: Any) -> float | None:
    """The age of a timestamp in seconds; None if it is not a timestamp."""
    try:
        then = datetime.fromisoformat(time)
    except (TypeError, ValueError):
        return None
    return round((datetime.now(UTC) - in_utc(then)).total_seconds(), 3)
