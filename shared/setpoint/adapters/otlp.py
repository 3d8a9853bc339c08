"""Send spans to an OpenTelemetry collector, if the installation has one.

They are sent as OTLP over HTTP with JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp), so that no package is
needed beside OpenTelemetry's SDK.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import requests
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_NAMESPACE, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from setpoint import __version__
from setpoint.errors import BadRequest
from setpoint.util.telemetry import Trace, log, scrubbed

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"

_PLAIN = (str, int, float, bool)
_TIMEOUT = (1.0, 2.0)
"""Seconds to connect and to wait for an answer: a message waits as long."""
_PAUSE = 60.0
"""Seconds without a span after the collector has failed."""


class OtlpSpans:
    """``Spans`` with OpenTelemetry's SDK.

    Each span is sent when it ends, since an instance may be frozen right after its answer.

    Args:
        exporter: sends the spans.
        service: the name of the service that they are of, such as that of the function.
    """

    def __init__(self, exporter: SpanExporter, service: str = "setpoint") -> None:
        resource = Resource({SERVICE_NAMESPACE: "setpoint", SERVICE_NAME: service, SERVICE_VERSION: __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("setpoint", __version__)

    @contextmanager
    def span(self, name: str, parent: Trace, fields: Mapping[str, Any]) -> Iterator[Trace]:
        """See ``Spans.span``."""
        context = trace.SpanContext(
            int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=trace.TraceFlags(1)
        )
        within = trace.set_span_in_context(trace.NonRecordingSpan(context))
        with self._tracer.start_as_current_span(
            name, within, kind=trace.SpanKind.CONSUMER, record_exception=False, set_status_on_exception=False
        ) as span:
            own = span.get_span_context()
            try:
                yield Trace(f"{own.trace_id:032x}", f"{own.span_id:016x}")
            except BaseException as error:
                span.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise
            finally:
                span.set_attributes(
                    {key: scrubbed(value) for key, value in fields.items() if isinstance(value, _PLAIN)}
                )


class OtlpJsonExporter(SpanExporter):
    """Posts spans to a collector, and leaves it alone for a minute after a failure: messages do not wait for it.

    Args:
        endpoint: the collector's base address; spans go to ``/v1/traces`` below it.
        headers: headers that the collector asks for.
        now: seconds on a clock that only goes forward.
    """

    def __init__(self, endpoint: str, headers: Mapping[str, str], now: Callable[[], float] = time.monotonic) -> None:
        self._address = f"{endpoint.rstrip('/')}/v1/traces"
        self._session = requests.Session()
        self._session.trust_env = False  # no credentials of a .netrc, no proxy
        self._session.headers.update({**headers, "Content-Type": "application/json"})
        self._now = now
        self._resumes = now()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; those that end in a pause, or that the collector refuses, are dropped."""
        if self._now() < self._resumes:
            return SpanExportResult.FAILURE
        body = msgspec.json.encode(traces_request(spans))
        try:
            answer = self._session.post(self._address, data=body, timeout=_TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            return self._failed(type(error).__name__)
        return SpanExportResult.SUCCESS if answer.ok else self._failed(f"HTTP {answer.status_code}")

    def _failed(self, reason: str) -> SpanExportResult:
        self._resumes = self._now() + _PAUSE
        log("WARNING", f"spans: the collector in {ENDPOINT} failed; none are sent for a minute", reason=reason)
        return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the connection."""
        self._session.close()


def traces_request(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    """Spans of one provider as an ``ExportTraceServiceRequest`` in OTLP's JSON.

    It is protobuf's JSON, but for ids in hexadecimal and enums as numbers
    (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
    """
    if not spans:
        return {"resourceSpans": []}
    scope = spans[0].instrumentation_scope
    named = {} if scope is None else {"name": scope.name, "version": scope.version or ""}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(spans[0].resource.attributes)},
                "scopeSpans": [{"scope": named, "spans": [_span(span) for span in spans]}],
            }
        ]
    }


def _span(span: ReadableSpan) -> dict[str, Any]:
    status: dict[str, Any] = {"code": span.status.status_code.value}
    if span.status.description:
        status["message"] = span.status.description
    written = {
        "traceId": f"{span.context.trace_id:032x}",
        "spanId": f"{span.context.span_id:016x}",
        "name": span.name,
        "kind": span.kind.value + 1,  # OTLP has a zero for unspecified, which the SDK lacks
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
        "status": status,
    }
    if span.parent is not None:
        written["parentSpanId"] = f"{span.parent.span_id:016x}"
    return written


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):  # before int, which it is one of
        return {"boolValue": value}
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}


def headers_of(text: str) -> dict[str, str]:
    """Headers as ``OTEL_EXPORTER_OTLP_HEADERS`` has them: ``name=value,name=value``, values percent-encoded.

    Raises:
        BadRequest: a part has no name or no equals sign; the message does not quote it.
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise BadRequest(f"{HEADERS} is name=value,name=value, with values percent-encoded; correct it")
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


def exporter(environment: Mapping[str, str] = os.environ) -> OtlpJsonExporter:
    """The exporter to the collector in ``OTEL_EXPORTER_OTLP_ENDPOINT``, by HTTP.

    Raises:
        BadRequest: the address is not an HTTP address, or the headers cannot be read.
    """
    endpoint = environment[ENDPOINT]
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadRequest(f"{ENDPOINT} is the collector's base address, such as http://collector:4318; correct it")
    return OtlpJsonExporter(endpoint, headers_of(environment.get(HEADERS, "")))
