"""`setpoint sweep` over the fake inventory."""

from __future__ import annotations

import json

import grpc
import pytest
from typer.testing import CliRunner

from detection.swept_fleet import ORG, QUICK, declare, populate
from setpoint import bootstrap
from setpoint.adapters.google.asset_inventory import AssetInventory
from setpoint.bootstrap import open_store
from setpoint.cli import app
from setpoint.errors import BadRequest, Unavailable


@pytest.fixture
def url(tmp_path, asset_service) -> str:
    populate(asset_service)
    url = f"sqlite:///{tmp_path}/s.db"
    store = open_store(url)
    declare(store)
    store.close()
    return url


def run(url, *more):
    arguments = ["sweep", "--scope", ORG, "--content", "resource", "--store", url, *more]
    return CliRunner().invoke(app, arguments)


def test_the_summary_tells_how_much_of_what_is_declared_is_known(url):
    done = run(url)
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[:4] == ["50 declared", "48 seen", "44 in sync", "6 drifted"]
    assert "6 open findings" in lines


def test_the_summary_is_one_object_for_machines(url):
    content = json.loads(run(url, "--output", "json").stdout)
    counts = {"declared": 50, "seen": 48, "in_sync": 44, "drifted": 6, "unknown": 0, "unchecked": 0, "gone": 2}
    assert content.items() >= counts.items()
    assert content["denied"] == {}


def test_an_interrupted_sweep_goes_on_unless_it_is_told_to_begin_anew(url, asset_service, mocker):
    inventory = AssetInventory(asset_service.client(), QUICK, page_size=5)
    mocker.patch.object(bootstrap, "open_inventory", return_value=inventory)
    asset_service.fail(grpc.StatusCode.UNAVAILABLE, times=10_000, page=3)
    assert isinstance(run(url).exception, Unavailable)
    asset_service.faults.clear()
    asset_service.requests.clear()

    done = run(url)
    assert (done.exit_code, len(asset_service.requests)) == (0, 7)
    assert "continued the interrupted sweep" in done.stderr

    asset_service.fail(grpc.StatusCode.UNAVAILABLE, times=10_000, page=3)
    run(url)
    asset_service.faults.clear()
    asset_service.requests.clear()
    assert (run(url, "--fresh").exit_code, len(asset_service.requests)) == (0, 11)  # one of them asks for the projects


def test_nothing_listed_is_an_error(url, asset_service):
    asset_service.deny(ORG)
    assert isinstance(run(url).exception, BadRequest)


def test_what_failed_otherwise_than_by_denial_is_told_by_the_exit_code(url, asset_service):
    asset_service.fail(grpc.StatusCode.INVALID_ARGUMENT, times=2, scope="projects/nobody", message="no such project")
    assert run(url, "--scope", "projects/nobody").exit_code == 1
    assert run(url, "--scope", "projects/nobody").exit_code == 0  # denied
