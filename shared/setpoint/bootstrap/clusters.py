"""The Kubernetes cluster to read declarations from."""

from __future__ import annotations

from setpoint.errors import BadRequest
from setpoint.ports.clusters import Cluster


def open_cluster(context: str = "") -> Cluster:
    """The cluster of a context of the kubeconfig, or the one that this runs in.

    Raises:
        BadRequest: there is none, or the client of Kubernetes is not installed.
    """
    try:
        from setpoint.adapters.kubernetes.cluster import open_cluster as opened
    except ImportError as error:
        raise BadRequest(
            "reading a cluster needs the client of Kubernetes, the extra `kubernetes`: `make cli` in a clone has it; "
            "elsewhere pipx install --force 'setpoint[kubernetes] @ git+https://github.com/OWNER/setpoint.git@TAG'"
        ) from error
    return opened(context)
