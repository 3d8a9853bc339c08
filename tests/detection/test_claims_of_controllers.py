"""What looks like a controller's is believed until the audit log tells who made it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from setpoint.detection import verdict as judging
from setpoint.model.actors import Actor
from setpoint.model.declaration import Scope
from setpoint.model.fleet_rules import rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = rules((Scope("all", projects=("shop",), asset_types=("compute.googleapis.com/*",)),))


NODES = ["gke-prod-0a1b2c3d-node"]


def firewall(name: str, **more: Any) -> Observation:
    key = ResourceKey(f"//compute.googleapis.com/projects/shop/global/firewalls/{name}")
    return Observation(
        key, "compute.googleapis.com/Firewall", NOON, data={"name": name, "sourceRanges": ["0.0.0.0/0"], **more}
    )


def judged(asset: str | Observation, **actor: Any) -> Any:
    made = Actor(method="v1.compute.firewalls.insert", requested_at=NOON, **actor) if actor else None
    observation = firewall(asset, targetTags=NODES) if isinstance(asset, str) else asset
    return judging.judge(None, RULES, observation, None, lambda *_: made)


@pytest.mark.parametrize("name", ["k8s-fw-x", "gke-prod-0a1b2c3d-all", "k8s1-abc"])
def test_a_rule_named_like_a_controllers_that_a_person_made_is_unmanaged(name: str) -> None:
    verdict = judged(name, principal="mallory@example.com", kind="person", confidence="certain")
    assert isinstance(verdict, judging.Verdict)
    assert verdict.kind == "unmanaged"


def test_a_rule_that_the_controller_made_is_left_alone() -> None:
    robot = "service-123@container-engine-robot.iam.gserviceaccount.com"
    assert judged("k8s-fw-x", principal=robot, kind="google", confidence="certain") == "undeclared"


def test_a_rule_of_which_nobody_knows_who_made_it_is_left_alone() -> None:
    assert judged("k8s-fw-x") == "undeclared"
    guess = {"principal": "ann@example.com", "kind": "person", "confidence": "possible"}
    assert judged("k8s-fw-x", **guess) == "undeclared"


@pytest.mark.parametrize("name", ["k8s-fw-x", "gke-prod-0a1b2c3d-all", "k8s1-abc"])
def test_a_name_alone_hides_no_rule(name: str) -> None:
    for more in ({}, {"targetTags": ["web"]}, {"targetTags": [*NODES, "web"]}):
        assert judged(firewall(name, **more)).kind == "unmanaged"


@pytest.mark.parametrize(
    "label", ["goog-gke-node", "goog-k8s-cluster-name", "goog-dataproc-cluster-name", "goog-dataflow-job-id"]
)
def test_a_label_alone_hides_nothing_that_a_person_made(label: str) -> None:
    key = ResourceKey("//compute.googleapis.com/projects/shop/zones/europe-west1-b/instances/miner")
    instance = Observation(key, "compute.googleapis.com/Instance", NOON, data={"name": "miner", "labels": {label: "x"}})
    assert judged(instance) == "undeclared"
    assert judged(instance, principal="mallory@example.com", kind="person", confidence="certain").kind == "unmanaged"
    robot = "11@cloudservices.gserviceaccount.com"
    assert judged(instance, principal=robot, kind="google", confidence="certain") == "undeclared"
