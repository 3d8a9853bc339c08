"""The time until Slack gets the answer to a click; its limit is three seconds.

    python benchmarks/slack_actions.py [--count 500]

`functions/slack_actions` is served by functions-framework in a process of its own and publishes to Google's Pub/Sub
emulator. Printed are the time from the start of the process to its first answer, the first request by itself, and
percentiles of those that follow; the last line is JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from setpoint.alerting.rendering import button_payload
from setpoint_tools.testing.emulators import PUBSUB, free_port, fresh_project, running
from setpoint_tools.testing.pubsub import PubSubProject
from setpoint_tools.testing.slack import SIGNING_SECRET, signed

ROOT = Path(__file__).parents[1]
UP_SECONDS = 60.0
KEPT = 90


def request() -> tuple[bytes, dict[str, str]]:
    """A press of a button, in a message as large as they get."""
    value = button_payload.finding_value("//storage.googleapis.com/exports", "resource", "f1")
    action = {"action_id": button_payload.action_id("approve"), "block_id": "b", "value": value, "action_ts": "1.5"}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 250}}
    payload = {
        "type": "block_actions",
        "user": {"id": "UALICE"},
        "container": {"message_ts": "1.2", "channel_id": "C1"},
        "message": {"blocks": [section] * 49 + [{"type": "actions", "block_id": "b"}]},
        "actions": [action],
    }
    return signed(payload, time.time())


def post(connection: http.client.HTTPConnection) -> float:
    """Press once; the seconds until the answer.

    Raises:
        RuntimeError: it was not taken.
    """
    body, headers = request()
    began = time.perf_counter()
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - began
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"returned {answer.status}")
    return took


@contextmanager
def served(port: int, environment: dict[str, str]) -> Iterator[http.client.HTTPConnection]:
    """The function in a process of its own, and a connection to it."""
    command = [
        str(Path(sys.executable).with_name("functions-framework")),
        "--target=slack_actions",
        f"--source={ROOT}/functions/slack_actions/main.py",
        "--host=127.0.0.1",
        f"--port={port}",
    ]
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=UP_SECONDS)
    try:
        until = time.monotonic() + UP_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                connection.connect()
                break
            time.sleep(0.01)
        yield connection
    finally:
        connection.close()
        process.terminate()
        process.wait()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=500)
    count = parser.parse_args().count
    with running(PUBSUB) as emulator:
        os.environ[emulator.kind.variable] = emulator.address
        project = PubSubProject(fresh_project())
        environment = {
            "SETPOINT_SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SETPOINT_ACTIONS_TOPIC": project.topic("slack-actions"),
        }
        began = time.perf_counter()
        with served(free_port(), environment) as connection:
            first = post(connection)
            cold = time.perf_counter() - began
            took = sorted(post(connection) for _ in range(count))
        project.close()
    percentiles = statistics.quantiles(took, n=100)
    figures = {"cold_s": cold, "first_s": first, "p50_s": percentiles[49], "p99_s": percentiles[98], "max_s": took[-1]}
    for name, seconds in figures.items():
        print(f"{name:>8} {seconds:.4f}")
    print(json.dumps({"count": count, **{name: round(seconds, 5) for name, seconds in figures.items()}}))


if __name__ == "__main__":
    main()
