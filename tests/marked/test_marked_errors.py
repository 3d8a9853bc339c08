"""Marked secrets that a service quotes in its error are in no error, log line or span of Setpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.cloud.asset_v1 import ListAssetsRequest
from kubernetes.client import ApiException
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from marked.corpus import Marked, corpus, marks_in
from setpoint.adapters.google import asset_inventory, bigquery, cloud_logging, responses
from setpoint.adapters.kubernetes import cluster
from setpoint.adapters.otlp import OtlpSpans
from setpoint.adapters.pubsub import bus
from setpoint.errors import PermanentError, SetpointError, TransientError, Unavailable
from setpoint.model.write_plan import Call, Failed
from setpoint.remediation.operations import progress
from setpoint.util import secret_formats, telemetry
from sizes import size

URL = "https://compute.googleapis.com/compute/v1/projects/shop-prod/zones/europe-west1-b/instances/i"


def texts(value: Any) -> list[str]:
    """The texts in a resource."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


def quotation(marked: Marked) -> str:
    """A service's message that quotes the value it does not take."""
    (secret,) = (text for text in texts(marked.live) if marked.mark in text)
    return f"Invalid value for field 'resource.x': '{secret}'. It must be shorter."


RECOGNISABLE = [marked for marked in corpus() if secret_formats.holds_secret(quotation(marked))]
"""Secrets by format, or by what stands before them: an adapter that reads knows no more of them."""


def answer(status: int, message: str) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = json.dumps({"error": {"code": status, "message": message}}).encode()
    return made


def refused_write(marked: Marked, status: int) -> SetpointError:
    call = Call("compute.instances.patch", "PATCH", URL, body=marked.live, permission="compute.instances.update")
    with pytest.raises(SetpointError) as raised:
        responses.body(call, answer(status, quotation(marked)))
    return raised.value


@pytest.mark.thorough
@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 429, 500, 503])
def test_no_error_of_a_write_quotes_what_was_sent(status: int) -> None:
    step = 1 if status == 400 else size(7, 1)  # what is hidden does not depend on the status
    assert [marked for marked in corpus()[::step] if marked.mark in str(refused_write(marked, status))] == []


def test_the_error_of_a_write_quotes_names_words_and_numbers_that_were_sent() -> None:
    body = {"machineType": "zones/europe-west1-b/machineTypes/e2-huge", "tier": "BASIC_HD", "note": "hunter22"}
    message = "e2-huge: 'zones/europe-west1-b/machineTypes/e2-huge' with BASIC_HD, 'hunter22' of instances/i"
    call = Call("compute.instances.patch", "PATCH", URL, body=body)
    with pytest.raises(PermanentError, match=r"machineTypes/e2-huge' with BASIC_HD, '\(hidden\)' of instances/i"):
        responses.body(call, answer(400, message))


READERS: dict[str, Callable[[str], object]] = {
    "inventory refuses": lambda text: asset_inventory._translated(
        exceptions.InvalidArgument(text), ListAssetsRequest(parent="projects/shop-prod")
    ),
    "inventory fails": lambda text: asset_inventory._translated(
        exceptions.InternalServerError(text), ListAssetsRequest(parent="projects/shop-prod")
    ),
    "inventory denies": lambda text: asset_inventory.denied(
        exceptions.Forbidden(text), "projects/shop-prod", "may not be listed"
    ),
    "Pub/Sub fails": lambda text: bus.not_pulled("projects/p/subscriptions/s", exceptions.InternalServerError(text)),
    "Kubernetes fails": lambda text: cluster._translated(
        ApiException(status=HTTPStatus.UNPROCESSABLE_ENTITY, reason=text), "PATCH", "/apis/x"
    ),
    "audit log fails": lambda text: Unavailable(cloud_logging._reason("projects/shop-prod", Unavailable(text))),
    "BigQuery refuses": lambda text: PermanentError(bigquery._reason(exceptions.BadRequest(text))),
    "any error": TransientError,
}


@pytest.mark.parametrize("reader", READERS)
def test_no_error_of_a_reading_quotes_a_secret(reader: str) -> None:
    shown = [(marked, str(READERS[reader](quotation(marked)))) for marked in RECOGNISABLE]
    assert len(shown) > 400
    assert [marked for marked, text in shown if marked.mark in text] == []


def failed(message: str) -> str:
    """The reason of an operation that failed with a message."""
    ended = progress({"name": "o", "status": "DONE", "error": {"errors": [{"code": "INVALID", "message": message}]}})
    assert isinstance(ended, Failed)
    return ended.reason


def test_no_reason_of_an_operation_that_failed_quotes_what_was_sent() -> None:
    """Whatever tells it to be a secret: a later reading of the operation no longer knows what was sent."""
    assert [marked for marked in corpus() if marked.mark in failed(quotation(marked))] == []


def test_the_reason_of_an_operation_that_failed_quotes_fields_names_words_and_numbers() -> None:
    message = (
        "Invalid value for field 'resource.machineType': 'zones/europe-west1-b/machineTypes/e2' of 'projects/shop', "
        "not \"BASIC_HD\" but '12 GB', and it isn't `hunter22` that's wrong"
    )
    assert failed(message) == f"INVALID: {message.replace('hunter22', '(hidden)')}"


def test_no_log_line_and_no_span_holds_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    kept = InMemorySpanExporter()
    spans = OtlpSpans(kept)
    for marked in RECOGNISABLE:
        text = quotation(marked)
        with (
            suppress(PermanentError),
            telemetry.running("detect", telemetry.begun(None, marked.name), "shop-ops", spans),
        ):
            telemetry.note(resource_name=f"{marked.name} {text}", reasons=[text], summary={"last": text})
            telemetry.log_event("remediation", "ERROR", outcome="failed", reason=text)
            raise PermanentError(text)
    written = capsys.readouterr().out
    traces = "".join(span.to_json() for span in kept.get_finished_spans())
    assert len(written.splitlines()) == 2 * len(RECOGNISABLE)
    recognisable = {marked.mark for marked in RECOGNISABLE}
    assert [mark for mark in marks_in(written + traces) if mark in recognisable] == []
