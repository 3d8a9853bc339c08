"""An object that is an element of another resource is compared with that element, and with nothing else of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from setpoint.cli import diff_jsonl

ROUTER = "//compute.googleapis.com/projects/fleet-prod-123/regions/us-east1/routers/r"
NAT = {"name": "x", "natIpAllocateOption": "AUTO_ONLY", "minPortsPerVm": 64}
OTHER = {"name": "y", "natIpAllocateOption": "MANUAL_ONLY"}


def answer(live: list[dict[str, Any]]) -> Any:
    declared = {
        "apiVersion": "compute.cnrm.cloud.google.com/v1beta1",
        "kind": "ComputeRouterNAT",
        "metadata": {"name": "x", "namespace": "fleet-prod-123"},
        "spec": {
            "region": "us-east1",
            "routerRef": {"name": "r"},
            "natIpAllocateOption": "AUTO_ONLY",
            "minPortsPerVm": 64,
        },
    }
    question = {
        "id": "q",
        "format": "krm",
        "declared": declared,
        "live": {"name": "r", "bgp": {"asn": 65001}, "nats": live},
        "asset_type": "compute.googleapis.com/Router",
        "full_name": ROUTER,
        "project": {"id": "fleet-prod-123", "number": "123456789012"},
    }
    return diff_jsonl.answer(msgspec.json.encode(question))


def test_a_part_is_in_sync_whatever_stands_beside_it() -> None:
    assert answer([OTHER, NAT]).verdict == "in_sync"


@pytest.mark.parametrize(
    ("live", "path", "author"),
    [
        ([{**NAT, "minPortsPerVm": 128}, OTHER], "nats[name=x].minPortsPerVm", "spec.minPortsPerVm"),
        ([OTHER], "nats[name=x]", "spec"),
    ],
)
def test_a_part_that_was_changed_or_removed_is_drift(live: list[dict[str, Any]], path: str, author: str) -> None:
    response = answer(live)
    assert response.verdict == "drift"
    assert [(difference.path, difference.declared_path) for difference in response.differences] == [(path, author)]
