"""Build the requests that read and write a resource, in the four forms that Google's APIs have.

A patch with an update mask in the query, or in a wrapper around the resource; a JSON merge patch of a part
(https://www.rfc-editor.org/rfc/rfc7396), where null removes a key and a list is replaced as a whole; and an update that
replaces the whole resource. Fields with a method of their own are in ``setter_methods``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from setpoint.catalog.methods import ApiResource, Method
from setpoint.catalog.permissions import permission
from setpoint.model.write_plan import Call
from setpoint.remediation.setter_methods import SetterMethod
from setpoint.util.json_values import put

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema

FieldPath = tuple[str, ...]
"""A path of keys to a written value."""

_MERGING = frozenset(
    (
        "bigquery",  # https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/patch
        "compute",  # https://cloud.google.com/compute/docs/api/how-tos/performance#patch
        "dns",  # https://cloud.google.com/dns/docs/reference/rest/v1/managedZones/patch
        "sqladmin",  # https://cloud.google.com/sql/docs/mysql/admin-api/rest/v1/instances/patch
        "storage",  # https://cloud.google.com/storage/docs/json_api/v1/buckets/patch
    )
)
"""APIs whose patch without a mask merges. Other APIs clear omitted fields, so the whole resource is sent."""


def is_whole(schema: Schema, method: Method) -> bool:
    """Whether a method takes the whole resource, and clears omitted fields."""
    return not method.masked and (method.verb == "PUT" or schema.service not in _MERGING)


def read(resource: ApiResource) -> Call:
    """The request that reads a resource."""
    method = next((candidate for name, candidate in resource.kind.methods.items() if name == "get"), None)
    method = method or next(
        candidate for candidate in resource.kind.methods.values() if candidate.verb == "GET" and not candidate.suffix
    )
    return call(resource, method)


def call(resource: ApiResource, method: Method, **fields: Any) -> Call:
    """A request for a method of a resource."""
    return Call(
        method.id,
        method.verb,
        resource.url(method),
        long_running=method.long_running,
        base=resource.kind.base if method.long_running else "",
        operations=resource.operations if method.long_running else (),
        permission=permission(method.id),
        **fields,
    )


def write(
    resource: ApiResource,
    schema: Schema,
    live: Mapping[str, Any],
    target: Mapping[str, Any],
    cuts: tuple[FieldPath, ...],
    how: SetterMethod | None,
) -> tuple[Call, str]:
    """The request that writes the target's values at the given paths, guarded by the state that was read."""
    if how is not None:
        return _by_special_method(resource, schema, live, target, how)
    method = resource.kind.writer
    assert method is not None  # noqa: S101 - noqa: S101 - the planner checks this
    body: dict[str, Any]
    if is_whole(schema, method):
        body = dict(target)
    elif method.masked:
        body = _projected(target, cuts)
    else:
        body = _merged(live, target, cuts)
    etag, query, headers = _precondition(schema, method, live, body, cuts)
    if method.mask:
        query[method.mask] = _mask(cuts)
    if method.wrap:
        body = {method.wrap: body}
        if method.wrapped_mask:
            body[method.wrapped_mask] = _mask(cuts)
    return call(resource, method, query=query, headers=headers, body=body, guarded=bool(etag)), etag


def _mask(cuts: tuple[FieldPath, ...]) -> str:
    return ",".join(".".join(cut) for cut in cuts)


def _projected(target: Mapping[str, Any], cuts: tuple[FieldPath, ...]) -> dict[str, Any]:
    """The target reduced to the given paths; absent values are left out, so that the mask clears them."""
    body: dict[str, Any] = {}
    for cut in cuts:
        value = value_at(target, cut)
        if value is not None:
            put(body, cut, value)
    return body


def _merged(live: Mapping[str, Any], target: Mapping[str, Any], cuts: tuple[FieldPath, ...]) -> dict[str, Any]:
    """The target reduced to the given paths, with null for removed values.

    Maps are sent whole, with null for each removed key, so that the result is the same if an API replaces them.
    """
    body: dict[str, Any] = {}
    for cut in cuts:
        value, before = value_at(target, cut), value_at(live, cut)
        if isinstance(value, dict) and isinstance(before, dict):
            value = {**dict.fromkeys(before), **value}
        put(body, cut, value)
    return body


def _precondition(
    schema: Schema, method: Method, live: Mapping[str, Any], body: dict[str, Any], cuts: tuple[FieldPath, ...]
) -> tuple[str, dict[str, str], dict[str, str]]:
    """Add the precondition on the resource's state that was read, in the form of the API."""
    etag = str(live.get("etag") or "")
    if "ifMetagenerationMatch" in method.query and live.get("metageneration"):
        # https://cloud.google.com/storage/docs/request-preconditions
        return str(live["metageneration"]), {"ifMetagenerationMatch": str(live["metageneration"])}, {}
    if schema.service == "bigquery" and etag:
        # https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/patch
        return etag, {}, {"If-Match": etag}
    if schema.service == "sqladmin" and any(cut[0] == "settings" for cut in cuts):
        # https://cloud.google.com/sql/docs/mysql/admin-api/rest/v1/instances#settings
        version = str(value_at(live, ("settings", "settingsVersion")) or "")
        if version:
            put(body, ("settings", "settingsVersion"), version)
        return version, {}, {}
    for name in ("fingerprint", "etag"):
        if name in schema.fields and live.get(name):
            # https://cloud.google.com/apis/design/design_patterns#etags
            body[name] = live[name]
            return str(live[name]), {}, {}
    return "", {}, {}


def _by_special_method(
    resource: ApiResource, schema: Schema, live: Mapping[str, Any], target: Mapping[str, Any], how: SetterMethod
) -> tuple[Call, str]:
    method = resource.kind.methods[how.method]
    keys = tuple(how.field.split("."))
    value = value_at(target, keys)
    if value is None:
        field = schema.fields.get(keys[0]) if len(keys) == 1 else None
        value = field.zero if field is not None else None
    state, place = how.guard
    etag = str(live.get(state) or "") if state else ""
    if how.into == "?":
        query = {keys[-1]: "true" if value is True else "false" if value is False else str(value)}
        return call(resource, method, query=query), ""
    body: dict[str, Any] = {}
    if how.into == "":
        body = dict(value or {})
        etag = str(body.get("fingerprint") or "")
    elif how.into != "-":
        put(body, tuple(how.into.split(".")), value)
    if etag and place:
        put(body, tuple(place.split(".")), etag)
    return call(resource, method, body=body, guarded=bool(etag)), etag


def value_at(holder: Any, keys: FieldPath) -> Any:
    """The value under a path of keys, or None."""
    for key in keys:
        if not isinstance(holder, dict):
            return None
        holder = holder.get(key)
    return holder
