"""Blocks that the API keeps as a map by one of their attributes, whatever the attribute is called."""

from __future__ import annotations

from typing import Any

import pytest

from declarations.states import state
from declarations.test_terraform_classes import judged
from setpoint.declarations.apply_states import load_state
from setpoint.model.declaration import Declaration

GROUP = {
    "name": "web",
    "project": "fleet-shop",
    "zone": "europe-west1-b",
    "base_instance_name": "web",
    "stateful_disk": [
        {"device_name": "data", "delete_rule": "NEVER"},
        {"device_name": "logs", "delete_rule": "ON_PERMANENT_INSTANCE_DELETION"},
    ],
    "stateful_external_ip": [{"interface_name": "nic0", "delete_rule": "NEVER"}],
}


def declared(kind: str, values: dict[str, Any]) -> Declaration:
    """What a state with one resource declares."""
    loaded = load_state(state([{"type": kind, "name": "a", "values": values}]), "gs://states/a.tfstate")
    assert not loaded.problems
    [desired] = loaded.desired
    return desired.declarations[0]


def paths(declaration: Declaration, live: dict[str, Any]) -> list[str]:
    return [difference.path for difference in judged(declaration, live).differences]


DISKS = {"data": {"autoDelete": "NEVER"}, "logs": {"autoDelete": "ON_PERMANENT_INSTANCE_DELETION"}}
ADDRESSES = {"nic0": {"autoDelete": "NEVER"}}


def live(disks: dict[str, Any], addresses: dict[str, Any]) -> dict[str, Any]:
    state = {"disks": disks, "externalIPs": addresses}
    return {"name": "web", "baseInstanceName": "web", "statefulPolicy": {"preservedState": state}}


def test_entries_are_compared_by_their_key() -> None:
    translated = declared("google_compute_instance_group_manager", GROUP)

    assert translated.unchecked == ()
    assert paths(translated, live(DISKS, ADDRESSES)) == []


@pytest.mark.parametrize(
    ("disks", "addresses", "differing"),
    [
        ({**DISKS, "data": {"autoDelete": "ON_PERMANENT_INSTANCE_DELETION"}}, ADDRESSES, "disks.data.autoDelete"),
        ({"logs": DISKS["logs"]}, ADDRESSES, "disks.data"),
        ({"data": DISKS["data"]}, ADDRESSES, "disks.logs.autoDelete"),
        ({**DISKS, "more": {"autoDelete": "NEVER"}}, ADDRESSES, "disks.more"),
        ({**DISKS, "more": {"autoDelete": "ON_PERMANENT_INSTANCE_DELETION"}}, ADDRESSES, "disks.more"),
        (DISKS, {}, "externalIPs.nic0"),
    ],
)
def test_an_entry_that_is_changed_gone_or_new_is_drift(
    disks: dict[str, Any], addresses: dict[str, Any], differing: str
) -> None:
    translated = declared("google_compute_instance_group_manager", GROUP)

    assert [
        path.removeprefix("statefulPolicy.preservedState.") for path in paths(translated, live(disks, addresses))
    ] == [differing]


def test_a_block_with_a_name_of_its_own_keeps_it() -> None:
    schedule = {"name": "day", "min_required_replicas": 2, "schedule": "0 9 * * *", "duration_sec": 600}
    policy = {"min_replicas": 1, "max_replicas": 5, "scaling_schedules": [schedule]}
    values = {"name": "web", "project": "fleet-shop", "zone": "europe-west1-b", "autoscaling_policy": [policy]}

    data = declared("google_compute_autoscaler", values).data

    assert data["autoscalingPolicy"]["scalingSchedules"]["day"]["schedule"] == "0 9 * * *"
