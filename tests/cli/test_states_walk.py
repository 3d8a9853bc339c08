"""The commands of `docs/terraform.md` that lead from states in buckets to drift, as a newcomer gives them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from declarations.states import GOOGLE, state, topic
from setpoint.cli import app
from setpoint_tools.testing.storage_service import VARIABLE, storage_service

PAGE = Path(__file__).resolve().parents[2] / "docs" / "terraform.md"
SECTION = "## From the states in your buckets to drift"
PROJECT = "shop-prod"
BUCKET = "//storage.googleapis.com/shop-data"


def commands() -> Iterator[list[str]]:
    """The commands of the section, without those of other programs."""
    text = PAGE.read_text()
    section = text[text.index(SECTION) :].partition("\n## ")[0]
    for line in dict.fromkeys(re.findall(r"^    (setpoint .+)$", section, re.MULTILINE)):
        yield shlex.split(line)[1:]


def bucket_with_grant() -> bytes:
    bucket = {"name": "shop-data", "project": PROJECT, "location": "EU", "uniform_bucket_level_access": True}
    grant = {"bucket": "b/shop-data", "role": "roles/storage.objectViewer", "members": ["group:data@example.com"]}
    document = json.loads(state([], lineage="data"))
    document["resources"] = [
        {
            "module": "module.net",
            "mode": "managed",
            "type": kind,
            "name": "data",
            "provider": GOOGLE,
            "instances": [{"schema_version": 0, "attributes": values, "sensitive_attributes": []}],
        }
        for kind, values in (("google_storage_bucket", bucket), ("google_storage_bucket_iam_binding", grant))
    ]
    return json.dumps(document).encode()


def asset(name: str, kind: str, **content: Any) -> dict[str, Any]:
    return {
        "name": name,
        "assetType": kind,
        "ancestors": ["projects/123456789012", "organizations/987654321098"],
        "updateTime": "2026-03-01T12:00:00Z",
        **content,
    }


def exported(folder: Path) -> None:
    """The two exports of the inventory, in which the bucket has no uniform access and is open to everybody."""
    name = f"projects/{PROJECT}/topics/orders"
    values = {"name": name, "messageRetentionDuration": "86400s", "labels": {"team": "shop"}}
    kept = asset(f"//pubsub.googleapis.com/{name}", "pubsub.googleapis.com/Topic", resource={"data": values})
    data = {"name": "shop-data", "location": "EU", "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": False}}}
    bucket = asset(BUCKET, "storage.googleapis.com/Bucket", resource={"data": data})
    bindings = [{"role": "roles/storage.objectViewer", "members": ["group:data@example.com", "allUsers"]}]
    policy = asset(BUCKET, "storage.googleapis.com/Bucket", iamPolicy={"bindings": bindings})
    (folder / "live.json").write_text(json.dumps([kept, bucket]))
    (folder / "policies.json").write_text(json.dumps([policy]))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Result]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SETPOINT_STORE", raising=False)
    exported(tmp_path)
    with storage_service() as (service, address):
        monkeypatch.setenv(VARIABLE, address)
        service.put("acme-states", "prod/net/default.tfstate", state([topic("orders")]))
        service.put("acme-states", "prod/data/default.tfstate", bucket_with_grant())
        service.put("acme-states", "prod/data/default.tflock", b"{}")
        yield {" ".join(command): CliRunner().invoke(app, command) for command in commands()}


def test_a_newcomer_sees_the_drift_with_its_addresses(results: dict[str, Result]) -> None:
    applied, swept, listed, as_lines = results.values()

    assert "2 states: 2 applied; 3 resources applied" in applied.output
    assert swept.exit_code == 0
    assert "module.net.google_storage_bucket.data in gs://acme-states/prod/data/default.tfstate" in swept.output
    assert "module.net.google_storage_bucket_iam_binding.data" in swept.output
    assert "allUsers" in swept.output
    assert "orders" not in swept.output
    assert "2 open findings" in listed.output
    findings = [json.loads(line) for line in as_lines.stdout.splitlines() if line.startswith("{")]
    assert {finding["key"]["content"] for finding in findings} == {"resource", "iam_policy"}
