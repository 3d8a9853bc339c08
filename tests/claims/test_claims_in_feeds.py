"""What a feed's message of a resource with a claim comes to, by what sweeps have listed, and with how many reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from claims.controlled_fleet import Fleet, Watched, cluster, compute, group
from setpoint.attribution.audit_log_parser import LoggedChange
from setpoint.attribution.service import Attributor, attribute
from setpoint.detection import pipeline
from setpoint.model.actors import AuditedChange
from setpoint.model.observation import Observation

MINER = compute("Instance", "zones/z/instances/miner", labels={"goog-k8s-cluster-name": "ghost"})
TWIN = compute("Instance", "zones/z/instances/twin", labels={"goog-k8s-cluster-name": "prod"})
INSERT = "v1.compute.instances.insert"


@pytest.fixture
def watched() -> Watched:
    made = Watched(Fleet().add(cluster("prod"), group("web")), [group("web").parent])
    made.sweep()
    return made


def seen(resource: Observation, watched: Watched, hours: float = 0.0, **how: Any) -> str:
    """Send a message of a resource after so many hours."""
    watched.fleet.now += timedelta(hours=hours)
    return pipeline.handle_observation(replace(resource, observed_at=watched.fleet.now, **how), watched.deps)


def test_a_new_resource_waits_for_the_next_sweep_and_is_judged_by_it(watched: Watched) -> None:
    fresh = compute("Instance", "zones/z/instances/miner", watched.fleet.now, labels=MINER.data["labels"])
    assert seen(fresh, watched) == "undeclared"
    assert watched.store.read(fresh.key).state is None
    watched.fleet.add(fresh)
    watched.sweep(3)
    assert watched.findings() == {}
    watched.sweep(3)
    assert watched.findings() == {"miner": "missing"}


def test_an_old_resource_that_takes_a_label_is_judged_at_once_and_reported_after_the_grace(watched: Watched) -> None:
    assert seen(MINER, watched) == "settling"
    watched.fleet.now += timedelta(hours=1)
    pipeline.promote_settled(watched.deps)
    assert watched.findings() == {}
    watched.fleet.now += timedelta(hours=1)
    pipeline.promote_settled(watched.deps)
    assert watched.findings() == {"miner": "missing"}


def test_a_deletion_within_the_grace_leaves_no_finding(watched: Watched) -> None:
    seen(MINER, watched)
    assert seen(MINER, watched, 1, deleted=True) == "undeclared"
    watched.fleet.now += timedelta(hours=9)
    pipeline.promote_settled(watched.deps)
    assert watched.findings() == {}


def test_a_deletion_ends_the_finding(watched: Watched) -> None:
    seen(MINER, watched)
    watched.fleet.now += timedelta(hours=3)
    pipeline.promote_settled(watched.deps)
    assert seen(MINER, watched, 1, deleted=True) == "resolved"
    finding = watched.store.read(MINER.key).state.finding
    assert finding.reason == "gone"


def test_a_parent_that_a_later_sweep_lists_ends_the_wait(watched: Watched) -> None:
    seen(MINER, watched)
    watched.fleet.add(cluster("ghost", pools=()), MINER)
    watched.sweep(1)
    watched.fleet.now += timedelta(hours=9)
    pipeline.promote_settled(watched.deps)
    assert watched.findings() == {}


def test_the_listing_is_read_once_for_many_messages_and_not_at_all_without_a_claim(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    known = type(watched.store.sweeps).sweeps
    monkeypatch.setattr(type(watched.store.sweeps), "sweeps", lambda self: reads.append("sweeps") or known(self))
    context = pipeline.Context(watched.store, None, watched.deps.dead_letters, None, lambda: watched.fleet.now)
    plain = compute("Instance", "zones/z/instances/plain")
    for resource in (plain, group("web").parent):
        pipeline.handle_observation(resource, context)
    assert reads == []
    for child in cluster("prod").children:
        assert pipeline.handle_observation(child, context) == "undeclared"
    assert reads == ["sweeps"]


def test_what_is_believed_writes_no_record(watched: Watched) -> None:
    for child in (*cluster("prod").children, *group("web").children):
        assert seen(child, watched) == "undeclared"
        assert watched.store.read(child.key).state is None


def test_without_a_sweep_nothing_is_refuted_by_its_parent() -> None:
    watched = Watched(Fleet())
    assert seen(MINER, watched) == "undeclared"


def logged(watched: Watched, by: str, method: str = INSERT) -> LoggedChange:
    change = AuditedChange(principal=by, method=method, requested_at=watched.fleet.now, log_id=f"{by}{method}")
    return LoggedChange(TWIN.key, change)


def test_a_copy_of_a_nodes_labels_is_found_by_who_made_it_in_either_order(watched: Watched) -> None:
    fresh = compute("Instance", "zones/z/instances/twin", watched.fleet.now, labels=TWIN.data["labels"])
    attribute(logged(watched, "mallory@example.com"), Attributor(watched.deps))
    assert seen(fresh, watched) == "opened"
    assert watched.findings() == {"twin": "made_otherwise"}


def test_an_entry_that_comes_after_the_message_counts_with_the_next_sweep(watched: Watched) -> None:
    fresh = compute("Instance", "zones/z/instances/twin", watched.fleet.now, labels=TWIN.data["labels"])
    assert seen(fresh, watched) == "undeclared"
    attribute(logged(watched, "mallory@example.com"), Attributor(watched.deps))
    watched.fleet.add(fresh)
    watched.sweep(6)
    assert watched.findings() == {"twin": "made_otherwise"}
    for _ in range(10):
        watched.sweep(24)
    assert watched.findings() == {"twin": "made_otherwise"}


def test_what_a_finding_says_of_its_claim_is_in_its_event(watched: Watched) -> None:
    seen(MINER, watched)
    watched.fleet.now += timedelta(hours=3)
    pipeline.promote_settled(watched.deps)
    (event,) = [event for event in watched.deps.bus.events if event.subject == MINER.key.name]
    assert event.data.evidence == (
        'says "made by Kubernetes Engine": cluster ghost (label goog-k8s-cluster-name; does not exist)'
    )
