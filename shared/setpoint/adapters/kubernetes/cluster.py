"""A ``Cluster`` over the official Kubernetes client.

Sources: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks,
https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from kubernetes import client, config  # type: ignore[import-untyped]
from kubernetes.client.exceptions import ApiException  # type: ignore[import-untyped]
from kubernetes.config.config_exception import ConfigException  # type: ignore[import-untyped]
from urllib3.exceptions import HTTPError

from setpoint.catalog.config_connector import SUFFIX
from setpoint.errors import AccessDenied, BadRequest, Conflict, TokenExpired, Unavailable
from setpoint.ports.clusters import ClusterEvent, ClusterKind

_OF_THE_CONTROLLER = ("customize.core", "customize", "addons")
"""API groups of Config Connector's own settings, which say nothing of resources."""
_SECONDS = 60.0
_PAGE = 500
_COMPONENT = "setpoint"


def open_cluster(context: str = "") -> KubernetesCluster:
    """Connect to the cluster of a kubeconfig context, or to the pod's own cluster.

    Args:
        context: the context; empty for the current one, and for the pod's own cluster in a pod without a kubeconfig.

    Raises:
        BadRequest: the context does not exist, and this process runs in no cluster.
    """
    try:
        return KubernetesCluster(config.new_client_from_config(context=context or None))
    except ConfigException as error:
        if context:
            raise BadRequest(f"no context {context} in the kubeconfig: {error}") from error
    try:
        config.load_incluster_config()
    except ConfigException as error:
        raise BadRequest("no cluster: set KUBECONFIG, or run in a pod with a service account") from error
    return KubernetesCluster(client.ApiClient())


class KubernetesCluster:
    """See ``Cluster``.

    Args:
        api: kept for the life of the process.
        page_size: objects per page.
    """

    def __init__(self, api: client.ApiClient, page_size: int = _PAGE) -> None:
        self._api = api
        self._page_size = page_size

    def kinds(self) -> Sequence[ClusterKind]:
        """See ``Cluster.kinds``."""
        groups = self._call("GET", "/apis").get("groups") or ()
        found_kinds: list[ClusterKind] = []
        for group in groups:
            name = str(group.get("name", ""))
            if name.endswith(SUFFIX) and name.removesuffix(SUFFIX) not in _OF_THE_CONTROLLER:
                version = str((group.get("preferredVersion") or group["versions"][0])["version"])
                resources = self._call("GET", f"/apis/{name}/{version}").get("resources") or ()
                found_kinds += (
                    ClusterKind(name, version, resource["name"], resource["kind"])
                    for resource in resources
                    if "/" not in resource["name"] and "list" in (resource.get("verbs") or ())
                )
        return found_kinds

    def namespaces(self) -> Sequence[Mapping[str, Any]]:
        """See ``Cluster.namespaces``."""
        return [
            {"apiVersion": "v1", "kind": "Namespace", **item}
            for page in self._list("/api/v1/namespaces")
            for item in page
        ]

    def pages(self, kind: ClusterKind, namespace: str = "") -> Iterator[Sequence[Mapping[str, Any]]]:
        """See ``Cluster.pages``."""
        place = f"namespaces/{namespace}/" if namespace else ""
        about = {"apiVersion": f"{kind.group}/{kind.version}", "kind": kind.kind}
        for page in self._list(f"/apis/{kind.group}/{kind.version}/{place}{kind.plural}"):
            yield [{**about, **item} for item in page]

    def record(self, event: ClusterEvent) -> None:
        """See ``Cluster.record``."""
        path = f"/api/v1/namespaces/{event.about.namespace}/events"
        try:
            self._call("POST", path, body=_event(event))
        except Conflict:
            latest = {"lastTimestamp": _time(event.last_seen), "message": event.message}
            self._call("PATCH", f"{path}/{event.name}", body=latest)

    def _list(self, path: str) -> Iterator[list[Mapping[str, Any]]]:
        token = ""
        while True:
            answer = self._call("GET", path, limit=str(self._page_size), **({"continue": token} if token else {}))
            if "items" not in answer:
                raise Unavailable(f"{path}: the API server did not return a list; try again later")
            yield answer["items"] or []
            token = (answer.get("metadata") or {}).get("continue") or ""
            if not token:
                return

    def _call(self, verb: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """Call the API server.

        Raises:
            AccessDenied, BadRequest, Conflict, TokenExpired, Unavailable: as in the port.
        """
        content = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        try:
            answer = self._api.call_api(
                path,
                verb,
                query_params=list(query.items()),
                header_params={"Accept": "application/json", "Content-Type": content},
                body=body,
                auth_settings=["BearerToken"],
                response_type="object",
                _return_http_data_only=True,
                _request_timeout=_SECONDS,
            )
        except ApiException as error:
            raise _translated(error, verb, path) from error
        except HTTPError as error:
            raise Unavailable(f"the API server does not respond ({type(error).__name__}); try again later") from error
        if not isinstance(answer, dict):
            # The client gives text that is no JSON as it is: half an answer is none.
            raise Unavailable(f"{path}: the API server did not return a JSON object; try again later")
        return answer


def _translated(error: ApiException, verb: str, path: str) -> Exception:
    match error.status:
        case HTTPStatus.FORBIDDEN:
            right = f"{'list' if verb == 'GET' else 'create and patch'} on {path}"
            return AccessDenied(path, right, f"may not be {_DONE[verb]}; grant {right} (infra/kubernetes/rbac.yaml)")
        case HTTPStatus.UNAUTHORIZED:
            return BadRequest("the API server does not accept the credentials; log in again")
        case HTTPStatus.GONE:
            return TokenExpired(f"the listing of {path} cannot continue; start the listing again")
        case HTTPStatus.CONFLICT:
            return Conflict(f"{path}: it exists already")
        case HTTPStatus.NOT_FOUND:
            return BadRequest(f"{path}: the API server does not know it; is Config Connector installed?")
    return Unavailable(f"{path}: the API server returned {error.status} ({error.reason}); try again later")


_DONE = {"GET": "listed", "POST": "written", "PATCH": "written"}


def _event(event: ClusterEvent) -> dict[str, Any]:
    about = event.about
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": event.name, "namespace": about.namespace},
        "involvedObject": {
            "apiVersion": about.api_version,
            "kind": about.kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": about.uid,
        },
        "reason": event.reason,
        "message": event.message,
        "type": "Warning",
        "count": 1,
        "firstTimestamp": _time(event.first_seen),
        "lastTimestamp": _time(event.last_seen),
        "source": {"component": _COMPONENT},
        "reportingComponent": _COMPONENT,
    }


def _time(time: Any) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
