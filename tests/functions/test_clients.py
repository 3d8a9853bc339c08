"""No function loads a client that it does not use: a cold start is little else than what it imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FIRESTORE, PUBSUB, STORAGE, ASSETS = (
    "google.cloud.firestore",
    "google.cloud.pubsub_v1",
    "google.cloud.storage",
    "google.cloud.asset_v1",
)
USED = {
    "attribute": ("attributor", {FIRESTORE, PUBSUB}),
    "console": ("console", {FIRESTORE, "jinja2"}),
    "notify": ("notifier", {FIRESTORE, PUBSUB, "slack_sdk"}),
    "report": ("reporter", {FIRESTORE, "google.cloud.bigquery"}),
    "slack_actions": ("slack_requests", {PUBSUB, "slack_sdk"}),
    "detect": ("detector", {FIRESTORE, PUBSUB}),
    "remediate": ("remediator", {FIRESTORE, PUBSUB}),
    "sweep": ("sweeper", {FIRESTORE, PUBSUB, ASSETS}),
    "sync": ("declaration_applier", {FIRESTORE, PUBSUB, STORAGE, "pydantic", "yaml"}),
}
"""Of each function, what of `bootstrap` makes all that it works with, and what it uses of others."""

HEAVY = (
    "duckdb",
    "google.cloud.bigquery",
    "googleapiclient",
    "hypothesis",
    "jinja2",
    "opentelemetry.sdk",
    "pytest",
    "pydantic",
    "rich",
    "slack_sdk",
    "sqlite3",
    "typer",
    "yaml",
    FIRESTORE,
    PUBSUB,
    STORAGE,
    ASSETS,
)

LOADED = """
import functions_framework, json, runpy, sys                       # the framework is not ours to choose
before = set(sys.modules)
import google.auth
from google.auth.credentials import AnonymousCredentials
google.auth.default = lambda *_, **__: (AnonymousCredentials(), "fleet-ops")
runpy.run_path(sys.argv[1])
from setpoint import bootstrap
getattr(bootstrap, sys.argv[2])()
print(json.dumps([name for name in sys.argv[3:] if name in sys.modules and name not in before]))
"""

ENVIRONMENT = {
    "SETPOINT_STORE": "firestore://fleet-ops/setpoint",
    "SETPOINT_EVENTS_TOPIC": "projects/fleet-ops/topics/drift-events",
    "SETPOINT_DEAD_LETTER_TOPIC": "projects/fleet-ops/topics/dead-letters",
    "SETPOINT_SWEEP_TOPIC": "projects/fleet-ops/topics/sweeps",
    "SETPOINT_SWEEP_SECONDS": "60",
    "SETPOINT_HISTORY_CALLS": "100",
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
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
    "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
}


def test_every_function_is_in_the_table():
    assert {main.parent.name for main in ROOT.glob("functions/*/main.py")} == USED.keys()


@pytest.mark.parametrize("name", USED)
def test_a_function_loads_the_clients_that_it_uses_and_no_others(name, monkeypatch):
    for variable, value in ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    maker, used = USED[name]
    command = [sys.executable, "-c", LOADED, str(ROOT / "functions" / name / "main.py"), maker, *HEAVY]

    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)

    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) <= used
    assert {module for module in used if module.startswith("google.")} <= set(json.loads(done.stdout))
