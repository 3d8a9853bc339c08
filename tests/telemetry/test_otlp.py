"""Spans as a collector gets them, read by OpenTelemetry's published protobuf definitions."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import setpoint
from functions.test_detect import bucket, client, message_of, push, world
from setpoint import bootstrap
from setpoint.adapters.otlp import OtlpJsonExporter, OtlpSpans, headers_of
from setpoint.errors import BadRequest
from setpoint.util import telemetry

__all__ = ["client", "world"]

REFERENCE = (Path(__file__).parents[2] / "docs/reference.md").read_text()
GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Collector:
    """Keeps what is posted to it, and answers with a status."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200

    def received(self) -> list[ExportTraceServiceRequest]:
        """The requests, by the definitions; a field that they lack is an error."""
        return [read(body) for _, _, body in self.requests]

    def spans(self) -> list[Span]:
        return [
            span
            for request in self.received()
            for of_resource in request.resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]


def read(body: bytes) -> ExportTraceServiceRequest:
    """OTLP's JSON is protobuf's, but for ids in hexadecimal in place of base64."""
    document = json.loads(body)
    for of_resource in document["resourceSpans"]:
        for of_scope in of_resource["scopeSpans"]:
            for span in of_scope["spans"]:
                for name in {"traceId", "spanId", "parentSpanId"} & span.keys():
                    assert re.fullmatch("[0-9a-f]+", span[name])
                    span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
                assert isinstance(span["kind"], int)  # names of enums are not OTLP
                assert isinstance(span["status"]["code"], int)
    return json_format.ParseDict(document, ExportTraceServiceRequest(), ignore_unknown_fields=False)


def values(attributes: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture
def sending(collector, monkeypatch) -> Iterator[Collector]:
    """A collector that functions send their spans to."""
    bootstrap.spans.cache_clear()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{collector.address}/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "X-Api-Key=a%20b, tenant=shop")
    monkeypatch.setenv("K_SERVICE", "setpoint-detect")
    yield collector
    bootstrap.spans.cache_clear()


def documented(table: str) -> set[str]:
    """The names in the first column of a table of docs/reference.md."""
    body = REFERENCE.split(f"## {table}\n", 1)[1].split("\n## ", 1)[0]
    cells = [line.split("|")[1] for line in body.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.usefixtures("world")
def test_a_span_of_a_function_is_what_the_definitions_and_the_docs_say(sending, client, capsys):
    assert push(client, message_of(bucket(1, location="US"), traceparent=GIVEN)) == 200

    ((path, headers, _),) = sending.requests
    (request,) = sending.received()
    (of_resource,) = request.resource_spans
    (of_scope,) = of_resource.scope_spans
    (span,) = of_scope.spans
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines() if '"handled"' in text]
    assert (path, headers["content-type"]) == ("/v1/traces", "application/json")
    assert (headers["x-api-key"], headers["tenant"]) == ("a b", "shop")
    resource = values(of_resource.resource.attributes)
    assert resource == {
        "service.namespace": "setpoint",
        "service.name": "setpoint-detect",
        "service.version": setpoint.__version__,
    }
    assert (of_scope.scope.name, of_scope.scope.version) == ("setpoint", setpoint.__version__)
    assert (span.name, span.kind, span.status.code) == ("detect", Span.SPAN_KIND_CONSUMER, Status.STATUS_CODE_UNSET)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (GIVEN[3:35], GIVEN[36:52])
    assert span.span_id.hex() == line["logging.googleapis.com/spanId"]
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 60 * 10**9
    attributes = values(span.attributes)
    assert attributes.items() <= line.items()
    assert {"resource_name", "asset_type", "queue_seconds"} <= attributes.keys() <= documented("The log")
    assert resource.keys() <= documented("Spans")


def test_a_failure_and_each_kind_of_value_are_what_the_definitions_say(collector):
    spans = OtlpSpans(OtlpJsonExporter(collector.address, {}))
    with suppress(KeyError), telemetry.running("sweep", telemetry.begun(None, "1"), "", spans):
        telemetry.note(coverage=0.5, breaker_open=True, conflicts=2**53 + 1, reason='"é\n', record_problems=2**70)
        raise KeyError("hunter2")

    (span,) = collector.spans()
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "KeyError")
    assert values(span.attributes) == {
        "coverage": 0.5,
        "breaker_open": True,
        "conflicts": 2**53 + 1,
        "reason": '"é\n',
        "record_problems": str(2**70),  # OTLP has 64 bits: a collector would refuse the whole request
    }
    assert "hunter2" not in collector.requests[0][2].decode()


def test_a_field_that_the_definitions_lack_is_found():
    span = {"traceId": "0" * 32, "spanId": "0" * 16, "name": "detect", "kind": 5, "status": {"code": 0}, "extra": 1}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    with pytest.raises(json_format.ParseError, match="extra"):
        read(body)


def test_a_collector_that_fails_is_left_alone_for_a_minute_and_messages_are_handled(collector, capsys):
    clock = [0.0]
    spans = OtlpSpans(OtlpJsonExporter(collector.address, {}, now=lambda: clock[0]))

    def handle() -> int:
        with telemetry.running("detect", telemetry.begun(None, "1"), "", spans) as run:
            run.end("in_sync")
        return len(collector.requests)

    collector.status = 503
    assert [handle(), handle()] == [1, 1]
    collector.status, clock[0] = 200, 61.0
    assert [handle(), handle()] == [2, 3]
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [line["reason"] for line in lines if line["severity"] == "WARNING"] == ["HTTP 503"]
    assert [line["outcome"] for line in lines if "outcome" in line] == ["in_sync"] * 4


def test_a_collector_that_is_not_there_costs_a_message_nothing_but_its_span(capsys):
    with collecting() as gone:
        pass
    spans = OtlpSpans(OtlpJsonExporter(gone.address, {}))
    with telemetry.running("detect", telemetry.begun(None, "1"), "", spans) as run:
        run.end("in_sync")
    assert "ConnectionError" in capsys.readouterr().out


def test_a_collector_that_sends_elsewhere_is_not_followed(collector):
    """Headers may carry a key."""
    collector.status = 307
    spans = OtlpSpans(OtlpJsonExporter(collector.address, {"x-api-key": "k"}))
    with telemetry.running("detect", telemetry.begun(None, "1"), "", spans):
        pass
    assert len(collector.requests) == 1


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("ENDPOINT=collector:4318", "is the collector's base address"),
        ("ENDPOINT=file:///etc/passwd", "is the collector's base address"),
        ("HEADERS=hunter2", "name=value"),
        ("HEADERS==hunter2", "name=value"),
    ],
)
def test_what_is_set_wrongly_is_told_once_and_stops_no_message(sending, client, monkeypatch, capsys, wrong, reason):
    name, _, value = wrong.partition("=")
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
    for serial in (1, 2):
        assert push(client, message_of(bucket(serial, location="US"))) == 200
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    (error,) = [line for line in lines if line["severity"] == "ERROR"]
    assert f"OTEL_EXPORTER_OTLP_{name}" in error["message"]
    assert reason in error["message"]
    assert "hunter2" not in error["message"]
    assert sending.requests == []


def test_headers_are_read_as_opentelemetry_writes_them():
    assert headers_of("Api-Key=a%2Cb%3D, tenant = x=y,") == {"api-key": "a,b=", "tenant": "x=y"}
    assert headers_of("") == {}
    with pytest.raises(BadRequest):
        headers_of("a=b,c")
