"""Attributes that the provider keeps in another way than the API, and what a change of them is."""

from __future__ import annotations

from typing import Any

import pytest

from declarations.test_terraform_classes import declared, judged, paths
from setpoint.declarations.readers import terraform_match

JOB = {"name": "nightly", "project": "fleet-shop", "region": "europe-west1", "schedule": "0 3 * * *"}
LIVE_JOB = {"name": "projects/fleet-shop/locations/europe-west1/jobs/nightly", "schedule": "0 3 * * *"}
BACKEND = {"name": "web", "project": "fleet-shop", "protocol": "HTTPS", "security_policy": "waf"}
TAINT = {"key": "spot", "value": "yes", "effect": "NO_SCHEDULE"}
POOL = {
    "name": "blue",
    "project": "fleet-shop",
    "cluster": "shop",
    "location": "europe-west1",
    "node_config": [{"machine_type": "e2-standard-4", "taint": [TAINT]}],
}
SERVICE = {"project": "fleet-shop", "service": "compute.googleapis.com"}


@pytest.mark.parametrize(
    ("kind", "values", "live", "differing"),
    [
        ("google_compute_backend_service", BACKEND, {"name": "web", "protocol": "HTTPS"}, ["securityPolicy"]),
        (
            "google_container_node_pool",
            POOL,
            {"name": "blue", "config": {"machineType": "e2-standard-4"}},
            ["config.taints"],
        ),
        (
            "google_project_service",
            SERVICE,
            {"name": "projects/1/services/compute.googleapis.com", "state": "DISABLED"},
            ["state"],
        ),
        ("google_cloud_scheduler_job", JOB | {"paused": True}, LIVE_JOB | {"state": "ENABLED"}, ["state"]),
    ],
)
def test_a_change_of_what_a_state_declares_is_drift(
    kind: str, values: dict[str, Any], live: dict[str, Any], differing: list[str]
) -> None:
    assert paths(declared(kind, values), live) == differing


@pytest.mark.parametrize(
    ("kind", "values", "live"),
    [
        (
            "google_compute_backend_service",
            BACKEND,
            {"name": "web", "protocol": "HTTPS", "securityPolicy": "projects/fleet-shop/global/securityPolicies/waf"},
        ),
        (
            "google_container_node_pool",
            POOL,
            {"name": "blue", "config": {"machineType": "e2-standard-4", "taints": [TAINT]}},
        ),
        ("google_project_service", SERVICE, {"state": "ENABLED"}),
        ("google_cloud_scheduler_job", JOB | {"paused": True}, LIVE_JOB | {"state": "PAUSED"}),
        ("google_cloud_scheduler_job", JOB | {"paused": False}, LIVE_JOB | {"state": "ENABLED"}),
    ],
)
def test_the_same_in_the_words_of_the_api_is_none(kind: str, values: dict[str, Any], live: dict[str, Any]) -> None:
    assert paths(declared(kind, values), live) == []


def test_a_job_that_somebody_paused_is_drift_where_the_configuration_says_that_it_runs() -> None:
    values = JOB | {"paused": False}
    written = {name: {"constant_value": value} for name, value in values.items()}

    assert paths(declared("google_cloud_scheduler_job", values, written), LIVE_JOB | {"state": "PAUSED"}) == ["state"]


def test_a_job_that_somebody_paused_is_an_undeclared_change_of_a_state() -> None:
    judgement = judged(declared("google_cloud_scheduler_job", JOB | {"paused": False}), LIVE_JOB | {"state": "PAUSED"})

    assert judgement.kind is None
    assert [kept.difference.kind for kept in judgement.suppressed if kept.difference] == ["undeclared_change"]


def test_only_a_plan_is_compared_with_a_body_that_no_server_answered() -> None:
    assert terraform_match.is_before_apply({"planned_values": {}})
    assert not terraform_match.is_before_apply({"values": {}})
