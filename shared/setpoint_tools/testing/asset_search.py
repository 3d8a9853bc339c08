"""SearchAllResources of a fake Cloud Asset Inventory, with a part of its query language."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import grpc
from google.cloud.asset_v1 import SearchAllResourcesRequest, SearchAllResourcesResponse

from setpoint_tools.testing.asset_faults import Faults, deny, refuse
from setpoint_tools.testing.asset_inventory_state import HeldAssets
from setpoint_tools.testing.asset_listing import SCOPE, types_asked

_USUAL_PAGE, _LARGEST_PAGE = 100, 500
_TERM = re.compile(r"(location|labels(?:\.[\w-]+)?)([:=])(\"[^\"]*\"|[^\s()\"]+)\Z")
_TERMS = re.compile(r"(?:[^\s\"]|\"[^\"]*\")+")
_ORDERS = {"": False, "name": False, "name asc": False, "name desc": True}


class Search:
    """Finds resources by scope, type and query.

    Of the query language (https://cloud.google.com/asset-inventory/docs/query-syntax) it knows ``location:``,
    ``labels:KEY``, ``labels.KEY:VALUE``, each with ``=`` too, ``*`` at the end of a value, and several of them, which
    all have to hold; for anything else it answers UNIMPLEMENTED.
    """

    def __init__(self, held: HeldAssets, faults: Faults) -> None:
        self._held = held
        self._faults = faults

    def search(self, request: SearchAllResourcesRequest, context: grpc.ServicerContext) -> Any:
        """Answer SearchAllResources."""
        if not SCOPE.match(request.scope):
            refuse(context, f"Invalid scope: {request.scope}")
        size = min(request.page_size or _USUAL_PAGE, _LARGEST_PAGE)
        start = self._start(request, context)
        self._faults.show("SearchAllResources", request.scope, start // size, context)
        assets = self._matching(request, context)
        response = SearchAllResourcesResponse.pb(SearchAllResourcesResponse())
        for asset in assets[start : start + size]:
            _describe(asset, response.results.add())
        if start + size < len(assets):
            response.next_page_token = str(start + size)
        return response

    def _start(self, request: SearchAllResourcesRequest, context: grpc.ServicerContext) -> int:
        if request.page_token and not request.page_token.isdecimal():
            refuse(context, "The page_token is invalid or has expired.")
        return int(request.page_token or 0)

    def _matching(self, request: SearchAllResourcesRequest, context: grpc.ServicerContext) -> list[Any]:
        scope = self._held.ancestor(request.scope)
        if not scope:
            deny(context, "IAM_PERMISSION_DENIED", request.scope)
        if request.order_by not in _ORDERS:
            refuse(context, f"order_by is not known to this fake: {request.order_by}", grpc.StatusCode.UNIMPLEMENTED)
        types = types_asked(request.asset_types, self._held, context)
        terms = [_TERM.match(term) for term in _TERMS.findall(request.query)]
        if None in terms:
            refuse(context, f"query is not known to this fake: {request.query}", grpc.StatusCode.UNIMPLEMENTED)
        assets = [
            asset
            for asset in self._held.present()
            if scope in asset.ancestors
            and (types is None or asset.asset_type in types)
            and all(_holds(asset, *term.groups()) for term in terms if term)
        ]
        return sorted(assets, key=lambda asset: asset.name, reverse=_ORDERS[request.order_by])


def _holds(asset: Any, field: str, operator: str, value: str) -> bool:
    value = value.strip('"').lower()
    labels = _labels(asset)
    if field == "labels":
        return _matches(operator, value, *labels)
    if field == "location":
        return _matches(operator, value, asset.resource.location)
    return _matches(operator, value, *(text for key, text in labels.items() if key == field.removeprefix("labels.")))


def _matches(operator: str, wanted: str, *texts: str) -> bool:
    """``=`` means the whole text, ``:`` one of its words too."""
    words = {text.lower() for text in texts}
    if operator == ":":
        words |= {word for text in texts for word in re.split(r"\W+", text.lower())}
    return any(fnmatchcase(word, wanted) for word in words if word)


def _labels(asset: Any) -> dict[str, str]:
    labels = dict(asset.resource.data).get("labels")
    return {key: str(value) for key, value in labels.items()} if labels else {}


def _describe(asset: Any, target: Any) -> None:
    """A resource as a search tells of it: where it is and what it is called, not what it is."""
    target.name, target.asset_type = asset.name, asset.asset_type
    target.display_name = asset.name.rpartition("/")[2]
    target.location = asset.resource.location
    target.parent_full_resource_name = asset.resource.parent
    target.update_time.CopyFrom(asset.update_time)
    target.labels.update(_labels(asset))
    for ancestor in asset.ancestors:
        if ancestor.startswith("folders/"):
            target.folders.append(ancestor)
        else:
            setattr(target, ancestor.partition("s/")[0], ancestor)  # project, organization
