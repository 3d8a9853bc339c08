"""Telemetry of the functions: one structured log line for each message, and its trace.

A line is JSON in the format of Cloud Logging (https://cloud.google.com/logging/docs/structured-logging); the log-based
metrics of infra/monitoring.tf use the fields of these lines, so that no client library is loaded. A trace is passed
from message to message in the attribute ``traceparent`` (https://www.w3.org/TR/trace-context/#traceparent-header).
Outside of ``running`` these functions do nothing, so that the command line and tests are unaffected.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from setpoint.errors import SetpointError, TransientError, WrongKey
from setpoint.util.secret_formats import scrub

TRACEPARENT = "traceparent"
"""The message attribute with the trace."""

Severity = Literal["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"]

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?\Z")
_LONGEST = 2_000
"""Maximum length of a text in a line, in characters; longer texts are cut."""


class Trace(NamedTuple):
    """A position in a trace.

    Args:
        trace_id: 32 hexadecimal digits; the same for everything that follows from one message of a feed.
        span_id: 16 hexadecimal digits; the current span.
    """

    trace_id: str
    span_id: str

    @property
    def traceparent(self) -> str:
        """The value that passes the trace on in a message."""
        return f"00-{self.trace_id}-{self.span_id}-01"


class Spans(Protocol):
    """A recorder of spans."""

    def span(self, name: str, parent: Trace, fields: Mapping[str, Any]) -> AbstractContextManager[Trace]:
        """Record the body of the context as a span.

        Args:
            name: name of the span.
            parent: the parent span.
            fields: attributes of the span; they may be added to until its end.
        """


@dataclass(slots=True)
class Run:
    """The handling of one message or request, with the content of its log line.

    Args:
        function: the function's name.
        trace: its position in the trace.
        project: the project of the traces; empty if unknown.
        outcome: the outcome, in a word.
        severity: the log severity.
        message: the text; empty for a text made from the outcome.
        fields: further fields.
    """

    function: str
    trace: Trace
    project: str = ""
    outcome: str = "done"
    severity: Severity = "INFO"
    message: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    def end(self, outcome: str, severity: Severity = "INFO", message: str = "", **fields: Any) -> None:
        """Record the outcome."""
        self.outcome, self.severity, self.message = outcome, severity, message
        self.fields.update(fields)


_current: ContextVar[Run | None] = ContextVar("setpoint_run", default=None)


def current() -> Run | None:
    """The message that is being handled; None outside of functions."""
    return _current.get()


def note(**fields: Any) -> None:
    """Add fields to the log line of the current message, if there is one."""
    run = _current.get()
    if run is not None:
        run.fields.update(fields)


def add(name: str, amount: float = 1) -> None:
    """Add to a counter in the log line of the current message, if there is one."""
    run = _current.get()
    if run is not None:
        run.fields[name] = run.fields.get(name, 0) + amount


def log_event(what: str, severity: Severity = "INFO", **fields: Any) -> None:
    """Log an event on a line of its own while a message is handled; nothing outside of functions.

    Args:
        what: the name of the event, which metrics count, such as ``remediation``.
        severity: the log severity.
        fields: further fields.
    """
    if _current.get() is not None:
        about = " ".join(str(fields[key]) for key in ("outcome", "resource_name") if key in fields)
        log(severity, f"{what}: {about}", event=what, **fields)


def trace_attributes() -> dict[str, str]:
    """The attributes that pass the trace on in a published message."""
    run = _current.get()
    return {} if run is None else {TRACEPARENT: run.trace.traceparent}


def log(severity: Severity, message: str, **fields: Any) -> None:
    """Write a structured log line to standard output, with the current trace.

    Args:
        severity: the log severity.
        message: the text for people; never a payload or a secret.
        fields: fields for metrics and filters.
    """
    line: dict[str, Any] = {"severity": severity, "message": scrub(message[:_LONGEST])}
    run = _current.get()
    if run is not None:
        line["function"] = run.function
        line["logging.googleapis.com/spanId"] = run.trace.span_id
        if run.project:  # Cloud Logging needs the project to link the trace
            line["logging.googleapis.com/trace"] = f"projects/{run.project}/traces/{run.trace.trace_id}"
    line.update((name, scrubbed(value)) for name, value in fields.items())
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()  # an instance may be frozen right after its answer


def scrubbed(value: Any) -> Any:
    """A field of a line or span without tokens, keys and marked secrets, also in its parts."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {name: scrubbed(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [scrubbed(part) for part in value]
    return value


def begun(traceparent: str | None, seed: str) -> Trace:
    """The trace that a message continues; a new one if it carries none.

    Args:
        traceparent: the message's attribute, which may be invalid.
        seed: identifies the message; all its deliveries share one trace.
    """
    match = _TRACEPARENT.match(traceparent or "")
    if match is not None:
        return Trace(match[1], match[2])
    digest = hashlib.blake2b(seed.encode(), digest_size=24).hexdigest()
    return Trace(digest[:32], digest[32:])


@contextmanager
def running(function: str, parent: Trace, project: str = "", spans: Spans | None = None) -> Iterator[Run]:
    """Handle a message or a request, and write one log line with its outcome, also after an error.

    Args:
        function: the function's name.
        parent: the parent span, from ``begun``.
        project: the project of the traces.
        spans: an additional recorder of spans.
    """
    run = Run(function, Trace(parent.trace_id, os.urandom(8).hex()), project)
    started = time.perf_counter()
    token = _current.set(run)
    try:
        if spans is None:
            yield run
        else:
            with spans.span(function, parent, run.fields) as trace:
                run.trace = trace
                yield run
    except BaseException as error:
        # messages of Setpoint's own errors contain no payload; of other errors only the type is safe to log
        text = str(error) if isinstance(error, SetpointError) else "see the traceback"
        passes = isinstance(error, TransientError) and not isinstance(error, WrongKey)
        severity: Severity = "WARNING" if passes else "ERROR"
        run.end("failed", severity, f"{type(error).__name__}: {text}")
        raise
    finally:
        run.fields["took_seconds"] = round(time.perf_counter() - started, 6)
        name = run.fields.get("resource_name", "")
        message = f"{function}: {run.message or ' '.join(filter(None, (run.outcome, name)))}"
        log(run.severity, message, event="handled", outcome=run.outcome, **run.fields)
        _current.reset(token)
