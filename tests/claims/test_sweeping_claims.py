"""What a sweep believes of resources that look like a controller's, and what becomes of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from claims.controlled_fleet import (
    ALL,
    NOON,
    Fleet,
    Watched,
    asset,
    cloud_sql,
    cluster,
    composer,
    compute,
    dataflow,
    dataproc,
    group,
    moved,
    names,
)
from setpoint.ports.services import InventoryPage
from setpoint.sweep import SweepResult

PARENTS = {
    "cluster": cluster("prod"),
    "long names": cluster(
        "a-very-long-cluster-name-of-forty-letters", pools=("a-pool-with-a-very-long-name-of-its-own",)
    ),
    "regional": cluster("eu", place="regions/europe-west1"),
    "autopilot": cluster("auto-1", place="regions/europe-west1", autopilot=True),
    "shared": cluster("web-1", project="web", host="host"),
    "group": group("web"),
    "regional group": group("api", place="regions/europe-west1"),
    "dataflow": dataflow("2026-03-01_04_00_00-1234567890123456789"),
    "dataproc": dataproc("etl"),
    "composer": composer("air"),
}
HOST = compute("Project", "//compute.googleapis.com/projects/host", project="host", xpnProjectStatus="HOST")
HOST_OFF = compute(
    "Project", "//compute.googleapis.com/projects/shop", xpnProjectStatus="UNSPECIFIED_XPN_PROJECT_STATUS"
)


MADE = list(PARENTS.values())
DECLARED = [made.parent for made in MADE if made.parent.asset_type.startswith("compute.")]
ROUTES = cloud_sql("orders").children


def whole(**how: Any) -> Fleet:
    return Fleet(**how).add(*MADE, *ROUTES, HOST)


def watching(fleet: Fleet, **how: Any) -> Watched:
    return Watched(fleet, DECLARED, **how)


def proofs(swept: SweepResult) -> Counter[str]:
    counts: Counter[str] = Counter()
    for entry in swept.summary.unreported:
        counts[entry.claim.proof] += entry.count
    return counts


def test_what_controllers_made_is_no_finding_however_often_it_is_swept() -> None:
    watched = watching(whole())
    children = {child.key.name for made in MADE for child in made.children}
    for hours in (0, 1, 3, 24):
        swept = watched.sweep(hours)
        assert watched.findings() == {}
        assert swept.outcomes["settling"] == 0
        assert proofs(swept) == {"exists": len(children)}


def test_a_fleet_that_is_listed_the_moment_it_is_made_raises_no_alarm() -> None:
    now = NOON - timedelta(minutes=1)
    fresh = [
        cluster("prod", now),
        group("web", now),
        dataflow("job-1", now),
        dataproc("etl", now),
        composer("air", now),
    ]
    fleet = Fleet().add(*(child for made in fresh for child in made.children))
    watched = Watched(fleet)
    watched.sweep()
    assert proofs(watched.sweep(1)).keys() == {"unchecked"}
    assert watched.findings() == {}
    fleet.add(*fresh)
    watched = Watched(fleet, [fresh[1].parent])
    for hours in (0, 1, 3, 24):
        watched.sweep(hours)
        assert watched.findings() == {}


@pytest.mark.parametrize("which", PARENTS)
def test_children_are_findings_some_time_after_their_parent_is_gone(which: str) -> None:
    made = PARENTS[which]
    fleet = Fleet().add(made, HOST, HOST_OFF)
    watched = Watched(fleet)
    watched.sweep()
    before = watched.findings()
    fleet.drop(made.parent.key.name)
    for hours in (24, 1):
        swept = watched.sweep(hours)
        assert watched.findings().keys() <= before.keys()
    assert proofs(swept)["missing"] or swept.outcomes["repeated"]
    watched.sweep(2)
    after = watched.findings()
    assert after.keys() == names(made.children)
    assert set(after.values()) == {"missing"}


def test_a_parent_that_comes_back_ends_the_findings_of_its_children() -> None:
    made = cluster("prod")
    fleet = Fleet().add(*made.children)
    watched = Watched(fleet)
    watched.sweep()
    watched.sweep(3)
    assert watched.findings()
    fleet.add(made)
    watched.sweep(1)
    assert watched.findings() == {}
    reasons = {state.finding.reason for state in watched.store.states(drifted=True) if state.finding is not None}
    assert reasons == {"needs no declaration"}


TAG = {"targetTags": ["gke-ghost-0a1b2c3d-node"]}
WEB = "projects/111/zones/europe-west1-b/instanceGroupManagers/"


def metadata_of(value: str) -> dict[str, Any]:
    return {"metadata": {"items": [{"key": "created-by", "value": value}]}}


FORGED = {
    "name of a rule": compute("Firewall", "global/firewalls/k8s-fw-x", **TAG),
    "rule of a cluster": compute("Firewall", "global/firewalls/gke-ghost-0a1b2c3d-all", **TAG),
    "almost a cluster": compute(
        "Firewall", "global/firewalls/gke-prod2-0a1b2c3d-all", targetTags=["gke-prod2-0a1b2c3d-node"]
    ),
    "template": compute("InstanceTemplate", "global/instanceTemplates/gke-prodigy-pool-0a1b2c3d"),
    "label": compute("Instance", "zones/z/instances/miner", labels={"goog-k8s-cluster-name": "ghost"}),
    "label with another place": compute(
        "Instance",
        "zones/z/instances/miner",
        labels={"goog-k8s-cluster-name": "prod", "goog-k8s-cluster-location": "asia-east1"},
    ),
    "node by name": compute("Instance", "zones/z/instances/gke-ghost-pool-0a1b2c3d-x", labels={"goog-gke-node": ""}),
    "group of nobody": compute("Instance", "zones/z/instances/miner", **metadata_of(f"{WEB}ghost")),
    "group of another zone": compute(
        "Instance", "zones/z/instances/miner", **metadata_of("projects/111/zones/us-east1-b/instanceGroupManagers/web")
    ),
    "group of another project": compute(
        "Instance",
        "zones/z/instances/miner",
        **metadata_of("projects/222/zones/europe-west1-b/instanceGroupManagers/web"),
    ),
    "controlled group": compute(
        "InstanceGroup",
        "zones/europe-west1-b/instanceGroups/ghost",
        description="This instance group is controlled by Instance Group Manager 'web'.",
    ),
    "job": compute("Instance", "zones/z/instances/miner", labels={"goog-dataflow-job-id": "ghost"}),
    "dataproc": compute("Instance", "zones/z/instances/miner", labels={"goog-dataproc-cluster-name": "ghost"}),
    "composer": compute("Disk", "zones/z/disks/loot", labels={"goog-composer-environment": "ghost"}),
    "route": compute("Route", "global/routes/gke-ghost-0a1b2c3d-9f8e", description="k8s-node-route"),
    "zone": asset("dns.googleapis.com/ManagedZone", "managedZones/gke-ghost-0a1b2c3d-dns"),
    "load balancer in a project without a cluster": compute(
        "ForwardingRule", "global/forwardingRules/k8s2-fr-x", project="host", description='{"kubernetes.io/x":"y"}'
    ),
    "volume in a project without a cluster": compute(
        "Disk", "zones/z/disks/pvc-1", project="host", description='{"kubernetes.io/created-for/pv/name":"x"}'
    ),
}


@pytest.mark.parametrize("which", FORGED)
def test_what_looks_like_a_controllers_and_has_no_parent_is_a_finding(which: str) -> None:
    forged = FORGED[which]
    watched = watching(whole().add(forged, HOST_OFF))
    swept = watched.sweep()
    assert (swept.outcomes["settling"], proofs(swept)["missing"]) == (1, 1)
    watched.sweep(1)
    own = forged.key.name.rpartition("/")[2]
    assert own not in watched.findings()
    watched.sweep(2)
    assert watched.findings().get(own) == "missing"
    assert set(watched.findings()) == {own}


def test_a_cluster_of_another_project_is_no_parent() -> None:
    made = cluster("prod", project="web", pools=("pool",))
    copies = [moved(child, "host") for child in made.children if "/firewalls/" not in child.key.name]
    watched = Watched(Fleet().add(made, *copies))
    watched.sweep()
    watched.sweep(3)
    assert set(watched.findings()) == names(copies)
    assert all("/projects/host/" in state.key.name for state in watched.store.states(drifted=True))


def test_rules_in_a_host_project_are_of_the_clusters_that_use_its_networks() -> None:
    made = cluster("web-1", project="web", host="host")
    stranger = cluster("lone", project="shop")
    strange = [moved(child, "host") for child in stranger.children if "/firewalls/gke-" in child.key.name]
    watched = Watched(Fleet().add(made, stranger, HOST, *strange))
    watched.sweep()
    watched.sweep(3)
    assert set(watched.findings()) == names(strange)


def test_a_host_project_that_is_swept_alone_shows_no_clusters_of_others_and_raises_no_alarm() -> None:
    made = cluster("web-1", project="web", host="host")
    watched = Watched(Fleet().add(made, HOST, asset("container.googleapis.com/Cluster", "x", project="host")))
    for hours in (0, 3, 24):
        swept = watched.sweep(hours, ["projects/host"])
        assert watched.findings() == {}
    assert proofs(swept) == {"unchecked": 7}


@pytest.mark.parametrize("how", ["denied", "without types", "folder of others"])
def test_where_parents_cannot_be_listed_claims_are_believed_and_said_to_be_unchecked(how: str) -> None:
    fleet = whole()
    for made in MADE:
        fleet.drop(made.parent.key.name)
    if how == "without types":
        fleet.types = frozenset(seen.asset_type for seen in fleet.resources.values()) - {HOST.asset_type}
    if how == "denied":
        fleet.denied = frozenset(("projects/web",))
    watched = watching(fleet)
    scopes = {"denied": ["projects/web", "projects/host"], "folder of others": ["projects/host"]}.get(
        how, ["projects/shop"]
    )
    for hours in (0, 3, 24):
        watched.sweep(hours, scopes)
    shown = {name for name, proof in watched.findings().items() if proof}
    assert not any(name.startswith(("web-1", "gke-web-1")) for name in shown)
    if how == "without types":
        assert not any("gke-" in name for name in shown)


def test_a_deleted_child_of_a_deleted_parent_is_no_finding() -> None:
    made = cluster("prod")
    fleet = Fleet().add(made)
    watched = Watched(fleet)
    watched.sweep()
    fleet.drop(made.parent.key.name)
    watched.sweep(24)
    fleet.drop(*(child.key.name for child in made.children))
    fleet.add(cluster("other"))
    watched.sweep(3)
    assert watched.findings() == {}


def test_a_resource_that_is_touched_before_each_sweep_hides_for_no_longer() -> None:
    forged = FORGED["label"]
    fleet = whole().add(forged)
    watched = watching(fleet)
    for _ in range(3):
        fleet.add(replace(forged, observed_at=fleet.now + timedelta(hours=3) - timedelta(minutes=1)))
        watched.sweep(3)
    assert watched.findings() == {"miner": "missing"}


def test_a_strict_scope_reports_what_controllers_made_too() -> None:
    strict = replace(ALL, strict=True)
    watched = Watched(Fleet().add(cluster("prod", pools=())), scopes=(strict,))
    watched.sweep()
    assert set(watched.findings()) == names(cluster("prod", pools=()).children)


class Bare(Fleet):
    """Files that hold one project, without ancestors."""

    def pages(
        self, scope: str, content: Any, asset_types: Any = (), *, page_token: str = ""
    ) -> Iterator[InventoryPage]:
        for page in super().pages(scope, content, asset_types, page_token=page_token):
            yield page._replace(observations=[replace(seen, ancestors=()) for seen in page.observations])


def test_a_file_without_ancestors_raises_no_alarm() -> None:
    watched = watching(Bare(resources=whole().resources), scopes=(replace(ALL, projects=("shop",), ancestors=()),))
    for hours in (0, 3, 24):
        swept = watched.sweep(hours, ["projects/shop"])
        assert watched.findings() == {}
    assert proofs(swept).keys() == {"exists"}
