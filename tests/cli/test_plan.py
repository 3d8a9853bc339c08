from __future__ import annotations

from typing import Any

import pytest

import forked
from setpoint.cli.plan import _changed
from setpoint.model.secrecy import is_hidden

SQL = "sqladmin.googleapis.com/Instance"


def planned(old: dict[str, Any], new: dict[str, Any], asset_type: str = SQL) -> list[tuple[str, Any, Any]]:
    return [(change.path, change.declared, change.observed) for change in _changed(asset_type, old, new)]


def assert_hidden(changes: list[tuple[str, Any, Any]], path: str) -> None:
    ((changed, *sides),) = changes
    assert changed == path
    assert all(map(is_hidden, sides))


def test_a_plan_masks_what_the_catalogue_knows_as_a_secret() -> None:
    known = "compute.googleapis.com/VpnTunnel"
    assert_hidden(planned({"sharedSecret": "hunter2"}, {"sharedSecret": "hunter3"}, known), "sharedSecret")
    assert_hidden(planned({"rootPassword": "hunter2"}, {"rootPassword": "hunter3"}), "rootPassword")
    disk = "compute.googleapis.com/Disk"
    old, new = ({"diskEncryptionKey": {"rawKey": key}} for key in ("hunter2", "hunter3"))
    assert_hidden(planned(old, new, disk), "diskEncryptionKey.rawKey")


def test_a_plan_shows_what_changes_in_spelling_only() -> None:
    subscription = "pubsub.googleapis.com/Subscription"
    assert planned({"messageRetentionDuration": "1h"}, {"messageRetentionDuration": "3600s"}, subscription) == [
        ("messageRetentionDuration", "1h", "3600s")
    ]
    assert planned({"settings": {"edition": "ENTERPRISE"}}, {"settings": {"edition": "enterprise"}}) == [
        ("settings.edition", "ENTERPRISE", "enterprise")
    ]
    assert planned({"settings": {"dataDiskSizeGb": 10}}, {"settings": {"dataDiskSizeGb": "10"}}) == [
        ("settings.dataDiskSizeGb", 10, "10")
    ]
    assert planned({"f": ["a", "b"]}, {"f": ["b", "a"]}) == [("f", ["a", "b"], ["b", "a"])]


def test_a_plan_tells_no_change_twice() -> None:
    old = {"settings": {"tier": "a", "userLabels": {"x": "1"}}, "f": [{"name": "a", "x": 1}], "g": {"h": 1}}
    new = {"settings": {"tier": "b", "userLabels": {"x": "1"}}, "f": [{"name": "a", "x": 2}]}
    assert [path for path, _, _ in planned(old, new)] == ["settings.tier", "f[name=a].x", "g.h"]


@pytest.mark.parametrize("same", [{}, {"settings": {"tier": "a"}}, {"f": None}])
def test_a_plan_of_the_same_has_no_changes(same: dict[str, Any]) -> None:
    assert planned(same, dict(same)) == []
    assert planned({**same, "g": None}, same) == []


def test_a_plan_marks_what_only_the_service_can_name(tmp_path):
    (tmp_path / "alert.yaml").write_text(
        "apiVersion: monitoring.cnrm.cloud.google.com/v1beta1\n"
        "kind: MonitoringAlertPolicy\n"
        "metadata: {name: latency, namespace: shop}\n"
        "spec: {displayName: High latency, combiner: OR}\n"
    )
    shown = forked.command_line("plan", "alert.yaml", "--store", "sqlite:///none.db", cwd=tmp_path).stdout
    assert "displayName=High~20latency  alert.yaml:1  pending" in shown
    assert "1 pending" in shown


def test_values_that_only_deep_reads_compare_are_counted(tmp_path):
    (tmp_path / "set.yaml").write_text(
        "apiVersion: setpoint.dev/v1\n"
        "kind: Declaration\n"
        "metadata: {name: //bigquery.googleapis.com/projects/p/datasets/sales}\n"
        "spec: {assetType: bigquery.googleapis.com/Dataset, data: {location: EU,\n"
        "  access: [{role: OWNER, domain: d.org}]}}\n"
    )
    shown = forked.command_line("validate", "set.yaml", cwd=tmp_path).stderr
    assert "100.0% of 3 values comparable, 2 of them by deep reads only" in shown
