"""What a declared controller moves is not drift within its bounds, and is drift without it."""

from __future__ import annotations

from typing import Any

import pytest

from comparison.compared import drift

SQL = "sqladmin.googleapis.com/Instance"
POOL = "container.googleapis.com/NodePool"
SPANNER = "spanner.googleapis.com/Instance"


def disk(size: str, **more: Any) -> dict[str, Any]:
    return {"settings": {"dataDiskSizeGb": size, **more}}


def test_a_disk_that_grows_by_itself_may_be_larger_and_not_smaller() -> None:
    assert drift(SQL, disk("10", storageAutoResize=True), disk("24", storageAutoResize=True)) == []
    assert drift(SQL, disk("30", storageAutoResize=True), disk("24", storageAutoResize=True)) != []
    assert drift(SQL, disk("10"), disk("24")) == [("settings.dataDiskSizeGb", "changed")]
    limited = {"storageAutoResize": True, "storageAutoResizeLimit": "20"}
    assert drift(SQL, disk("10", **limited), disk("24", **limited)) != []


@pytest.mark.parametrize(("size", "is_drift"), [(4, False), (1, False), (9, True)])
def test_a_pool_is_as_large_as_its_autoscaler_makes_it(size: int, *, is_drift: bool) -> None:
    scaling = {"autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 5}}
    differences = drift(POOL, {"initialNodeCount": 3, **scaling}, {"initialNodeCount": size, **scaling})
    assert bool(differences) is is_drift
    assert drift(POOL, {"initialNodeCount": 3}, {"initialNodeCount": size}) != []


def test_a_managed_autoscaler_sets_the_processing_units() -> None:
    limits = {"autoscalingLimits": {"minProcessingUnits": 1000, "maxProcessingUnits": 3000}}
    declared = {"processingUnits": 1000, "autoscalingConfig": limits}
    assert drift(SPANNER, declared, {"processingUnits": 2000, "autoscalingConfig": limits}) == []
    assert drift(SPANNER, declared, {"processingUnits": 4000, "autoscalingConfig": limits}) != []


@pytest.mark.parametrize(
    ("observed", "is_drift"),
    [("1.29.9-gke.100", False), ("1.29.3-gke.50", True), ("1.30.1-gke.100", True), ("2.29.9-gke.100", True)],
)
def test_an_automatic_upgrade_stays_within_the_minor_version(observed: str, *, is_drift: bool) -> None:
    management = {"management": {"autoUpgrade": True}}
    differences = drift(POOL, {"version": "1.29.4-gke.100", **management}, {"version": observed, **management})
    assert bool(differences) is is_drift
    assert drift(POOL, {"version": "1.29.4-gke.100"}, {"version": observed}) != []
