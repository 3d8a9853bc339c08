"""Messages as a feed of Cloud Asset Inventory sends them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

ANCESTORS = ("projects/20318464073", "folders/918177713511", "organizations/566099688680")


def resource(
    name: str,
    asset_type: str,
    data: Mapping[str, Any] | None,
    at: datetime,
    *,
    ancestors: Sequence[str] = ANCESTORS,
) -> bytes:
    """A change of a resource; without ``data`` where the inventory does not tell what it is."""
    asset = _asset(name, asset_type, at, ancestors)
    asset["resource"] = {"version": "v1", **({} if data is None else {"data": data})}
    return _message(asset, at)


def iam_policy(
    name: str,
    asset_type: str,
    bindings: Sequence[Mapping[str, Any]],
    at: datetime,
    *,
    ancestors: Sequence[str] = ANCESTORS,
) -> bytes:
    """A change of a resource's own IAM policy."""
    asset = _asset(name, asset_type, at, ancestors)
    asset["iamPolicy"] = {"bindings": bindings, "etag": "BwWKmjvelug="}
    return _message(asset, at)


def deletion(
    name: str,
    asset_type: str,
    at: datetime,
    *,
    ancestors: Sequence[str] = ANCESTORS,
    with_asset: bool = True,
) -> bytes:
    """The end of a resource; both with an ``asset`` that says nothing and without one are sent."""
    prior = {**_asset(name, asset_type, at, ancestors), "resource": {}}
    message: dict[str, Any] = {
        "priorAsset": prior,
        "priorAssetState": "PRESENT",
        "deleted": True,
        "window": _window(at),
    }
    if with_asset:
        message["asset"] = prior
    return json.dumps(message).encode()


def _asset(name: str, asset_type: str, at: datetime, ancestors: Sequence[str]) -> dict[str, Any]:
    return {"ancestors": list(ancestors), "assetType": asset_type, "name": name, "updateTime": _time(at)}


def _message(asset: Mapping[str, Any], at: datetime) -> bytes:
    return json.dumps({"asset": asset, "priorAssetState": "PRESENT", "window": _window(at)}).encode()


def _window(at: datetime) -> dict[str, str]:
    return {"startTime": _time(at)}


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
