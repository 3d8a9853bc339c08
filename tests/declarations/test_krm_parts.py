"""An object that is an element of another resource is compared with that element, and with nothing else of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from setpoint.adapters.memory.store import MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import diff_jsonl
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import load
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

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


TYPE = "compute.googleapis.com/Router"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_object(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "fleet-prod-123"}
    spec = {"region": "us-east1", **spec}
    return {"apiVersion": "compute.cnrm.cloud.google.com/v1beta1", "kind": kind, "metadata": metadata, "spec": spec}


EDGE = an_object("ComputeRouter", "r", description="edge", networkRef={"name": "main"})


def nat(name: str, **spec: Any) -> dict[str, Any]:
    spec = {"natIpAllocateOption": "AUTO_ONLY", "minPortsPerVm": 64, **spec}
    return an_object("ComputeRouterNAT", name, routerRef={"name": "r"}, **spec)


class Fleet:
    """Objects that are applied, and a router that is observed."""

    def __init__(self, folder: Path, *objects: dict[str, Any]) -> None:
        (folder / "all.json").write_text("\n".join(map(json.dumps, objects)))
        self.loaded = load([str(folder)])
        self.context = Context(MemoryStore(), None, MemoryDeadLetters(), default_catalogue())
        apply.sync(self.loaded, ApplyRequest("git"), self.context, NOON)
        self.minute = 0

    def drift(self, *nats: dict[str, Any], description: str = "edge") -> list[str]:
        """The fields that differ once the router is so."""
        self.minute += 1
        network = "projects/fleet-prod-123/global/networks/main"
        data = {"name": "r", "description": description, "network": network, "nats": list(nats)}
        time = NOON + timedelta(minutes=self.minute)
        seen = Observation(ResourceKey(ROUTER), TYPE, time, data=data, project_id="fleet-prod-123")
        pipeline.handle_observation(seen, self.context)
        states = [state for state in self.context.store.states(drifted=True) if state.is_open]
        return [difference.path for state in states if state.finding for difference in state.finding.differences]


def live_nat(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "natIpAllocateOption": "AUTO_ONLY", "minPortsPerVm": 64, **fields}


def test_parts_are_declared_beside_their_holder_and_each_owns_its_own_element(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, EDGE, nat("x"), nat("y"))
    assert (fleet.loaded.problems, [len(each.declarations) for each in fleet.loaded.desired]) == ([], [3])

    assert fleet.drift(live_nat("y"), live_nat("x"), live_nat("nobody-declared-it")) == []
    assert fleet.drift(live_nat("y"), live_nat("x", minPortsPerVm=128)) == ["nats[name=x].minPortsPerVm"]
    assert fleet.drift(live_nat("x")) == ["nats[name=y]"]
    assert fleet.drift(live_nat("x"), live_nat("y"), description="core") == ["description"]
    assert fleet.drift(live_nat("x"), live_nat("y")) == []


def test_a_part_whose_holder_is_declared_elsewhere_is_compared_too(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, nat("x"))
    assert fleet.drift(live_nat("z")) == ["nats[name=x]"]
    assert fleet.drift(live_nat("x"), live_nat("z")) == []


def test_drift_of_a_part_is_never_reverted_by_itself(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, EDGE, nat("x"))
    fleet.drift(live_nat("x", minPortsPerVm=128))
    (state,) = fleet.context.store.states(drifted=True)
    assert state.finding is not None
    assert state.finding.mode == "alert"


def test_one_element_that_is_declared_twice_is_a_problem(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, nat("x"), nat("x", minPortsPerVm=32))
    assert len(fleet.loaded.problems) == 1


def test_an_element_that_its_holder_declares_too_is_a_problem(tmp_path: Path) -> None:
    holder = {"apiVersion": "setpoint.dev/v1", "kind": "Declaration", "metadata": {"name": ROUTER}}
    spec = {"assetType": TYPE, "data": {"nats": [{"name": "x"}]}}
    assert len(Fleet(tmp_path, {**holder, "spec": spec}, nat("x")).loaded.problems) == 1


def test_a_part_that_does_not_say_its_holder_is_left_out_with_a_warning(tmp_path: Path) -> None:
    loaded = Fleet(tmp_path, an_object("ComputeRouterNAT", "x")).loaded
    assert ([warning.category for warning in loaded.warnings], len(loaded.desired)) == (["part-of-another"], 0)
