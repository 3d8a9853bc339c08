"""A fleet that is adopted: exported, applied, and swept."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from comparison.strategies import TYPES, answered, declared, schema_of
from setpoint.cli import app
from sizes import size

SHOP = ["projects/111111111111", "organizations/566099688680"]


NAMES = {
    "bigquery.googleapis.com/Table": "//bigquery.googleapis.com/projects/shop-prod/datasets/d/tables/t",
    "compute.googleapis.com/BackendService": "//compute.googleapis.com/projects/shop-prod/global/backendServices/b",
    "compute.googleapis.com/Firewall": "//compute.googleapis.com/projects/shop-prod/global/firewalls/f",
    "container.googleapis.com/Cluster": "//container.googleapis.com/projects/shop-prod/zones/us-west1-a/clusters/c",
    "dns.googleapis.com/ManagedZone": "//dns.googleapis.com/projects/shop-prod/managedZones/17",
    "monitoring.googleapis.com/AlertPolicy": "//monitoring.googleapis.com/projects/111111111111/alertPolicies/18",
    "pubsub.googleapis.com/Subscription": "//pubsub.googleapis.com/projects/shop-prod/subscriptions/s",
    "run.googleapis.com/Service": "//run.googleapis.com/projects/shop-prod/locations/europe-west1/services/s",
    "sqladmin.googleapis.com/Instance": "//cloudsql.googleapis.com/projects/shop-prod/instances/i",
    "storage.googleapis.com/Bucket": "//storage.googleapis.com/shop-prod-uploads",
}


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


@settings(max_examples=size(2, 5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_an_export_followed_by_a_sweep_shows_no_drift(asset_service, tmp_path_factory, data, seed):
    folder, rng = tmp_path_factory.mktemp("adopted"), random.Random(seed)  # noqa: S311 - a sample
    for asset_type in TYPES:
        schema = schema_of(asset_type)
        asset_service.put(
            {
                "name": NAMES[asset_type],
                "assetType": asset_type,
                "ancestors": SHOP,
                "updateTime": "2026-03-01T12:00:00Z",
                "resource": {"version": "v1", "data": answered(schema, data.draw(declared(schema)), rng)},
            }
        )
    store = ("--store", f"sqlite:///{folder}/s.db")
    run("export", "--scope", SHOP[1], "--output", str(folder / "fleet"))
    assume(list((folder / "fleet").rglob("*.yaml")))
    run("apply", str(folder / "fleet"), *store)

    assert "no open findings" in run("sweep", "--scope", SHOP[1], "--content", "resource", *store)
