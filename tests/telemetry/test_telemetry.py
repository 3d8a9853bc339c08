"""What the functions tell: a line for each message, and a trace that goes from message to message."""

from __future__ import annotations

import json
import string
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from setpoint.adapters.otlp import OtlpSpans
from setpoint.errors import MalformedMessage, Unavailable
from setpoint.util import telemetry

ROOT = Path(__file__).parents[2]
GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def lines(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_says_what_became_of_a_message_in_the_form_that_cloud_logging_reads(capsys):
    with telemetry.running("detect", telemetry.begun(GIVEN, "1"), "fleet-ops") as run:
        telemetry.note(resource_name="//storage.googleapis.com/exports")
        telemetry.add("conflicts")
        telemetry.add("conflicts")
        run.end("opened")

    (line,) = lines(capsys)
    assert line.pop("took_seconds") >= 0
    assert line == {
        "severity": "INFO",
        "message": "detect: opened //storage.googleapis.com/exports",
        "function": "detect",
        "logging.googleapis.com/trace": "projects/fleet-ops/traces/4bf92f3577b34da6a3ce929d0e0e4736",
        "logging.googleapis.com/spanId": run.trace.span_id,
        "event": "handled",
        "outcome": "opened",
        "resource_name": "//storage.googleapis.com/exports",
        "conflicts": 2,
    }


@pytest.mark.parametrize(
    ("error", "severity", "message"),
    [
        (Unavailable("the store does not answer"), "WARNING", "detect: Unavailable: the store does not answer"),
        (MalformedMessage("not a feed message"), "ERROR", "detect: MalformedMessage: not a feed message"),
        (ValueError("hunter2"), "ERROR", "detect: ValueError: see the traceback"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_fails_is_told_without_the_words_of_errors_that_are_not_ours_and_raised_on(
    capsys, error, severity, message
):
    with pytest.raises(type(error)), telemetry.running("detect", telemetry.begun(None, "1")):
        raise error
    (line,) = lines(capsys)
    assert (line["severity"], line["message"], line["outcome"]) == (severity, message, "failed")


def test_outside_of_functions_nothing_is_told_and_nothing_carried(capsys):
    telemetry.note(resource_name="x")
    telemetry.add("conflicts")
    telemetry.log_event("remediation", outcome="failed")
    assert telemetry.trace_attributes() == {}
    assert lines(capsys) == []


def test_what_is_published_while_a_message_is_handled_goes_on_with_its_trace():
    with telemetry.running("detect", telemetry.begun(GIVEN, "1")) as run:
        carried = telemetry.trace_attributes()["traceparent"]
    assert carried == f"00-4bf92f3577b34da6a3ce929d0e0e4736-{run.trace.span_id}-01"
    assert telemetry.begun(carried, "2") == run.trace


def test_every_delivery_of_a_message_that_carries_no_trace_is_in_one():
    assert telemetry.begun(None, "9876") == telemetry.begun("", "9876") != telemetry.begun(None, "9877")


@given(st.text(string.printable) | st.text("0f-", min_size=50, max_size=60))
def test_whatever_a_message_carries_in_place_of_a_trace_there_is_one(text):
    trace = telemetry.begun(text, "seed")
    assert telemetry.begun(trace.traceparent, "other") == trace
    assert int(trace.trace_id, 16)
    assert int(trace.span_id, 16)


def test_spans_go_to_opentelemetry_under_the_same_ids_as_the_log(capsys):
    kept = InMemorySpanExporter()
    spans = OtlpSpans(kept)
    with telemetry.running("detect", telemetry.begun(GIVEN, "1"), "fleet-ops", spans) as run:
        telemetry.note(asset_type="storage.googleapis.com/Bucket", summary={"listed": 1})
        carried = telemetry.trace_attributes()["traceparent"]
        run.end("opened")
    with suppress(KeyError), telemetry.running("remediate", telemetry.begun(carried, "2"), "fleet-ops", spans):
        raise KeyError("hunter2")

    detect, remediate = kept.get_finished_spans()
    assert f"{detect.context.trace_id:032x}" == f"{remediate.context.trace_id:032x}" == GIVEN[3:35]
    assert f"{detect.parent.span_id:016x}" == GIVEN[36:52]
    assert remediate.parent.span_id == detect.context.span_id
    assert dict(detect.attributes)["asset_type"] == "storage.googleapis.com/Bucket"
    assert (remediate.status.is_ok, remediate.events) == (False, ())
    assert "hunter2" not in remediate.to_json()
    assert lines(capsys)[0]["logging.googleapis.com/spanId"] == f"{detect.context.span_id:016x}"


def test_the_sdk_of_opentelemetry_is_not_loaded_unless_spans_are_wanted():
    expected = (
        "import sys\n"
        "from setpoint import bootstrap\nfrom setpoint.bootstrap import serving\n"
        "from setpoint.adapters import firestore, pubsub\n"
        "assert bootstrap.spans() is None\n"
        "sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", expected], check=True)


def test_no_function_writes_logs_of_its_own_and_each_that_an_event_calls_is_handled_alike():
    for main in sorted(ROOT.glob("functions/*/main.py")):
        text = main.read_text()
        assert "sys.stdout" not in text, main
        assert "print(" not in text, main
        if "@functions_framework.cloud_event" in text:
            assert f'serving.handling("{main.parent.name}", event)' in text, main
