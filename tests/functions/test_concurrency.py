"""`functions/detect` with several requests in one instance at once, about one and the same resource."""

from __future__ import annotations

import base64
import http.client
import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import functions_framework
import pytest
from werkzeug.serving import make_server

from detection.fleet import BUCKET, bucket, declare, deps
from detection.runs import recorded, uninterrupted
from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.detection.pipeline import Context
from setpoint_tools.testing.http_server import POLL

MAIN = Path(__file__).parents[2] / "functions/detect/main.py"
TOPIC = "/projects/fleet-ops/topics/asset-changes"
THREADS = 8
LOCATIONS = ["US", "EU", "ASIA", "US", "EU", "US", "EU"]


@pytest.fixture
def world(backend, monkeypatch) -> Context:
    store = backend.open()
    declare(store)
    made = deps(store, MemoryBus(), MemoryDeadLetters())
    monkeypatch.setattr(bootstrap, "detector", lambda: made)
    return made


@pytest.fixture
def port(monkeypatch) -> Iterator[int]:
    """The function as functions-framework serves it: a thread a request."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    app = functions_framework.create_app(target="detect", source=str(MAIN), signature_type="cloudevent")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, args=[POLL])
    serving.start()
    yield server.server_port
    server.shutdown()
    serving.join()
    server.server_close()


def push_until_taken(port: int, message: bytes) -> None:
    """Deliver it again for as long as it is not taken, as Pub/Sub does."""
    body = json.dumps({"message": {"messageId": "1", "data": base64.b64encode(message).decode()}, "subscription": "s"})
    for _ in range(50):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=240)
        connection.request("POST", TOPIC, body, {"Content-Type": "application/json"})
        status = connection.getresponse().status
        connection.close()
        if status == 200:
            return
    raise AssertionError("it is never taken")


def test_several_requests_at_once_about_one_resource_tell_one_story(world, port):
    feed = [bucket(second, location=LOCATIONS[second % len(LOCATIONS)]) for second in range(40)]

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda message: push_until_taken(port, message), [*feed, *feed[::-1]]))

    end = recorded(world)
    record = end.records[BUCKET]
    assert record.observed_at == uninterrupted(feed).records[BUCKET].observed_at
    assert record.fingerprint == uninterrupted(feed).records[BUCKET].fingerprint
    assert sorted(int(event.sequence) for event in end.events) == list(range(1, record.sequence + 1))
    assert not end.dead
