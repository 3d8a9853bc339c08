"""Requests that are not messages, and messages as no service of Google's sends them: each is answered for good.

A status of 500 has Pub/Sub deliver a message again; what no delivery can mend must not have it.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import functions_framework
import pytest

from alerts.harness import AlertingHarness
from attribution.world import World as AttributionWorld
from detection.fleet import bucket, declare, deps
from detection.swept_fleet import declare as declare_swept
from detection.swept_fleet import deps_of, populate, sweeper_of
from remediation.fleet import World as RemediationWorld
from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.declarations import uploads

ROOT = Path(__file__).parents[2]
SUBSCRIPTION = "projects/fleet-ops/subscriptions/s"
DEEP = "[" * 100_000
GOOD = bucket(1, location="US")


def packed(content: bytes, **message: Any) -> dict[str, Any]:
    data = base64.b64encode(content).decode()
    return {"messageId": "1", "publishTime": "2026-03-01T12:00:01Z", "data": data, **message}


DATA: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no JSON": lambda: b"{broken",
    "not UTF-8": lambda: b'{"a":"\xff\xfe"}',
    "a NUL": lambda: b"\0",
    "a number": lambda: b"7",
    "a list": lambda: b"[]",
    "null": lambda: b"null",
    "100,000 deep": DEEP.encode,
    "600 deep": lambda: b"[" * 600 + b"]" * 600,
    "5,000 digits": lambda: b"9" * 5_000,
    "infinite": lambda: b"1e999",
    "half a pair": lambda: b'{"asset":{"name":"\\ud800","asset_type":"\\ud800"}}',
    "a name of a megabyte": lambda: (
        b'{"asset":{"name":"//a.googleapis.com/' + b"n" * 1_000_000 + b'","assetType":"a.com/B"}}'
    ),
    "a wrong type": lambda: b'{"asset":{"name":7,"assetType":{}},"window":"never","deleted":"maybe","specversion":1}',
    "ten megabytes of lists": lambda: b"[" + b"[]," * 3_300_000 + b"[]]",
    "ten megabytes of keys": lambda: json.dumps({str(number): number for number in range(600_000)}).encode(),
    "an event without data": lambda: b'{"specversion":"1.0","id":"a","source":"b","type":"drift.opened","data":null}',
}


@cache
def messages() -> dict[str, Any]:
    """By their names; made where a test runs, since they have tens of megabytes."""
    return {
        "no message": None,
        "a text": "text",
        "a list": [1],
        "an empty object": {},
        "no data": {"messageId": "1", "attributes": {"a": "b"}},
        "null everywhere": {"messageId": None, "publishTime": None, "attributes": None, "data": None},
        "data that is not base64": packed(b"", data="%%% {} %%%"),
        "data of half a pair": packed(b"", data="\ud800"),
        "data of one letter": packed(b"", data="A"),
        "data that is a number": packed(b"", data=7),
        "data that is an object": packed(b"", data={"a": 1}),
        "attributes that are a list": packed(GOOD, attributes=["a"]),
        "attributes that are a text": packed(GOOD, attributes="a"),
        "attributes of other types": packed(b"{}", attributes={"type": 7, "traceparent": [], "origin": {"a": 1}}),
        "attributes of half a pair": packed(b"{}", attributes={"type": "\ud800", "\ud800": "a"}),
        "attributes of a megabyte": packed(b"{}", attributes={"type": "t" * 1_000_000, "k" * 300_000: "v"}),
        "a thousand attributes": packed(b"{}", attributes={f"k{number}": "v" * 1_025 for number in range(1_000)}),
        "a trace that is none": packed(
            b"{}", attributes={"traceparent": "00-" + "z" * 5_000, "googclient_traceparent": "x"}
        ),
        "an ordering key of a megabyte": packed(b"{}", orderingKey="k" * 1_000_000),
        "an id of a megabyte": packed(b"{}", messageId="1" * 1_000_000),
        "a time that is none": packed(b"{}", publishTime="9999-99-99"),
        "a time that is a number": packed(b"{}", publishTime=1e400),
        **{f"data: {name}": packed(data()) for name, data in DATA.items()},
    }


# What is not UTF-8 or too deep is the framework's to answer; Pub/Sub sends neither.
BODIES: dict[str, bytes] = {
    "no body": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "null": b"null",
}


@pytest.fixture(params=["attribute", "detect", "notify", "remediate", "sweep", "sync"])
def function(request, monkeypatch, google_apis, google_rest, asset_service):
    """A function behind its framework, with empty stores in place of Google's services, and its dead letters."""
    name = request.param
    store = MemoryStore()
    dead_letters = MemoryDeadLetters()
    declare(store)
    if name == "detect":
        context = deps(store, MemoryBus(), dead_letters)
        monkeypatch.setattr(bootstrap, "detector", lambda: context)
    elif name == "notify":
        harness = AlertingHarness(store=store)
        dead_letters = harness.dead_letters
        monkeypatch.setattr(bootstrap, "notifier", lambda: harness.context)
    elif name == "attribute":
        world = AttributionWorld(store=store)
        dead_letters = world.dead_letters
        monkeypatch.setattr(bootstrap, "attributor", lambda: world.attributor)
    elif name == "remediate":
        remediation = RemediationWorld(google_apis, google_rest, store)
        monkeypatch.setattr(bootstrap, "remediator", lambda: remediation.context)
    elif name == "sweep":
        populate(asset_service)
        declare_swept(store)
        sweeper = sweeper_of(asset_service, deps_of(store))
        dead_letters = sweeper.detection.dead_letters
        monkeypatch.setattr(bootstrap, "sweeper", lambda: sweeper)
    else:
        applier = uploads.Uploads(_NoArchives(), deps(store, MemoryBus(), dead_letters), None, {}, "declarations")
        monkeypatch.setattr(bootstrap, "declaration_applier", lambda: applier)
    monkeypatch.setattr(sys, "path", list(sys.path))  # functions-framework adds the function's folder
    source = str(ROOT / f"functions/{name}/main.py")
    app = functions_framework.create_app(target=name, source=source, signature_type="cloudevent")
    return SimpleNamespace(name=name, client=app.test_client(), dead_letters=dead_letters)


class _NoArchives:
    def read(self, *_: object) -> None:
        raise AssertionError("nothing names an archive")


def _eventarc(client, message: Any) -> int:
    headers = {
        "ce-id": "1",
        "ce-source": "//pubsub.googleapis.com/projects/fleet-ops/topics/t",
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.pubsub.topic.v1.messagePublished",
        "ce-time": "2026-03-01T12:00:01.000Z",
    }
    return client.post("/", json={"message": message, "subscription": SUBSCRIPTION}, headers=headers).status_code


def _push(client, message: Any) -> int:
    body = {"message": message, "subscription": SUBSCRIPTION}
    return client.post("/projects/fleet-ops/topics/t", json=body).status_code


@pytest.mark.parametrize("deliver", [_eventarc, _push])
def test_no_message_has_it_delivered_again_or_costs_more_than_two_seconds(function, deliver: Callable[..., int]):
    wrong: dict[str, object] = {}
    for name, message in messages().items():
        started = time.process_time()
        status = deliver(function.client, message)
        seconds = time.process_time() - started
        if status >= 500 or seconds > 2:
            wrong[name] = (status, round(seconds, 2))
    assert wrong == {}


@pytest.mark.parametrize("name", BODIES)
def test_a_request_that_is_no_message_is_refused_or_taken(function, name):
    for path in ("/", "/projects/fleet-ops/topics/t"):
        for headers in ({"ce-id": "1", "ce-source": "s", "ce-specversion": "1.0", "ce-type": "t"}, {}):
            answer = function.client.post(path, data=BODIES[name], headers=headers, content_type="application/json")
            assert answer.status_code < 500
