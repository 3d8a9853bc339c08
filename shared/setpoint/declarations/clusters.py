"""Read declarations from the objects of a cluster, and write findings as Events about them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from setpoint.declarations.readers import krm_settings
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.load import LoadResult, load_documents
from setpoint.detection import actor_resolution
from setpoint.errors import AccessDenied, BadRequest, TokenExpired
from setpoint.model.resource_state import ResourceState
from setpoint.ports.clusters import Cluster, ClusterEvent, ClusterKind, ObjectRef
from setpoint.util.json_values import as_object

REASON = "Drifted"
_TRIES = 4
_MAX_PATHS = 12
_LONGEST = 1_000
"""Maximum length of an Event's message; Kubernetes allows 1,024 characters."""


@dataclass(slots=True)
class ClusterObjects:
    """The listed objects of a cluster.

    Args:
        refs: the objects by the file name of their declarations: ``NAMESPACE/KIND/NAME``.
        unlisted: kinds that could not be listed, with the reason; if there are any, nothing is removed.
    """

    refs: dict[str, ObjectRef] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)


def load(cluster: Cluster, namespace: str = "") -> tuple[LoadResult, ClusterObjects]:
    """Load the declarations of a cluster's Config Connector objects.

    Args:
        cluster: the API server.
        namespace: restricts the objects to a namespace; empty for all.

    Raises:
        BadRequest: no object may be listed, or Config Connector is not installed.
        Unavailable: the API server does not answer; try again.
    """
    objects = ClusterObjects()
    kinds = cluster.kinds()
    if all(kind.is_setting for kind in kinds):
        raise BadRequest("the cluster serves no kind of Config Connector; check --context")
    resources = [kind for kind in kinds if not kind.is_setting]
    settings = _settings(cluster, [kind for kind in kinds if kind.is_setting], namespace)
    loaded = load_documents(chain(settings, _documents(cluster, resources, namespace, objects)))
    if objects.unlisted:
        loaded.problems += (Problem("cluster", 0, "", reason, category="not-listed") for reason in objects.unlisted)
        loaded.prune_protection = loaded.prune_protection._replace(everything=True)
    return loaded, objects


def _settings(cluster: Cluster, kinds: Iterable[ClusterKind], namespace: str) -> Iterator[Document | Problem]:
    """Config Connector's own settings; a warning where they may not be listed, since nothing depends on them."""
    for kind in kinds:
        # The settings of the whole cluster are in no namespace.
        place = "" if kind.kind == "ConfigConnector" else namespace
        try:
            yield from map(_document, _listed(cluster, kind, place))
        except AccessDenied as error:
            yield Problem("cluster", 0, "", f"its settings are unknown: {error}", kind.kind, krm_settings.CATEGORY)


def _documents(
    cluster: Cluster, kinds: Sequence[ClusterKind], namespace: str, objects: ClusterObjects
) -> Iterator[Document]:
    try:
        namespaces = list(cluster.namespaces())
    except AccessDenied:
        namespaces = []  # the objects name their project themselves, or by the namespace's name
    yield from map(_document, namespaces)
    names = [str(_metadata(value).get("name")) for value in namespaces]
    for kind in kinds:
        for value in _of_kind(cluster, kind, namespace, names, objects):
            document = _document(value)
            metadata = _metadata(value)
            objects.refs[document.file] = ObjectRef(
                str(value.get("apiVersion")),
                str(value.get("kind")),
                str(metadata.get("namespace", "")),
                str(metadata.get("name")),
                str(metadata.get("uid", "")),
            )
            yield document


def _of_kind(
    cluster: Cluster, kind: ClusterKind, namespace: str, namespaces: Iterable[str], objects: ClusterObjects
) -> Iterator[Mapping[str, Any]]:
    """All objects of a kind; listed by namespace if listing the cluster is denied.

    A kind that the server no longer knows may have gone with its objects, or be back soon: nothing is removed for it.
    """
    try:
        yield from _listed(cluster, kind, namespace)
    except AccessDenied as error:
        names = [] if namespace else list(namespaces)
        if not names:
            objects.unlisted.append(str(error))
        for name in names:
            try:
                yield from _listed(cluster, kind, name)
            except AccessDenied as denied:
                objects.unlisted.append(f"namespace {name}: {denied}")
    except BadRequest as error:
        objects.unlisted.append(str(error))


def _listed(cluster: Cluster, kind: ClusterKind, namespace: str) -> list[Mapping[str, Any]]:
    """The objects of one complete listing; restarted after its token expired, so that no partial listing is used."""
    for tries in range(1, _TRIES + 1):
        try:
            return [value for page in cluster.pages(kind, namespace) for value in page]
        except TokenExpired:
            if tries == _TRIES:
                raise
    return []


def _document(value: Mapping[str, Any]) -> Document:
    metadata = {name: part for name, part in _metadata(value).items() if name != "managedFields"}
    place = "/".join(str(part) for part in (metadata.get("namespace"), value.get("kind"), metadata.get("name")) if part)
    bare = {**value, "metadata": metadata}
    return Document(f"cluster/{place}", 1, 0, bare, json.dumps(bare), 1)


def _metadata(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return as_object(value.get("metadata"))


def events(states: Iterable[ResourceState], objects: ClusterObjects, now: datetime) -> Iterator[ClusterEvent]:
    """Create an Event for each open finding about an object of the cluster.

    Args:
        states: records with a finding.
        objects: the listed objects.
        now: the current time.
    """
    for state in states:
        finding = state.finding
        about = objects.refs.get(finding.source.file) if finding is not None else None
        if finding is not None and about is not None and state.is_open and about.namespace:
            name = f"{about.name[:200]}.{finding.fingerprint}"
            yield ClusterEvent(about, name, REASON, _message(state), finding.first_seen, now)


def _message(state: ResourceState) -> str:
    """The paths of the differences, and the actor."""
    finding = state.finding
    assert finding is not None  # noqa: S101 - callers check this; the assertion is for the type checker
    if finding.kind == "deleted":
        text = "the resource is deleted"
    else:
        paths = [difference.declared_path or difference.path for difference in finding.differences[:_MAX_PATHS]]
        more = finding.difference_count - len(paths)
        text = f"differs in {', '.join(paths)}{f' and {more} more' if more > 0 else ''}"
    who = actor_resolution.describe(finding.actor)
    return f"{finding.severity}: {text}{f'; changed by {who}' if who else ''}"[:_LONGEST]
