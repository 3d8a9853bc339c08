"""Send spans to an OpenTelemetry collector, if the installation has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from setpoint.errors import BadRequest
from setpoint.util.telemetry import Trace, scrubbed

_PLAIN = (str, int, float, bool)


class OtlpSpans:
    """``Spans`` with OpenTelemetry's SDK.

    Each span is sent when it ends, since an instance may be frozen right after its answer.

    Args:
        exporter: sends the spans.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        self._provider = TracerProvider(resource=Resource({SERVICE_NAME: "setpoint"}), shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("setpoint")

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


def exporter() -> SpanExporter:
    """The exporter to the collector in ``OTEL_EXPORTER_OTLP_ENDPOINT``, over HTTP.

    Raises:
        BadRequest: the optional package is not installed; install it.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional
    except ImportError:
        raise BadRequest(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and opentelemetry-exporter-otlp-proto-http is not installed; add it "
            "to the dependencies in pyproject.toml, or unset the variable"
        ) from None
    made: SpanExporter = OTLPSpanExporter()
    return made
