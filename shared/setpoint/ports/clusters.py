"""The port of a Kubernetes cluster: read its Config Connector objects, and write Events, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class ClusterKind(NamedTuple):
    """A kind of object that the cluster serves.

    Args:
        group: its API group, ``storage.cnrm.cloud.google.com``.
        version: the version that the server prefers, ``v1beta1``.
        plural: its name in paths, ``storagebuckets``.
        kind: ``StorageBucket``.
    """

    group: str
    version: str
    plural: str
    kind: str

    @property
    def is_setting(self) -> bool:
        """Whether it is one of Config Connector's own settings: useful, and nothing is missing without them."""
        return self.group == "core.cnrm.cloud.google.com"


class ObjectRef(NamedTuple):
    """An object of the cluster, as an Event refers to it."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


class ClusterEvent(NamedTuple):
    """An Event on an object.

    Args:
        about: the object.
        name: the name of the Event; the same for the same drift.
        reason: one word, ``Drifted``.
        message: what people read; up to 1,024 characters.
        first_seen: when it began.
        last_seen: when it was last true.
    """

    about: ObjectRef
    name: str
    reason: str
    message: str
    first_seen: datetime
    last_seen: datetime


class Cluster(Protocol):
    """The API server of a cluster; every method raises ``Unavailable`` where it does not answer."""

    def kinds(self) -> Sequence[ClusterKind]:
        """The kinds of Config Connector that are installed, its own settings included.

        Raises:
            BadRequest: the credentials are not accepted.
        """

    def namespaces(self) -> Sequence[Mapping[str, Any]]:
        """All ``Namespace`` objects.

        Raises:
            AccessDenied: they may not be listed.
        """

    def pages(self, kind: ClusterKind, namespace: str = "") -> Iterator[Sequence[Mapping[str, Any]]]:
        """All objects of a kind, a page at a time.

        Args:
            kind: the kind.
            namespace: only there; everywhere where empty.

        Raises:
            AccessDenied: they may not be listed there.
            TokenExpired: the listing took too long, start it again: pages before are no longer true.
        """

    def record(self, event: ClusterEvent) -> None:
        """Write an Event; if it exists already, update its time.

        Raises:
            AccessDenied: Events may not be written there.
        """
