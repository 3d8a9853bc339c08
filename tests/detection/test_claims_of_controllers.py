"""What looks like a controller's is believed until the audit log tells who made it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from setpoint.detection import finding_state_machine, ownership
from setpoint.detection.claim_evidence import evidence_of
from setpoint.detection.known_changes import actor_lookup
from setpoint.detection.parent_index import NOTHING_LISTED
from setpoint.detection.verdict import Verdict
from setpoint.model.actors import AuditedChange
from setpoint.model.change_history import remembered
from setpoint.model.declaration import Scope
from setpoint.model.fleet_rules import rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.stores import Snapshot

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = rules((Scope("all", projects=("shop",), asset_types=("compute.googleapis.com/*",)),))


NODES = ["gke-prod-0a1b2c3d-node"]


def firewall(name: str, **more: Any) -> Observation:
    key = ResourceKey(f"//compute.googleapis.com/projects/shop/global/firewalls/{name}")
    return Observation(
        key, "compute.googleapis.com/Firewall", NOON, data={"name": name, "sourceRanges": ["0.0.0.0/0"], **more}
    )


def judged(
    asset: str | Observation,
    by: str = "",
    method: str = "v1.compute.firewalls.insert",
    made_at: datetime = NOON,
) -> Any:
    changes = (AuditedChange(principal=by, method=method, requested_at=made_at),) if by else ()
    observation = firewall(asset, targetTags=NODES) if isinstance(asset, str) else asset
    return judged_after(changes, observation)


def judged_after(changes: tuple[AuditedChange, ...], observation: Observation) -> Any:
    snapshot = Snapshot(observation.key, None, RULES, None, None, changes)
    evidence = evidence_of(snapshot, lambda: NOTHING_LISTED)
    return ownership.judge(snapshot, observation, None, actor_lookup(snapshot, observation), evidence=evidence)


def is_unmanaged(verdict: Any) -> bool:
    return isinstance(verdict, Verdict) and verdict.kind == "unmanaged"


MALLORY = "mallory@example.com"
ROBOT = "service-123@container-engine-robot.iam.gserviceaccount.com"


@pytest.mark.parametrize("name", ["k8s-fw-x", "gke-prod-0a1b2c3d-all", "k8s1-abc"])
def test_a_rule_named_like_a_controllers_that_a_person_made_is_unmanaged(name: str) -> None:
    verdict = judged(name, MALLORY)
    assert is_unmanaged(verdict)
    assert (verdict.claim.proof, verdict.actor.principal) == ("made_otherwise", MALLORY)


def test_a_rule_that_the_controller_made_is_left_alone() -> None:
    assert judged("k8s-fw-x", ROBOT) == "undeclared"


def test_a_rule_of_which_nobody_knows_who_made_it_is_left_alone() -> None:
    assert judged("k8s-fw-x") == "undeclared"
    both = tuple(
        AuditedChange(principal=principal, method="v1.compute.firewalls.insert", requested_at=NOON, log_id=principal)
        for principal in (ROBOT, "ann@example.com")
    )
    assert judged_after(both, firewall("k8s-fw-x", targetTags=NODES)) == "undeclared"


@pytest.mark.parametrize("name", ["k8s-fw-x", "gke-prod-0a1b2c3d-all", "k8s1-abc"])
def test_a_name_alone_hides_no_rule(name: str) -> None:
    for more in ({}, {"targetTags": ["web"]}, {"targetTags": [*NODES, "web"]}):
        assert is_unmanaged(judged(firewall(name, **more)))


def instance(created: str = "", **data: Any) -> Observation:
    key = ResourceKey("//compute.googleapis.com/projects/shop/zones/europe-west1-b/instances/miner")
    known = {"creationTimestamp": created} if created else {}
    return Observation(key, "compute.googleapis.com/Instance", NOON, data={"name": "miner", **known, **data})


INSERT = "v1.compute.instances.insert"
GROUP = "projects/11/zones/europe-west1-b/instanceGroupManagers/web"
OF_GROUP = {"metadata": {"items": [{"key": "created-by", "value": GROUP}]}}
CLAIMS: list[dict[str, Any]] = [
    *(
        {"labels": {label: "x"}}
        for label in ("goog-gke-node", "goog-k8s-cluster-name", "goog-dataproc-cluster-name", "goog-dataflow-job-id")
    ),
    OF_GROUP,
]


@pytest.mark.parametrize("claim", CLAIMS, ids=str)
def test_a_label_or_metadata_alone_hides_nothing_that_a_person_made(claim: dict[str, Any]) -> None:
    assert judged(instance(**claim)) == "undeclared"
    assert is_unmanaged(judged(instance(**claim), MALLORY, INSERT))
    assert judged(instance(**claim), "11@cloudservices.gserviceaccount.com", INSERT) == "undeclared"


@pytest.mark.parametrize("claim", CLAIMS, ids=str)
@pytest.mark.parametrize(
    "method", ["v1.compute.instances.setMetadata", "beta.compute.instances.setLabels", "", "patch"]
)
def test_whoever_logs_in_to_a_node_or_labels_it_has_not_made_it(claim: dict[str, Any], method: str) -> None:
    assert judged(instance(**claim), "ann@example.com", method) == "undeclared"


def test_a_person_who_changes_what_they_made_right_away_has_made_it_all_the_same() -> None:
    methods = (INSERT, "v1.compute.instances.setLabels", "v1.compute.instances.setMetadata")
    changes = tuple(
        AuditedChange(principal=MALLORY, method=method, requested_at=NOON + timedelta(seconds=place), log_id=method)
        for place, method in enumerate(methods)
    )
    assert is_unmanaged(judged_after(changes, instance(**OF_GROUP)))


def test_many_changes_do_not_bury_the_creation() -> None:
    changes: tuple[AuditedChange, ...] = ()
    for place in range(40):
        method = INSERT if place == 0 else "v1.compute.instances.setLabels"
        change = AuditedChange(
            principal=MALLORY, method=method, requested_at=NOON + timedelta(seconds=place), log_id=str(place)
        )
        changes = remembered(changes, change, NOON)
    observation = replace(instance(**OF_GROUP), observed_at=NOON + timedelta(minutes=1))
    assert is_unmanaged(judged_after(changes, observation))


def test_a_person_who_made_an_earlier_resource_of_the_name_did_not_make_this_one() -> None:
    hour_ago = NOON - timedelta(hours=1)
    assert judged(instance("2026-03-01T04:00:00.000-08:00", **OF_GROUP), MALLORY, INSERT, hour_ago) == "undeclared"
    assert is_unmanaged(judged(instance("2026-03-01T03:00:05.000-08:00", **OF_GROUP), MALLORY, INSERT, hour_ago))


def test_a_pipelines_account_makes_no_nodes() -> None:
    assert is_unmanaged(judged(instance(**OF_GROUP), "deploy@shop.iam.gserviceaccount.com", INSERT))


def test_a_finding_stays_when_the_entry_of_who_made_the_resource_has_expired() -> None:
    forged = instance("2026-03-01T12:00:00Z", **OF_GROUP)
    state = finding_state_machine.advance(None, forged, judged(forged, MALLORY, INSERT), NOON).state
    assert state is not None
    assert state.is_open
    month = replace(forged, observed_at=NOON + timedelta(days=30))
    snapshot = Snapshot(forged.key, None, RULES, state, None)
    evidence = evidence_of(snapshot, lambda: NOTHING_LISTED)
    verdict = ownership.judge(snapshot, month, None, actor_lookup(snapshot, month), evidence=evidence)
    assert is_unmanaged(verdict)
    later = instance("2026-04-01T12:00:00Z", **OF_GROUP)
    assert ownership.judge(snapshot, later, None, actor_lookup(snapshot, later), evidence=evidence) == "undeclared"


def test_whoever_makes_a_managed_group_may_be_named_as_the_maker_of_its_instance_group() -> None:
    key = ResourceKey("//compute.googleapis.com/projects/shop/zones/europe-west1-b/instanceGroups/web")
    says = "This instance group is controlled by Instance Group Manager 'web'. To modify instances, use it."
    seen = Observation(key, "compute.googleapis.com/InstanceGroup", NOON, data={"name": "web", "description": says})
    assert judged(seen, "ann@example.com", "v1.compute.instanceGroups.insert") == "undeclared"
