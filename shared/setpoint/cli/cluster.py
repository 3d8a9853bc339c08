"""``setpoint apply --cluster``: declarations from the API server of a cluster, and Events about their drift to it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from setpoint.bootstrap.clusters import open_cluster
from setpoint.cli.output import print_load_result, print_status, print_warning
from setpoint.declarations import clusters
from setpoint.declarations.clusters import ClusterObjects
from setpoint.declarations.readers.load import LoadResult
from setpoint.errors import AccessDenied, BadRequest, Unavailable
from setpoint.ports.clusters import Cluster
from setpoint.ports.stores import Problems, Store


class ClusterOptions(NamedTuple):
    """Where declarations are read from in place of files.

    Args:
        is_asked: whether a cluster is meant.
        context: the context of the kubeconfig; the current one where empty.
        is_reported: whether drift is written back as Events.
    """

    is_asked: bool = False
    context: str = ""
    is_reported: bool = False


class LoadedCluster(NamedTuple):
    """What a cluster declares, and the way back to its objects."""

    cluster: Cluster
    objects: ClusterObjects
    loaded: LoadResult

    def report(self, store: Store, now: datetime) -> None:
        """Write an Event on each object whose finding is open; one that may not be written hinders no other."""
        problems: Problems = []
        denied: dict[str, str] = {}
        count = 0
        for event in clusters.events(store.states(drifted=True, problems=problems), self.objects, now):
            try:
                self.cluster.record(event)
            except (AccessDenied, BadRequest, Unavailable) as error:
                denied[event.about.namespace] = str(error)
            else:
                count += 1
        for reason in denied.values():
            print_warning(reason, "not reported")
        print_status(f"{count} Events of drift written to the cluster")


def checked(paths: list[str] | None, options: ClusterOptions) -> list[str]:
    """The files that are meant; none where a cluster is.

    Raises:
        BadRequest: both or none are meant, or an option goes with a cluster alone.
    """
    if options.is_asked and paths:
        raise BadRequest("use PATH… or --cluster, not both")
    if not options.is_asked and (options.context or options.is_reported):
        raise BadRequest("--context and --report-to-cluster need --cluster")
    if not options.is_asked and not paths:
        raise BadRequest("give PATH…, or --cluster for the objects of a cluster")
    return paths or []


def load(options: ClusterOptions, namespace: str) -> LoadedCluster:
    """Read what the Config Connector objects of a cluster declare, and report what is wrong."""
    cluster = open_cluster(options.context)
    loaded, objects = clusters.load(cluster, namespace)
    print_load_result(loaded)
    return LoadedCluster(cluster, objects, loaded)
