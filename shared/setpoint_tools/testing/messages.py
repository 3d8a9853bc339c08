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
    time: datetime,
    *,
    ancestors: Sequence[str] = ANCESTORS,
) -> bytes:
    """A change of a resource; without ``data`` where the inventory does not say what it is."""
    asset = _asset(name, asset_type, time, ancestors)
    asset["resource"] = {"version": "v1", **({} if data is None else {"data": data})}
    return _message(asset, time)


def iam_policy(
    name: str,
    asset_type: str,
    bindings: Sequence[Mapping[str, Any]],
    time: datetime,
    *,
    ancestors: Sequence[str] = ANCESTORS,
) -> bytes:
    """A change of a resource's own IAM policy."""
    asset = _asset(name, asset_type, time, ancestors)
    asset["iamPolicy"] = {"bindings": bindings, "etag": "BwWKmjvelug="}
    return _message(asset, time)


def deletion(
    name: str,
    asset_type: str,
    time: datetime,
    *,
    ancestors: Sequence[str] = ANCESTORS,
    with_asset: bool = True,
) -> bytes:
    """The end of a resource; both with an ``asset`` that says nothing and without one are sent."""
    prior = {**_asset(name, asset_type, time, ancestors), "resource": {}}
    message: dict[str, Any] = {
        "priorAsset": prior,
        "priorAssetState": "PRESENT",
        "deleted": True,
        "window": _window(time),
    }
    if with_asset:
        message["asset"] = prior
    return json.dumps(message).encode()


def _asset(name: str, asset_type: str, time: datetime, ancestors: Sequence[str]) -> dict[str, Any]:
    return {"ancestors": list(ancestors), "assetType": asset_type, "name": name, "updateTime": _time(time)}


def _message(asset: Mapping[str, Any], time: datetime) -> bytes:
    return json.dumps({"asset": asset, "priorAssetState": "PRESENT", "window": _window(time)}).encode()


def _window(time: datetime) -> dict[str, str]:
    return {"startTime": _time(time)}


def _time(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
