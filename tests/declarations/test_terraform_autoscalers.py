"""A block whose message has a single list is that message where Terraform's table names its fields."""

from __future__ import annotations

from typing import Any

import pytest

from declarations.terraform_attributes import plain, planned

NAMED = {"name": "n", "project": "p", "zone": "europe-west1-b", "region": "europe-west1", "target": "group"}
METRIC = {"name": "queue", "target": 5, "type": "GAUGE"}


def policy_of(terraform_type: str, policy: dict[str, Any]) -> Any:
    expressions = {"autoscaling_policy": [{name: {"constant_value": value} for name, value in policy.items()}]}
    declared = planned(terraform_type, {**NAMED, "autoscaling_policy": [policy]}, expressions)
    assert declared is not None
    return plain(declared)["autoscalingPolicy"]


@pytest.mark.parametrize("terraform_type", ["google_compute_autoscaler", "google_compute_region_autoscaler"])
def test_an_autoscaling_policy_without_cpu_utilization_is_compared(terraform_type: str) -> None:
    assert policy_of(terraform_type, {"max_replicas": 5, "min_replicas": 1}) == {
        "maxNumReplicas": 5,
        "minNumReplicas": 1,
    }


def test_an_autoscaling_policy_with_metrics_is_no_list_of_metrics() -> None:
    assert policy_of("google_compute_autoscaler", {"max_replicas": 5, "metric": [METRIC]}) == {
        "maxNumReplicas": 5,
        "customMetricUtilizations": [{"metric": "queue", "utilizationTarget": 5, "utilizationTargetType": "GAUGE"}],
    }
