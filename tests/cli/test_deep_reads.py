"""`detect` and `sweep` read what the policy has read through its own API, over the fake of Google's REST APIs."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest

import forked

NAME = "//bigquery.googleapis.com/projects/shop-prod/datasets/sales"
URL = "https://bigquery.googleapis.com/bigquery/v2/projects/shop-prod/datasets/sales"
OWNER = {"role": "OWNER", "userByEmail": "ann@example.com"}
READER = {"role": "READER", "specialGroup": "allAuthenticatedUsers"}
FLEET = f"""\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: {NAME}, project: shop-prod, owner: {{team: shop}}}}
spec: {{assetType: bigquery.googleapis.com/Dataset, data: {{location: EU, access: [{json.dumps(OWNER)}]}}}}
---
apiVersion: setpoint.dev/v1
kind: Policy
metadata: {{name: fleet}}
spec:
  limits: {{readingsPerMinute: 30}}
  observe: [{{source: api, assetTypes: [bigquery.googleapis.com/Dataset]}}]
"""


@pytest.fixture
def setpoint(tmp_path, google_apis_at):
    environment = {**os.environ, "SETPOINT_STORE": f"sqlite:///{tmp_path}/s.db", "COLUMNS": "200"}
    environment["SETPOINT_GOOGLE_APIS"] = google_apis_at[1]

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return forked.command_line(*arguments, cwd=tmp_path, environment=environment | variables)

    asset = {
        "name": NAME,
        "assetType": "bigquery.googleapis.com/Dataset",
        "updateTime": "2026-03-01T12:00:00Z",
        "ancestors": ["projects/12", "organizations/4"],
        "resource": {"data": {"location": "EU"}},
    }
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "feed.jsonl").write_text(json.dumps({"asset": asset}) + "\n")
    (tmp_path / "export.jsonl").write_text(json.dumps(asset) + "\n")
    assert run("apply", "fleet.yaml").returncode == 0
    return run


@pytest.mark.parametrize("command", [("detect", "--feed", "feed.jsonl"), ("sweep", "--from", "export.jsonl")])
def test_a_field_that_the_feed_lacks_is_compared_by_a_reading(setpoint, google_apis, command):
    google_apis.put(URL, {"location": "EU", "access": [OWNER, READER]})

    result = setpoint(*command)

    assert "1 open finding" in result.stdout
    assert "1 resource read through their own API" in result.stderr
    shown = re.sub(r"[│\s]+", " ", setpoint("findings", "show", NAME).stdout)
    assert "access[role=READER]" in shown
    assert "seen by its API" in shown


def test_without_credentials_it_says_what_stays_unchecked_and_goes_on(setpoint, tmp_path):
    nobody = {"SETPOINT_GOOGLE_APIS": "", "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "missing.json")}

    result = setpoint("detect", "--feed", "feed.jsonl", **nobody)

    assert result.returncode == 0
    assert "unchecked" in result.stderr
    assert "credentials" in result.stderr


def test_a_rule_that_names_nothing_is_an_error(setpoint, tmp_path):
    (tmp_path / "wrong.yaml").write_text(FLEET.replace("assetTypes: [bigquery.googleapis.com/Dataset]", ""))
    result = setpoint("validate", "wrong.yaml")
    assert result.returncode == 1
    assert "assetTypes" in result.stderr + result.stdout
