"""What putting a type back asks for."""

from __future__ import annotations

import pytest

from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.remediation import least_privilege

OPERATIONS = {"compute.globalOperations.get", "compute.regionOperations.get", "compute.zoneOperations.get"}


def of(asset_type: str, what=least_privilege.of_resource) -> set[str]:
    return set(what(default_catalogue().schema_for(asset_type), default_methods()))


@pytest.mark.parametrize(
    ("asset_type", "expected"),
    [
        ("storage.googleapis.com/Bucket", {"storage.buckets.get", "storage.buckets.update"}),
        (
            "container.googleapis.com/Cluster",
            {"container.clusters.get", "container.clusters.update", "container.operations.get"},
        ),
        (
            "container.googleapis.com/NodePool",
            {"container.clusters.get", "container.clusters.update", "container.operations.get"},
        ),
        (
            "compute.googleapis.com/Firewall",
            {"compute.firewalls.get", "compute.firewalls.update", "compute.networks.updatePolicy", *OPERATIONS},
        ),
        ("compute.googleapis.com/Route", set()),
    ],
)
def test_a_type_asks_to_be_read_and_written_and_for_nothing_else(asset_type, expected):
    assert of(asset_type) == expected


def test_policies_ask_for_rights_of_their_own():
    wanted = {"storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"}
    assert of("storage.googleapis.com/Bucket", least_privilege.of_policy) == wanted
    assert of("redis.googleapis.com/Instance", least_privilege.of_policy) == set()
