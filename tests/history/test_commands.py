"""`sweep --history` and `findings explain`, from an empty store to findings with a since and a who."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from history.past_bucket import ALICE, BOB, ORG, asset, entry, name_of
from setpoint.bootstrap import open_store
from setpoint.cli import app

DECLARED = """apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/exports}
spec:
  assetType: storage.googleapis.com/Bucket
  data: {location: EU, storageClass: STANDARD}
"""


@pytest.fixture
def url(tmp_path, asset_service, cloud_logging_at, monkeypatch):
    logs, address = cloud_logging_at
    now = datetime.now(UTC).replace(microsecond=0)
    for days, place in ((30, "EU"), (7, "US")):
        asset_service.put(asset("exports", now - timedelta(days=days), {"location": place, "storageClass": "NEARLINE"}))
    logs.put(entry("exports", now - timedelta(days=7, seconds=20)))
    logs.put(entry("exports", now - timedelta(days=30, seconds=20), BOB, methodName="storage.buckets.create"))
    logs.name_project("20318464073", "shop")  # no project is listed: its log is asked for by number
    monkeypatch.setenv("SETPOINT_GOOGLE_APIS", address)
    (tmp_path / "fleet.yaml").write_text(DECLARED)
    url = f"sqlite:///{tmp_path}/s.db"
    applied = CliRunner().invoke(app, ["apply", str(tmp_path / "fleet.yaml"), "--source", "all", "--store", url])
    assert applied.exit_code == 0, applied.output
    return url


def run(*arguments):
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done


def test_day_one_leads_from_an_empty_store_to_a_since_and_a_who(url, tmp_path):
    swept = run("sweep", "--scope", ORG, "--content", "resource", "--history", "--store", url)
    assert "history of 1 findings read, audit log of 1: 1 have an actor" in swept.stderr
    assert f"changed by {ALICE}" in swept.stdout
    run("report", "--html", str(tmp_path / "drift.html"), "--store", url)
    page = (tmp_path / "drift.html").read_text()
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert {ALICE, "by hand"} <= set(data["texts"])

    listed = run("findings", "list", "--origin", "by_hand", "--store", url)
    assert "exports" in listed.stdout
    assert "exports" not in run("findings", "list", "--origin", "by_google", "--store", url).stdout


def test_one_finding_is_explained_field_by_field_and_read_where_it_is_not_known(url):
    run("sweep", "--scope", ORG, "--content", "resource", "--store", url)
    text = " ".join(run("findings", "explain", name_of("exports"), "--store", url).stdout.split())
    assert ALICE in text
    assert BOB in text
    assert "by hand" in text
    assert "did not exist" in text
    store = open_store(url)
    (state,) = store.states(drifted=True)
    store.close()
    assert [field.actor.principal for field in state.finding.history.fields] == [ALICE, BOB]
    assert "by hand" in run("findings", "show", name_of("exports"), "--store", url).stdout
