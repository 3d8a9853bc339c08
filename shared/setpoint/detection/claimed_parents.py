"""Which parent a resource claims, by its labels, its name or what a controller writes in it.

Names of Kubernetes Engine hold the beginning of the cluster's name, since they are cut to the limit of the API.
Sources: https://cloud.google.com/kubernetes-engine/docs/concepts/firewall-rules,
https://cloud.google.com/kubernetes-engine/docs/how-to/creating-managing-labels,
https://cloud.google.com/compute/docs/instance-groups/getting-info-about-migs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial

from setpoint.catalog.shown_fields import is_random
from setpoint.detection import parent_types
from setpoint.detection.auto_created_conditions import Asset, created_by
from setpoint.detection.parent_types import ClaimedParent
from setpoint.model.controller_claims import Parent
from setpoint.model.labels import labels_of
from setpoint.model.resource_key import project_of, segment_after

Claims = Callable[[Asset], ClaimedParent | None]
"""The parent that an asset claims; None if no listing could show it."""

_BODY = re.compile(r"gk[e3]-(.+)-[0-9a-f]{8}(?:-.*)?")
_POOL = re.compile(r"gk[e3]-(.+)")
_KEPT_AFTER_CLUSTER = ("/snapshots/", "/images/", "/machineImages/")
"""Copies of volumes, which are kept on purpose when their cluster is deleted."""


def claims_nothing(asset: Asset) -> ClaimedParent | None:
    """No parent, for rules that rest on more than a claim."""
    del asset
    return None


def of_cluster(asset: Asset) -> ClaimedParent | None:
    """The cluster that made a resource with a label of Kubernetes Engine: by its label, else by the resource's name."""
    if any(collection in asset.name for collection in _KEPT_AFTER_CLUSTER):
        return None
    labels = labels_of(asset.data)
    name = labels.get("goog-k8s-cluster-name", "")
    if name:
        location = labels.get("goog-k8s-cluster-location", "")
        fits = partial(_is_located_in, location)
        return _exactly("label goog-k8s-cluster-name", parent_types.CLUSTER, name, fits)
    if _POOL.fullmatch(asset.own):
        return of_node_pool(asset)
    return any_cluster(f"label {_first(labels, ('goog-gke-', 'goog-k8s-'))}")(asset)


def of_node_pool(asset: Asset) -> ClaimedParent | None:
    """The cluster whose name is at the beginning of a name: ``gke-CLUSTER-POOL-HASH``, each part maybe cut."""
    match = _POOL.fullmatch(asset.own)
    if match is None:
        return None
    fits = partial(_begins_with_cluster, match[1])
    looked_for = "cluster with a name that this one begins with"
    return ClaimedParent(
        "name", (parent_types.CLUSTER,), fits=fits, looked_for=looked_for, beginnings=_beginnings({match[1]})
    )


def of_nodes(asset: Asset) -> ClaimedParent | None:
    """The cluster whose nodes a firewall rule is for: by its target tags ``gke-CLUSTER-HASH-node``."""
    tags = asset.data.get("targetTags")
    if not isinstance(tags, list) or not tags:
        return None
    bodies = {match[1] for tag in tags if isinstance(tag, str) and (match := _BODY.fullmatch(tag)) is not None}
    return _shared("target tag", bodies)


def of_route(asset: Asset) -> ClaimedParent | None:
    """The cluster that a route leads to a node of."""
    match = _BODY.fullmatch(asset.own)
    if match is None:
        return ClaimedParent("description, which names no cluster", (parent_types.CLUSTER,), is_shared=True)
    return _shared("name", {match[1]})


def of_dns(asset: Asset) -> ClaimedParent | None:
    """The cluster of a DNS zone or response policy: ``gke-CLUSTER-HASH-dns``."""
    holder = segment_after(asset.name, "managedZones") or segment_after(asset.name, "responsePolicies")
    match = _BODY.fullmatch(holder)
    if match is None:
        return None
    return _shared("name", {match[1]})


def any_cluster(evidence: str = "") -> Claims:
    """Any cluster, or fleet of clusters, of the project: what a Service, Ingress, Gateway or volume names none of."""

    def claims(asset: Asset) -> ClaimedParent | None:
        source = evidence or ("description" if asset.text("description").lstrip().startswith("{") else "name")
        types = (parent_types.CLUSTER, parent_types.MEMBERSHIP, parent_types.FEATURE)
        return ClaimedParent(f"{source}, which names no cluster", types, looked_for="a cluster")

    return claims


def labelled(key: str, asset_type: str, location: str = "") -> Claims:
    """The parent whose name is the value of a label, at the location in another label."""

    def claims(asset: Asset) -> ClaimedParent | None:
        labels = labels_of(asset.data)
        name = labels.get(key, "")
        if not name:
            prefix = "-".join(key.split("-")[:2])
            known = _first(labels, (f"{prefix}-",))
            word = parent_types.WORDS[asset_type]
            return ClaimedParent(f"label {known}, which names no {word}", (asset_type,), looked_for=f"a {word}")
        return _exactly(f"label {key}", asset_type, name, partial(_is_located_in, labels.get(location, "")))

    return claims


def of_job(asset: Asset) -> ClaimedParent | None:
    """The Dataflow job with the id of a label."""
    job = labels_of(asset.data).get("goog-dataflow-job-id", "")
    if not job:
        return labelled("goog-dataflow-job-id", parent_types.DATAFLOW)(asset)
    return ClaimedParent("label goog-dataflow-job-id", (parent_types.DATAFLOW,), fits=partial(_has_id, job))


def of_service(asset: Asset) -> ClaimedParent | None:
    """Any function of the project, for what is managed by Cloud Functions; other services are not checked."""
    if labels_of(asset.data).get("goog-managed-by") != "cloudfunctions":
        return None
    return ClaimedParent(
        "label goog-managed-by, which names no function", (parent_types.FUNCTION,), looked_for="a function"
    )


def of_group_manager(asset: Asset) -> ClaimedParent | None:
    """The managed instance group in the metadata ``created-by`` of an instance, which may be no other project's."""
    values = created_by(asset)
    path = f"/{values[0]}" if values and isinstance(values[0], str) else ""
    own, project = path.rpartition("/")[2], project_of(path)
    place = segment_after(path, "zones") or segment_after(path, "regions")
    if not own or not place:
        return None

    def fits(parent: Parent) -> bool:
        numbers = [ancestor.removeprefix("projects/") for ancestor in parent.ancestors[:1]]
        is_unknown = not numbers and project.isdigit()  # a file without ancestors; both are of one project
        return (is_unknown or project in (project_of(parent.name), *numbers)) and _is_located_in(place, parent)

    return _exactly("metadata created-by", parent_types.GROUP_MANAGER, own, fits)


def of_own_manager(asset: Asset) -> ClaimedParent | None:
    """The managed instance group of an instance group, which has its name and its place."""
    place = segment_after(asset.name, "zones") or segment_after(asset.name, "regions")
    return _exactly("description", parent_types.GROUP_MANAGER, asset.own, partial(_is_located_in, place))


def _shared(evidence: str, bodies: set[str]) -> ClaimedParent:
    """A cluster with one of these names, maybe cut, in this project or in one that uses its network."""
    fits = partial(_is_one_of, bodies)
    looked_for = _parent_text(parent_types.CLUSTER, next(iter(bodies))) if len(bodies) == 1 else ""
    types, begun = (parent_types.CLUSTER,), _beginnings(bodies)
    return ClaimedParent(evidence, types, fits=fits, is_shared=True, looked_for=looked_for, beginnings=begun)


def _beginnings(bodies: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(body[:length] for body in bodies for length in range(1, parent_types.PREFIX + 1)))


def _exactly(evidence: str, asset_type: str, own: str, fits: Callable[[Parent], bool]) -> ClaimedParent:
    return ClaimedParent(evidence, (asset_type,), own, fits, looked_for=_parent_text(asset_type, own))


def _parent_text(asset_type: str, own: str) -> str:
    """A parent by its type and name, if that is a plain name; the text of a forged one is not trusted."""
    word = parent_types.WORDS[asset_type]
    return f"{word} {own}" if _SHOWN.fullmatch(own) and not is_random(own) else f"{word} of that name"


def _first(labels: Iterable[str], prefixes: tuple[str, ...]) -> str:
    """The first label with one of these prefixes, as far as it is a label of Google's."""
    known = (label for label in labels if label.startswith(prefixes))
    return next((label for label in known if _SHOWN.fullmatch(label) and not is_random(label)), f"{prefixes[0]}…")


_SHOWN = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")


def _is_located_in(place: str, parent: Parent) -> bool:
    """Whether a parent is at a location; any where the claim names none."""
    locations = ("zones", "regions", "locations")
    return not place or place in {segment_after(parent.name, collection) for collection in locations}


def _has_id(job: str, parent: Parent) -> bool:
    return job in (parent.facts.get(parent_types.JOB), parent.own)


def _is_one_of(bodies: set[str], parent: Parent) -> bool:
    """Whether a cluster has one of these names, or a longer one that was cut."""
    return any(body == parent.own or _is_cut(body, parent.own) for body in bodies)


def _is_cut(body: str, own: str) -> bool:
    return len(body) >= parent_types.PREFIX and own.startswith(body)


def _begins_with_cluster(body: str, parent: Parent) -> bool:
    """Whether a name begins with a cluster's name, or with the beginning of it and a hyphen."""
    own = parent.own
    if body.startswith(f"{own}-"):
        return True
    same = next((place for place, (first, other) in enumerate(zip(body, own, strict=False)) if first != other), None)
    shared = min(len(body), len(own)) if same is None else same
    cuts = (cut for cut in range(shared, parent_types.PREFIX - 1, -1) if body[cut : cut + 1] == "-")
    return any(_is_cut(body[:cut], own) for cut in cuts)
