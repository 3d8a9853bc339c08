"""No function loads a client that it does not use: a cold start is little else than what it imports."""

from __future__ import annotations

import json
import os
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
import functions_framework, json, os, runpy, sys, traceback        # the framework is not ours to choose
before = set(sys.modules)
import google.auth
from google.auth.credentials import AnonymousCredentials
google.auth.default = lambda *_, **__: (AnonymousCredentials(), "fleet-ops")

def load(main, maker):
    runpy.run_path(main)
    from setpoint import bootstrap
    getattr(bootstrap, maker)()
    return [name for name in heavy if name in sys.modules and name not in before]

functions, heavy = json.loads(sys.argv[1])
for name, main, maker in functions:
    if os.fork():
        os.wait()
        continue
    try:
        print(json.dumps([name, load(main, maker)]), flush=True)
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(0)
"""
"""Loads each function in a process of its own, forked from one that has loaded the framework and nothing of ours."""

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


@pytest.fixture(scope="module")
def loaded() -> tuple[dict[str, list[str]], str]:
    """By function the modules among those that are heavy that it has loaded, and what went wrong."""
    functions = [(name, str(ROOT / "functions" / name / "main.py"), maker) for name, (maker, _) in USED.items()]
    command = [sys.executable, "-c", LOADED, json.dumps([functions, HEAVY])]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=environment)
    return dict(json.loads(line) for line in done.stdout.splitlines()), done.stderr


@pytest.mark.parametrize("name", USED)
def test_a_function_loads_the_clients_that_it_uses_and_no_others(loaded, name):
    modules, errors = loaded
    used = USED[name][1]
    assert name in modules, errors
    assert set(modules[name]) <= used
    assert {module for module in used if module.startswith("google.")} <= set(modules[name])
