"""``setpoint attribute``: recorded entries handed over by hand."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from setpoint.bootstrap import open_store
from setpoint.cli import app

ENTRY = {
    "logName": "projects/fleet-prod-123/logs/cloudaudit.googleapis.com%2Factivity",
    "insertId": "a1",
    "timestamp": "2026-03-01T12:00:00Z",
    "resource": {"type": "gcs_bucket", "labels": {"project_id": "fleet-prod-123"}},
    "protoPayload": {
        "authenticationInfo": {"principalEmail": "ann@example.com"},
        "serviceName": "storage.googleapis.com",
        "methodName": "storage.buckets.update",
        "resourceName": "projects/_/buckets/shop",
    },
}


def run(tmp_path, content: str):
    path = tmp_path / "entries.json"
    path.write_text(content)
    open_store(f"sqlite:///{tmp_path}/s.db").close()
    return CliRunner().invoke(app, ["attribute", str(path), "--store", f"sqlite:///{tmp_path}/s.db"])


def test_recorded_entries_are_stored_until_a_drift_is_detected(tmp_path):
    done = run(tmp_path, json.dumps([ENTRY, ENTRY], indent=2))
    assert done.exit_code == 0
    assert "2 stored until a drift is detected" in done.stderr


def test_a_file_without_a_readable_entry_ends_with_1(tmp_path):
    assert run(tmp_path, "not an entry\n").exit_code == 1
    assert run(tmp_path, "").exit_code == 1
