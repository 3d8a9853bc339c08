"""The effect of a request on a resource: its body, its mask, and the resulting resource."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from werkzeug.wrappers import Request

from setpoint_tools.testing import google_set_methods
from setpoint_tools.testing.google_bodies import Shape, invalid
from setpoint_tools.testing.google_documents import Route

_WRITERS = ("patch", "update", "partialUpdate", "replace")
_MERGING = ("bigquery", "compute", "dns", "sqladmin", "storage")
"""Where a patch without a mask merges; elsewhere what is left out is cleared."""


REFUSED_MASKS = (
    "pubsub/Subscription/expirationPolicy.",
    "pubsub/Subscription/retryPolicy.",
    "pubsub/Topic/messageStoragePolicy.",
    "monitoring/AlertPolicy/documentation.",
    "bigtableadmin/AuthorizedView/subsetView.",
)
"""Masks, by service and schema, that APIs do not take although the field is there; their parents they do."""


def check_mask(route: Route, request: Request, body: Mapping[str, Any], refused: Collection[str]) -> None:
    """Refuse a mask that goes too deep.

    Raises:
        ApiError: 400, with the path.
    """
    mask = _mask(route, request.args.to_dict(), body) or ""
    for path in mask.split(","):
        if any(f"{route.document.service}/{route.schema}/{path}".startswith(beginning) for beginning in refused):
            raise invalid(f"Invalid update_mask: the path `{path}` cannot be updated")


Manner = Literal["documented", "replaces", "replaces parts", "merges"]
"""What an API does with a body that says a part of a resource.

``replaces`` clears all that the body leaves out, whatever a mask says; ``replaces parts`` clears what a message in the
body leaves out of it; ``merges`` clears nothing that the body leaves out, whatever a mask says.
"""


def after(
    route: Route, live: Mapping[str, Any], request: Request, body: Any, manner: Manner = "documented"
) -> dict[str, Any]:
    """The resource after a request that changes it."""
    query = request.args.to_dict()
    held = unwrapped(route, body or {})
    is_resource = route.request == route.schema or held is not body
    if route.suffix or not is_resource or not route.name.startswith(_WRITERS):
        if route.request:
            Shape(route.document, route.request).check(body or {})
        return google_set_methods.changed(route, live, body, query)
    shape = Shape(route.document, route.schema)
    shape.check(held)
    if manner != "documented":
        return {"replaces": shape.replaced, "replaces parts": shape.laid, "merges": shape.merged}[manner](live, held)
    mask = _mask(route, query, body or {})
    if mask is not None:
        return shape.masked(live, held, mask)
    merges = request.method == "PATCH" and route.document.service in _MERGING
    return shape.merged(live, held) if merges else shape.replaced(live, held)


def unwrapped(route: Route, body: dict[str, Any]) -> dict[str, Any]:
    """The resource in a body, which may be wrapped."""
    if route.request == route.schema:
        return body
    for name, field in route.document.properties(route.request).items():
        if field.get("$ref") == route.schema:
            value: dict[str, Any] = body.get(name) or {}
            return value
    return body


def _mask(route: Route, query: Mapping[str, str], body: Mapping[str, Any]) -> str | None:
    """The update mask of a request, or None where its method has none or needs none."""
    for name, parameter in route.method.get("parameters", {}).items():
        if parameter.get("format") == "google-fieldmask" and name in query:
            return query[name]
    for name, field in route.document.properties(route.request).items():
        if route.request != route.schema and field.get("format") == "google-fieldmask":
            return str(body.get(name, ""))
    return None
