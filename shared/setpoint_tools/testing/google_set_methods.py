"""The effect of methods that set one field, by the names of method and request fields; exceptions in tables."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from setpoint_tools.testing.google_bodies import STATES, Shape, invalid
from setpoint_tools.testing.google_documents import Route

_NOT_FIELDS = frozenset((*STATES, "name", "projectId", "zone", "clusterId", "nodePoolId", "requestId"))

_ELSEWHERE: Mapping[str, str] = {
    # What an update of a cluster or node pool calls otherwise than the cluster or node pool itself.
    "desiredClusterAutoscaling": "autoscaling",
    "desiredDnsConfig": "networkConfig.dnsConfig",
    "desiredGatewayApiConfig": "networkConfig.gatewayApiConfig",
}
_OF_NODES = frozenset(("labels", "taints", "tags", "resourceLabels"))
"""Of a node pool's update: in ``config``, and wrapped once more."""

_SETS: Mapping[str, Mapping[str, Any]] = {
    "iam.projects.serviceAccounts.disable": {"disabled": True},
    "iam.projects.serviceAccounts.enable": {"disabled": False},
}


def meant(route: Route, live: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a resource whose state a request names: the field that its body replaces, else the whole."""
    fields = route.document.properties(route.schema)
    field = _named(route.name, fields)
    if field and fields[field].get("$ref") == route.request:
        return dict(live.get(field) or {})
    return live


def changed(route: Route, live: Mapping[str, Any], body: Any, query: Mapping[str, str]) -> dict[str, Any]:
    """The resource after a method of its own.

    Raises:
        ApiError: nobody can tell what the method sets.
    """
    made = copy.deepcopy(dict(live))
    values = _set_by(route, live, body or {}, query)
    if not values:
        raise invalid(f"{route.method['id']}: the fake cannot tell what it sets")
    for path, value in values.items():
        *way, last = path.split(".")
        holder = made
        for key in way:
            holder = holder.setdefault(key, {})
        holder[last] = copy.deepcopy(value)
    return made


def _set_by(route: Route, live: Mapping[str, Any], body: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    """What is set: path and value; nothing where no rule knows."""
    if route.method["id"] in _SETS:
        return dict(_SETS[route.method["id"]])
    taken = {key: value for key, value in body.items() if key not in _NOT_FIELDS}
    fields = route.document.properties(route.schema)
    if set(taken) == {"update"}:
        return {_of_cluster(key): value for key, value in taken["update"].items() if key not in _NOT_FIELDS}
    if route.method["id"].endswith("nodePools.update"):
        return dict(_of_pool(key, value) for key, value in taken.items())
    field = _named(route.name, fields)
    if field and body:
        return {field: _value(route, field, live, body, taken)} | _enabled(route, field, taken)
    return {key: value for key, value in taken.items() if key in fields} or {
        key: value == "true" for key, value in query.items() if key in fields
    }


def _value(route: Route, field: str, live: Mapping[str, Any], body: Mapping[str, Any], taken: Mapping[str, Any]) -> Any:
    """The value of the field that a method is named after: the body itself, or the one value that the body has."""
    if route.document.properties(route.schema)[field].get("$ref") != route.request:
        return taken.get(field, next(iter(taken.values()), None))
    if route.method["httpMethod"] == "PATCH":
        return Shape(route.document, route.request).merged(live.get(field, {}), body)
    return body


def _enabled(route: Route, field: str, taken: Mapping[str, Any]) -> dict[str, Any]:
    """A switch, ``setLegacyAbac`` with ``enabled``, sets that of the field alone."""
    holder = route.document.fields(route.document.properties(route.schema)[field]) or {}
    return {field: {"enabled": taken["enabled"]}} if set(taken) == {"enabled"} and "enabled" in holder else {}


def _named(method: str, fields: Mapping[str, Any]) -> str:
    """The field that a method is named after, ``setLegacyAbac`` after ``legacyAbac``."""
    name = method.removeprefix("set").removeprefix("update")
    name = name[:1].lower() + name[1:]
    return name if name in fields else ""


def _of_cluster(key: str) -> str:
    if key in _ELSEWHERE:
        return _ELSEWHERE[key]
    name = key.removeprefix("desired")
    return name[:1].lower() + name[1:]


def _of_pool(key: str, value: Any) -> tuple[str, Any]:
    if key not in _OF_NODES:
        return key, value
    return f"config.{key}", next(iter(value.values()), None)
