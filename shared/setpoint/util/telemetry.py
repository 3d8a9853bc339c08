"""What the functions tell of themselves: one line of structured log for each message, and its trace.

A line is JSON as Cloud Logging reads it (https://cloud.google.com/logging/docs/structured-logging); the metrics of
infra/monitoring.tf are made from the fields of these lines, so that no client is loaded to write them. A trace goes
from message to message in the attribute ``traceparent`` (https://www.w3.org/TR/trace-context/#traceparent-header).
Outside of ``running`` all of this does nothing, so that the command line and tests are as they were.
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

from setpoint.errors import SetpointError, TransientError
from setpoint.util.secret_formats import holds_known, scrub

TRACEPARENT = "traceparent"
"""The attribute of a message that carries the trace on."""

Severity = Literal["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"]

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?\Z")
_LONGEST = 2_000
"""Characters of a text that a line holds; what is longer is cut."""


class Trace(NamedTuple):
    """Where in a trace something happens.

    Args:
        trace_id: 32 hexadecimal digits; the same for all that follows from one message of a feed.
        span_id: 16 hexadecimal digits; this part of it.
    """

    trace_id: str
    span_id: str

    @property
    def traceparent(self) -> str:
        """What a message carries so that whoever handles it goes on with the trace."""
        return f"00-{self.trace_id}-{self.span_id}-01"


class Spans(Protocol):
    """Where spans are recorded."""

    def span(self, name: str, parent: Trace, fields: Mapping[str, Any]) -> AbstractContextManager[Trace]:
        """Record what happens inside as a span.

        Args:
            name: what happens.
            parent: what it is a part of.
            fields: told of it at its end; they may grow until then.
        """


@dataclass(slots=True)
class Run:
    """The handling of one message or request, and what its line will say.

    Args:
        function: the function's name.
        trace: where in which trace.
        project: the project that traces belong to; empty where it is not known.
        outcome: what became of it, in a word.
        severity: how a log is to have it.
        message: what is said of it; made from the outcome where it is empty.
        fields: what else is told of it.
    """

    function: str
    trace: Trace
    project: str = ""
    outcome: str = "done"
    severity: Severity = "INFO"
    message: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    def end(self, outcome: str, severity: Severity = "INFO", message: str = "", **fields: Any) -> None:
        """Say what became of it."""
        self.outcome, self.severity, self.message = outcome, severity, message
        self.fields.update(fields)


_current: ContextVar[Run | None] = ContextVar("setpoint_run", default=None)


def current() -> Run | None:
    """What is being handled; None outside of functions."""
    return _current.get()


def note(**fields: Any) -> None:
    """Add to what is told of the message that is being handled, if one is."""
    run = _current.get()
    if run is not None:
        run.fields.update(fields)


def add(name: str, amount: float = 1) -> None:
    """Add to a number that is told of the message that is being handled, if one is."""
    run = _current.get()
    if run is not None:
        run.fields[name] = run.fields.get(name, 0) + amount


def happened(what: str, severity: Severity = "INFO", **fields: Any) -> None:
    """Tell of something within the handling of a message, on a line of its own; nothing outside of functions.

    Args:
        what: the word by which metrics count it, ``remediation``.
        severity: how a log is to have it.
        fields: what is told of it.
    """
    if _current.get() is not None:
        about = " ".join(str(fields[key]) for key in ("outcome", "resource_name") if key in fields)
        log(severity, f"{what}: {about}", event=what, **fields)


def carried() -> dict[str, str]:
    """The attributes that carry the trace on to whoever handles a message that is published now."""
    run = _current.get()
    return {} if run is None else {TRACEPARENT: run.trace.traceparent}


def log(severity: Severity, message: str, **fields: Any) -> None:
    """One line of structured log on standard output, with the trace of what is being handled.

    Args:
        severity: Cloud Logging's.
        message: for people; never a payload, never a secret.
        fields: for metrics and filters.
    """
    line: dict[str, Any] = {"severity": severity, "message": scrub(message[:_LONGEST])}
    run = _current.get()
    if run is not None:
        line["function"] = run.function
        line["logging.googleapis.com/spanId"] = run.trace.span_id
        if run.project:  # without it Cloud Logging cannot tell whose trace it is
            line["logging.googleapis.com/trace"] = f"projects/{run.project}/traces/{run.trace.trace_id}"
    line.update(fields)
    text = msgspec.json.encode(line).decode()
    if holds_known(text):
        scrubbed = {name: scrub(value) if isinstance(value, str) else value for name, value in line.items()}
        text = msgspec.json.encode(scrubbed).decode()
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # an instance may be frozen as soon as it has answered


def begun(traceparent: str | None, seed: str) -> Trace:
    """The trace that a message goes on with; one of its own where it carries none.

    Args:
        traceparent: what it carries, whatever that is.
        seed: names the message; all deliveries of it are in one trace.
    """
    match = _TRACEPARENT.match(traceparent or "")
    if match is not None:
        return Trace(match[1], match[2])
    digest = hashlib.blake2b(seed.encode(), digest_size=24).hexdigest()
    return Trace(digest[:32], digest[32:])


@contextmanager
def running(function: str, parent: Trace, project: str = "", spans: Spans | None = None) -> Iterator[Run]:
    """Handle a message or a request, and leave one line that says what became of it, however it ends.

    Args:
        function: the function's name.
        parent: what it is a part of, as ``begun`` tells.
        project: the project that traces belong to.
        spans: where spans are recorded besides.
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
        # Whose message is Setpoint's own holds no payload; of any other error only its kind is safe to tell.
        text = str(error) if isinstance(error, SetpointError) else "see the traceback"
        severity: Severity = "WARNING" if isinstance(error, TransientError) else "ERROR"
        run.end("failed", severity, f"{type(error).__name__}: {text}")
        raise
    finally:
        run.fields["took_seconds"] = round(time.perf_counter() - started, 6)
        name = run.fields.get("resource_name", "")
        message = f"{function}: {run.message or ' '.join(filter(None, (run.outcome, name)))}"
        log(run.severity, message, event="handled", outcome=run.outcome, **run.fields)
        _current.reset(token)
