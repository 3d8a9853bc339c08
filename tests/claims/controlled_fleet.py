"""An inventory of what controllers make: clusters, managed groups, Dataflow, Dataproc, Composer and Cloud SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.declarations import apply
from setpoint.detection.pipeline import Context
from setpoint.errors import ScopeDenied
from setpoint.model.declaration import Declaration, Scope, desired
from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.sharding import matches
from setpoint.ports.services import InventoryPage
from setpoint.sweep import SweepResult, sweep

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=30)
ORG = "organizations/566099688680"
NUMBERS = {"shop": "111", "web": "222", "host": "333"}
_LINK = "https://www.googleapis.com/compute/v1"
HASH = "0a1b2c3d"


def asset(asset_type: str, name: str, made: datetime = LONG_AGO, project: str = "shop", **data: Any) -> Observation:
    """A resource of a project; its own time of creation is in its data."""
    service = asset_type.partition("/")[0]
    full = name if name.startswith("//") else f"//{service}/projects/{project}/{name}"
    stamp = made.isoformat().replace("+00:00", "Z")
    known = {"creationTimestamp": stamp} if service == "compute.googleapis.com" else {"createTime": stamp}
    ancestors = (f"projects/{NUMBERS[project]}", "folders/918177713511", ORG)
    body = {"name": full.rpartition("/")[2], **known, **data}
    return Observation(ResourceKey(full), asset_type, made, data=body, ancestors=ancestors)


def compute(kind: str, name: str, made: datetime = LONG_AGO, project: str = "shop", **data: Any) -> Observation:
    return asset(f"compute.googleapis.com/{kind}", name, made, project, **data)


def network_of(project: str) -> str:
    return f"projects/{project}/global/networks/main"


def cut(cluster: str, pool: str) -> str:
    """The names of a cluster and a pool as they are cut together to what a node's name holds."""
    room = 44
    while len(cluster) + len(pool) > room:
        if len(cluster) >= len(pool):
            cluster = cluster[:-1]
        else:
            pool = pool[:-1]
    return f"{cluster}-{pool}"


@dataclass(slots=True)
class Made:
    """What a controller has made.

    Args:
        parent: its own resource.
        children: what it made, as the inventory shows it.
    """

    parent: Observation
    children: list[Observation] = field(default_factory=list)


def cluster(
    name: str,
    made: datetime = LONG_AGO,
    *,
    project: str = "shop",
    host: str = "",
    pools: Sequence[str] = ("default-pool", "spot"),
    place: str = "zones/europe-west1-b",
    autopilot: bool = False,
) -> Made:
    """A cluster of Kubernetes Engine, with all that its controllers make."""
    kind, own = ("gk3" if autopilot else "gke"), name
    location = place.partition("/")[2]
    zone = location if place.startswith("zones/") else f"{location}-b"
    network = network_of(host or project)
    parent = asset(
        "container.googleapis.com/Cluster",
        f"{place if place.startswith('zones/') else f'locations/{location}'}/clusters/{own}",
        made,
        project,
        location=location,
        networkConfig={"network": network},
        autopilot={"enabled": autopilot},
    )
    later = made + timedelta(minutes=6)
    body = own[:25].rstrip("-")
    tag = f"{kind}-{body}-{HASH}-node"
    labels = {"goog-gke-node": "", "goog-k8s-cluster-name": own, "goog-k8s-cluster-location": location}
    link = f"{_LINK}/{network}"
    of_cluster = Made(parent)
    add = of_cluster.children.append
    for suffix in ("all", "vms", "master", "exkubelet", "inkubelet"):
        rule = f"global/firewalls/{kind}-{body}-{HASH}-{suffix}"
        add(compute("Firewall", rule, later, host or project, targetTags=[tag], network=link))
    for pool in pools:
        base = f"{kind}-{cut(own, pool)}-1234abcd"
        add(compute("InstanceTemplate", f"global/instanceTemplates/{base}", made, project, properties={}))
        for collection, type_ in (
            ("instanceGroupManagers", "InstanceGroupManager"),
            ("instanceGroups", "InstanceGroup"),
        ):
            add(compute(type_, f"zones/{zone}/{collection}/{base}-grp", later, project))
        for node in ("x1y2", "z9k3"):
            instance = f"{base}-{node}"
            add(
                compute(
                    "Instance",
                    f"zones/{zone}/instances/{instance}",
                    later,
                    project,
                    labels=labels,
                    tags={"items": [tag]},
                )
            )
            users = [f"{_LINK}/projects/{project}/zones/{zone}/instances/{instance}"]
            image = {"sourceImage": f"{_LINK}/projects/gke-node-images/global/images/cos", "users": users}
            add(compute("Disk", f"zones/{zone}/disks/{instance}", later, project, labels=labels, **image))
    volume = '{"kubernetes.io/created-for/pv/name":"pvc-1","storage.gke.io/created-by":"pd.csi.storage.gke.io"}'
    add(compute("Disk", f"zones/{zone}/disks/pvc-5a1c-{own}", later, project, labels=labels, description=volume))
    add(compute("Disk", f"zones/{zone}/disks/pvc-0000-{own}", later, project, description=volume))
    old = {"goog-gke-volume": ""}
    add(compute("Disk", f"zones/{zone}/disks/pvc-7777-{own}", later, project, labels=old))
    service = '{"kubernetes.io/service-name":"shop/web"}'
    load_balancer = f"a{hashlib.sha256(parent.key.name.encode()).hexdigest()[:31]}"
    region = zone.rpartition("-")[0]
    add(
        compute(
            "ForwardingRule", f"regions/{region}/forwardingRules/{load_balancer}", later, project, description=service
        )
    )
    add(compute("TargetPool", f"regions/{region}/targetPools/{load_balancer}", later, project))
    add(compute("HealthCheck", f"global/healthChecks/k8s2-{load_balancer[1:9]}-shop-web", later, project))
    add(
        compute(
            "BackendService",
            f"global/backendServices/gkegw1-{load_balancer[1:5]}-web",
            later,
            project,
            description=service,
        )
    )
    add(
        compute(
            "Firewall",
            f"global/firewalls/k8s-fw-{load_balancer}",
            later,
            host or project,
            targetTags=[tag],
            network=link,
        )
    )
    add(
        compute(
            "Firewall",
            f"global/firewalls/k8s-fw-l7--{load_balancer[1:17]}",
            later,
            host or project,
            targetTags=[tag],
            network=link,
        )
    )
    add(compute("Route", f"global/routes/{kind}-{body}-{HASH}-9f8e", later, project, description="k8s-node-route"))
    zone_name = f"managedZones/gke-{body}-{HASH}-dns"
    add(asset("dns.googleapis.com/ManagedZone", zone_name, later, project))
    return of_cluster


def group(name: str, made: datetime = LONG_AGO, *, project: str = "shop", place: str = "zones/europe-west1-b") -> Made:
    """A managed instance group with two instances, one of which got a name of its own."""
    zone = place.rpartition("/")[2] if place.startswith("zones/") else f"{place.rpartition('/')[2]}-c"
    parent = compute("InstanceGroupManager", f"{place}/instanceGroupManagers/{name}", made, project)
    says = f"This instance group is controlled by Instance Group Manager '{name}'. To modify instances, use it."
    made_group = Made(
        parent, [compute("InstanceGroup", f"{place}/instanceGroups/{name}", made, project, description=says)]
    )
    value = f"projects/{NUMBERS[project]}/{place}/instanceGroupManagers/{name}"
    metadata = {"items": [{"key": "created-by", "value": value}, {"key": "ssh-keys", "value": "ann:ssh-ed25519 AAAA"}]}
    for instance in (f"{name}-x1y2", f"database-of-{name}"):
        where = f"zones/{zone}/instances/{instance}"
        made_group.children.append(compute("Instance", where, made + timedelta(minutes=2), project, metadata=metadata))
    return made_group


def dataflow(job: str, made: datetime = LONG_AGO, *, project: str = "shop") -> Made:
    """A streaming job of Dataflow, whose workers are made some minutes later."""
    labels = {"goog-dataflow-job-id": job, "goog-dataflow-job-name": "orders"}
    parent = asset("dataflow.googleapis.com/Job", f"locations/europe-west1/jobs/{job}", made, project, id=job)
    name = f"zones/europe-west1-d/instances/orders-01010000-{job[-4:]}-harness-0"
    return Made(parent, [compute("Instance", name, made + timedelta(minutes=4), project, labels=labels)])


def dataproc(name: str, made: datetime = LONG_AGO, *, project: str = "shop") -> Made:
    """A cluster of Dataproc."""
    labels = {
        "goog-dataproc-cluster-name": name,
        "goog-dataproc-cluster-uuid": "5f",
        "goog-dataproc-location": "europe-west1",
    }
    parent = asset("dataproc.googleapis.com/Cluster", f"regions/europe-west1/clusters/{name}", made, project)
    where = "zones/europe-west1-b/instances/"
    nodes = [
        compute("Instance", f"{where}{name}-{node}", made + timedelta(minutes=1), project, labels=labels)
        for node in ("m", "w-0")
    ]
    return Made(parent, nodes)


def composer(name: str, made: datetime = LONG_AGO, *, project: str = "shop") -> Made:
    """An environment of Composer; its bucket and topics are made before the environment itself can be listed."""
    labels = {
        "goog-composer-environment": name,
        "goog-composer-location": "europe-west1",
        "goog-composer-version": "composer-2",
    }
    where = f"locations/europe-west1/environments/{name}"
    parent = asset("composer.googleapis.com/Environment", where, made + timedelta(minutes=25), project)
    bucket = f"//storage.googleapis.com/europe-west1-{name}-1a2b-bucket"
    made_env = Made(parent, [asset("storage.googleapis.com/Bucket", bucket, made, project, labels=labels)])
    topic = asset("pubsub.googleapis.com/Topic", f"topics/europe-west1-{name}-1a2b", made, project, labels=labels)
    made_env.children.append(topic)
    return made_env


def cloud_sql(name: str, project: str = "shop") -> Made:
    """An instance of Cloud SQL with a private address, and the route of its peering."""
    parent = asset("sqladmin.googleapis.com/Instance", f"instances/{name}", project=project)
    route = compute("Route", f"global/routes/peering-route-{name}", project=project, nextHopPeering="servicenetworking")
    return Made(parent, [route])


@dataclass
class Fleet:
    """An inventory of resources by name, at a time.

    Args:
        now: the time of a listing.
        resources: what it shows.
        types: the types that it shows; None for all.
        denied: scopes that deny access.
        page: resources of a page.
    """

    now: datetime = NOON
    resources: dict[str, Observation] = field(default_factory=dict)
    types: frozenset[str] | None = None
    denied: frozenset[str] = frozenset()
    page: int = 7

    def add(self, *made: Made | Observation) -> Fleet:
        for part in made:
            seen = (part.parent, *part.children) if isinstance(part, Made) else (part,)
            self.resources.update((resource.key.name, resource) for resource in seen)
        return self

    def drop(self, *names: str) -> None:
        for name in names:
            del self.resources[name]

    def lists(self, asset_type: str) -> bool:
        return self.types is None or asset_type in self.types

    def pages(
        self, scope: str, content: Content, asset_types: Sequence[str] = (), *, page_token: str = ""
    ) -> Iterator[InventoryPage]:
        if scope in self.denied:
            raise ScopeDenied(scope, "may not be listed")
        listed = [
            seen
            for name, seen in sorted(self.resources.items())
            if content == "resource"
            and self.lists(seen.asset_type)
            and matches(asset_types, seen.asset_type)
            and scope in (*seen.ancestors, f"projects/{_project_of(seen)}")
        ]
        for start in range(int(page_token or 0), max(len(listed), 1), self.page):
            after = start + self.page
            yield InventoryPage(listed[start:after], str(after) if after < len(listed) else "", self.now)


def _project_of(seen: Observation) -> str:
    return next(project for project, number in NUMBERS.items() if seen.ancestors[0] == f"projects/{number}")


TYPES = (
    "compute.googleapis.com/*",
    "container.googleapis.com/NodePool",
    "dns.googleapis.com/*",
    "pubsub.googleapis.com/*",
    "storage.googleapis.com/*",
)
ALL = Scope("all", (), TYPES, ancestors=(ORG,))


class Watched:
    """A fleet that Setpoint sweeps.

    Args:
        fleet: the inventory.
        declared: what is declared.
        scopes: what is fully declared.
    """

    def __init__(self, fleet: Fleet, declared: Iterable[Observation] = (), scopes: tuple[Scope, ...] = (ALL,)) -> None:
        self.fleet = fleet
        self.store = MemoryStore()
        self.deps = Context(self.store, MemoryBus(), MemoryDeadLetters(), None, lambda: fleet.now)
        wanted = [desired((Declaration(seen.key, seen.asset_type, {}),)) for seen in declared]
        apply.declare(self.store, wanted, scopes, LONG_AGO)

    def sweep(self, hours: float = 0, scopes: Sequence[str] = (ORG,)) -> SweepResult:
        """Sweep after so many hours."""
        self.fleet.now += timedelta(hours=hours)
        return sweep(scopes, ["resource"], (), self.fleet, self.deps)

    def findings(self) -> dict[str, str]:
        """The open findings, with what their claims come to."""
        return {
            state.key.name.rpartition("/")[2]: state.finding.claim.proof if state.finding.claim is not None else ""
            for state in self.store.states(drifted=True)
            if state.finding is not None and state.finding.status == "open"
        }


def names(made: Iterable[Observation]) -> set[str]:
    return {resource.key.name.rpartition("/")[2] for resource in made}


def moved(seen: Observation, project: str) -> Observation:
    """The same resource in another project."""
    old = _project_of(seen)
    name = seen.key.name.replace(f"/projects/{old}/", f"/projects/{project}/")
    ancestors = (f"projects/{NUMBERS[project]}", *seen.ancestors[1:])
    return replace(seen, key=ResourceKey(name), ancestors=ancestors)
