"""Cold start of each function over the bare imports of the Google clients that it needs, one process each, in turn.

functions-framework is imported before the clock starts: it is the platform's. The function's own time is that of its
`main.py` and of all that its first event makes: the ports and the catalogue.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

CLIENTS = {
    "attribute": ("attributor", ("google.cloud.firestore", "google.cloud.pubsub_v1")),
    "console": ("console", ("google.cloud.firestore", "google.auth.transport.requests", "jinja2")),
    "detect": ("detector", ("google.cloud.firestore", "google.cloud.pubsub_v1")),
    "notify": ("notifier", ("google.cloud.firestore", "google.cloud.pubsub_v1", "slack_sdk", "requests")),
    "report": ("reporter", ("google.cloud.firestore", "google.cloud.bigquery")),
    "slack_actions": ("slack_requests", ("google.cloud.pubsub_v1", "slack_sdk")),
    "remediate": ("remediator", ("google.cloud.firestore", "google.cloud.pubsub_v1", "google.auth.transport.requests")),
    "sweep": ("sweeper", ("google.cloud.firestore", "google.cloud.pubsub_v1", "google.cloud.asset_v1")),
    "sync": ("declaration_applier", ("google.cloud.firestore", "google.cloud.pubsub_v1", "google.cloud.storage")),
}
"""Of each function, what of `bootstrap` its first event calls, and the clients that it needs."""

ENVIRONMENT = {
    "SETPOINT_STORE": "firestore://fleet-ops/setpoint",
    "SETPOINT_EVENTS_TOPIC": "projects/fleet-ops/topics/drift-events",
    "SETPOINT_DEAD_LETTER_TOPIC": "projects/fleet-ops/topics/dead-letters",
    "SETPOINT_SWEEP_TOPIC": "projects/fleet-ops/topics/sweeps",
    "SETPOINT_SWEEP_SECONDS": "60",
    "SETPOINT_HISTORY_CALLS": "0",
    "SETPOINT_ACTIONS_TOPIC": "projects/fleet-ops/topics/slack-actions",
    "SETPOINT_DATASET": "fleet-ops.setpoint",
    "SETPOINT_IAP_AUDIENCE": "/projects/1/global/backendServices/2",
    "SETPOINT_MASK_IP": "true",
    "SETPOINT_OWN_ACCOUNTS": "setpoint-remediate@fleet-ops.iam.gserviceaccount.com",
    "SETPOINT_SINKS": "{}",
    "SETPOINT_STATE_BUCKETS": "{}",
    "SETPOINT_DECLARATIONS_BUCKET": "fleet",
    "SETPOINT_SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
    "SETPOINT_SLACK_TOKEN": "xoxb-fake",
    "SETPOINT_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
    "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
}

_TIMED = """
import sys, time, functions_framework, google.auth
from google.auth.credentials import AnonymousCredentials
google.auth.default = lambda *_, **__: (AnonymousCredentials(), "fleet-ops")
started = time.process_time()
{work}
print(time.process_time() - started, time.process_time())
"""
_BARE = "import importlib\nfor name in {clients!r}:\n    importlib.import_module(name)"
_FUNCTION = "import runpy\nrunpy.run_path({main!r})\nfrom setpoint import bootstrap\nbootstrap.{maker}()"


def measure(name: str, rounds: int) -> dict[str, float]:
    """Milliseconds of the processor for the bare imports and for the function, each the least of several rounds."""
    maker, clients = CLIENTS[name]
    bare = _BARE.format(clients=clients)
    function = _FUNCTION.format(main=str(ROOT / "functions" / name / "main.py"), maker=maker)
    rounds_of = [(_timed(bare), _timed(function)) for _ in range(rounds)]
    least, own = (
        [min(round_[column] for round_ in both) * 1000 for column in (0, 1)] for both in zip(*rounds_of, strict=True)
    )
    return {
        "bare_ms": round(least[0], 1),
        "function_ms": round(own[0], 1),
        "ratio": round(own[0] / least[0], 3),
        "whole_ratio": round(own[1] / least[1], 3),
    }


def _timed(work: str) -> tuple[float, float]:
    """Seconds of the work, and of the whole process with the interpreter and the framework."""
    command = [sys.executable, "-c", _TIMED.format(work=work)]
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, check=True, capture_output=True, text=True)
    own, whole = map(float, done.stdout.split())
    return own, whole


def main() -> None:
    """Measure each function; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    names = {main.parent.name for main in ROOT.glob("functions/*/main.py")}
    assert names == CLIENTS.keys(), f"say which clients {names ^ CLIENTS.keys()} needs"
    print(json.dumps({name: measure(name, rounds) for name in CLIENTS}))


if __name__ == "__main__":
    main()
