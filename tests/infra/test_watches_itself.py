"""Setpoint watches Setpoint: its own Terraform state declares it, and what would blind it is critical."""

from __future__ import annotations

import gzip
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.blocks import INFRA
from setpoint.cli import app

STATE = Path(__file__).with_name("states") / "v0.1.0.json.gz"
OWN = (
    Path(os.environ.get("SETPOINT_CORPUS", Path(__file__).resolve().parents[3] / "shared/corpus")) / "own_installation"
)
ACCOUNT = "setpoint-remediate@fleet-ops.iam.gserviceaccount.com"
ACCOUNT_NAME = "//iam.googleapis.com/projects/fleet-ops/serviceAccounts/100000000000000000001"
ANCESTORS = ["projects/123456789012", "organizations/566099688680"]
TIME = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.output


@pytest.fixture
def store(tmp_path) -> str:
    """A store in which the state of an installation with everything is declared, with the policy of its example."""
    declared = tmp_path / "declared"
    declared.mkdir()
    (declared / "setpoint.tfstate").write_bytes(gzip.decompress(STATE.read_bytes()))
    policy = (INFRA / "examples/everything/watch-itself.yaml").read_text()
    (declared / "watch-itself.yaml").write_text(policy.replace("fleet-drift", "fleet-ops"))
    url = f"sqlite:///{tmp_path}/own.db"
    applied = run("apply", str(declared), "--store", url, "--source", "setpoint")
    assert "error:" not in applied
    return url


def asset(name: str, kind: str, updated: str = TIME, **more: Any) -> dict[str, Any]:
    return {"name": name, "assetType": kind, "ancestors": ANCESTORS, "updateTime": updated, **more}


def deleted(name: str, kind: str) -> dict[str, Any]:
    before = asset(name, kind, resource={"version": "v1", "data": {}})
    return {
        "asset": {"name": name, "assetType": kind},
        "priorAsset": before,
        "deleted": True,
        "window": {"startTime": TIME},
    }


def changed(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"asset": asset(name, kind, **more), "window": {"startTime": TIME}}


FEED = "//cloudasset.googleapis.com/organizations/566099688680/feeds/setpoint-resource"
SUBSCRIPTION = "//pubsub.googleapis.com/projects/fleet-ops/subscriptions/detect"
OWN_ACCOUNT = {
    "name": f"projects/fleet-ops/serviceAccounts/{ACCOUNT}",
    "email": ACCOUNT,
    "uniqueId": "100000000000000000001",
    "projectId": "fleet-ops",
}
GRANT = {"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:eve@example.com"]}
BLINDING = {
    "a stopped feed": [deleted(FEED, "cloudasset.googleapis.com/Feed")],
    "a removed subscription": [deleted(SUBSCRIPTION, "pubsub.googleapis.com/Subscription")],
    "a widened grant": [
        changed(ACCOUNT_NAME, "iam.googleapis.com/ServiceAccount", resource={"version": "v1", "data": OWN_ACCOUNT}),
        changed(ACCOUNT_NAME, "iam.googleapis.com/ServiceAccount", iamPolicy={"bindings": [GRANT]}),
    ],
}


@pytest.mark.parametrize("messages", BLINDING.values(), ids=BLINDING)
def test_what_would_blind_setpoint_is_critical_drift(store, tmp_path, messages):
    feed = tmp_path / "feed.jsonl"
    feed.write_text("".join(f"{json.dumps(message)}\n" for message in messages))
    shown = run("detect", "--feed", str(feed), "--store", store)
    assert re.findall(r"^(critical|high|medium|low) ", shown, re.MULTILINE) == ["critical"]


@pytest.mark.skipif(not OWN.is_dir(), reason="SKIPPED: the recorded installation is not here; set SETPOINT_CORPUS")
def test_an_installation_as_the_real_provider_recorded_it_declares_without_an_error_and_is_compared_whole(tmp_path):
    url = f"sqlite:///{tmp_path}/own.db"
    assert "error:" not in run("apply", str(OWN / "terraform.tfstate"), "--store", url, "--source", "setpoint")
    rows = [json.loads(line) for line in (OWN / "live.jsonl").read_text().splitlines()]
    feed = tmp_path / "feed.jsonl"
    with feed.open("w") as written:
        for row in rows:
            parts = row["full_name"].split("/")
            numbered = parts[parts.index("projects") + 1] if "projects" in parts else ""
            number = numbered if numbered.isdecimal() else row["project"]["number"]
            recorded = asset(row["full_name"], row["asset_type"], resource={"version": "v1", "data": row["live"]})
            recorded["ancestors"] = [f"projects/{number}", "organizations/566099688680"]
            written.write(f"{json.dumps({'asset': recorded, 'window': {'startTime': TIME}})}\n")
    assert f"{len(rows)} in_sync" in run("detect", "--feed", str(feed), "--store", url)
