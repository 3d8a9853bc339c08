"""Recognize the file formats of recorded assets, and convert each to a feed message.

Recognised are feed messages (TemporalAsset), ListAssets, BatchGetAssetsHistory and SearchAllResources responses and
the output of the same ``gcloud asset`` commands, ExportAssets dumps and rows of their BigQuery tables, and Pub/Sub
envelopes of feed messages; in camelCase and in snake_case. The shape alone decides, never the name of a file.

Sources: https://cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/exportAssets,
https://cloud.google.com/asset-inventory/docs/exporting-to-bigquery,
https://cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/searchAllResources
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from setpoint.model.naming import camel
from setpoint.util.json_values import as_list

RecordKind = Literal["feed message", "asset", "search result", "unknown"]
"""``search result``: proves that a resource exists, and contains only the requested fields."""


class AssetRecord(NamedTuple):
    """One recognised record.

    Args:
        kind: its shape.
        message: the record as a feed message in JSON; an unknown record as it is.
        attributes: attributes of its Pub/Sub envelope.
    """

    kind: RecordKind
    message: bytes
    attributes: Mapping[str, str] = MappingProxyType({})


_LISTS = ("assets", "results", "receivedMessages", "received_messages", "temporalAssets", "temporal_assets", "entries")
_POLICIES = ("iamPolicy", "orgPolicy", "accessPolicy", "accessLevel", "servicePerimeter")
_TIMES = ("updateTime", "startTime", "endTime")
_SPACED_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?: ?UTC|\+00(?::?00)?|Z)?\Z")


def records(value: Any, default_time: str) -> Iterator[AssetRecord]:
    """The records in one JSON value: itself, or the elements of a response or array.

    Args:
        value: decoded JSON.
        default_time: RFC 3339 time of assets that carry none; a response's own ``readTime`` takes precedence.
    """
    if isinstance(value, list):
        for element in value:
            yield from records(element, default_time)
        return
    if not isinstance(value, dict):
        yield AssetRecord("unknown", json.dumps(value).encode())
        return
    for field in _LISTS:
        if isinstance(value.get(field), list) and "asset" not in value:
            read_time = str(value.get("readTime") or value.get("read_time") or default_time)
            yield from records(value[field], read_time)
            return
    if (message := _enveloped(value)) is not None:
        yield _unwrapped(value, message, default_time)
        return
    yield _record(value, default_time)


def _enveloped(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The Pub/Sub message in a push or pull envelope, or a bare Pub/Sub message."""
    inner = value.get("message")
    if inner is None and isinstance(value.get("data"), dict):  # a CloudEvent
        inner = value["data"].get("message")
    if inner is None and isinstance(value.get("data"), str) and ("messageId" in value or "message_id" in value):
        inner = value
    return inner if isinstance(inner, dict) else None


def _unwrapped(value: Mapping[str, Any], message: Mapping[str, Any], default_time: str) -> AssetRecord:
    attributes = message.get("attributes")
    named = {str(key): str(text) for key, text in attributes.items()} if isinstance(attributes, dict) else {}
    try:
        data = base64.b64decode(message.get("data") or "", validate=True)
    except (ValueError, TypeError):
        return AssetRecord("unknown", json.dumps(value).encode())
    try:
        inner = json.loads(data)
    except ValueError:  # the welcome message of a new feed, or nothing that can be read
        return AssetRecord("feed message", data, named)
    if not isinstance(inner, dict) or "asset" in inner:
        return AssetRecord("feed message", data, named)
    return _record(inner, default_time)._replace(attributes=named)


def _record(value: Mapping[str, Any], default_time: str) -> AssetRecord:
    """A single object: a feed message, an asset, a search result or something else."""
    outer = _camel_keys(value)
    if any(isinstance(outer.get(field), dict) for field in ("asset", "priorAsset")):
        return AssetRecord("feed message", json.dumps(_temporal(outer)).encode())
    if not isinstance(outer.get("name"), str) or not isinstance(outer.get("assetType"), str):
        return AssetRecord("unknown", json.dumps(value).encode())
    is_search = not any(field in outer for field in ("resource", *_POLICIES)) and (
        "versionedResources" in outer or "parentFullResourceName" in outer or "project" in outer
    )
    asset = _searched(outer) if is_search else _asset(outer)
    asset.setdefault("updateTime", default_time)
    kind: RecordKind = "search result" if is_search else "asset"
    return AssetRecord(kind, json.dumps({"asset": asset, "window": {"startTime": asset["updateTime"]}}).encode())


def _temporal(outer: Mapping[str, Any]) -> dict[str, Any]:
    message = dict(outer)
    for field in ("asset", "priorAsset"):
        if isinstance(message.get(field), dict):
            message[field] = _asset(_camel_keys(message[field]))
    if isinstance(message.get("window"), dict):
        message["window"] = _with_times(_camel_keys(message["window"]))
    return message


def _asset(outer: Mapping[str, Any]) -> dict[str, Any]:
    asset = {field: value for field, value in _with_times(outer).items() if value is not None}
    for field in _POLICIES:
        if field in asset:
            asset[field] = _camel_deep(asset[field])
    # BigQuery writes an absent list as an empty list: that is not a policy beside a resource.
    if not asset.get("orgPolicy") and asset.get("resource"):
        asset.pop("orgPolicy", None)
    resource = asset.get("resource")
    if isinstance(resource, dict):
        asset["resource"] = _resource(_camel_keys(resource))
    return asset


def _resource(resource: dict[str, Any]) -> dict[str, Any]:
    data = resource.get("data")
    if isinstance(data, str):  # BigQuery keeps it as text
        try:
            resource["data"] = json.loads(data)
        except ValueError:
            resource["data"] = None
    return {field: value for field, value in resource.items() if value is not None}


def _searched(outer: Mapping[str, Any]) -> dict[str, Any]:
    """A search result as an asset; its content is that of its newest version, where the search asked for it."""
    holders = (outer.get("project"), *as_list(outer.get("folders")), outer.get("organization"))
    asset: dict[str, Any] = {
        "name": outer["name"],
        "assetType": outer["assetType"],
        "ancestors": [holder for holder in holders if isinstance(holder, str) and holder],
        "resource": {"location": outer.get("location") or ""},
    }
    versions = [
        _camel_keys(version) for version in as_list(outer.get("versionedResources")) if isinstance(version, dict)
    ]
    if versions:
        newest = versions[-1]
        asset["resource"] |= {"data": newest.get("resource"), "version": str(newest.get("version") or "")}
    if isinstance(outer.get("updateTime"), str):
        asset["updateTime"] = _instant(outer["updateTime"])
    return asset


def _camel_keys(value: Mapping[str, Any]) -> dict[str, Any]:
    return {camel(str(key)) if "_" in key else key: element for key, element in value.items()}


def _camel_deep(value: Any) -> Any:
    """Names of fields in camelCase at every depth, without empty values; the policies hold no maps of free keys."""
    if isinstance(value, dict):
        named = ((camel(key) if "_" in key else key, _camel_deep(element)) for key, element in value.items())
        return {key: element for key, element in named if element is not None}
    return [_camel_deep(element) for element in value] if isinstance(value, list) else value


def _with_times(value: Mapping[str, Any]) -> dict[str, Any]:
    times = {field: _instant(value[field]) for field in _TIMES if isinstance(value.get(field), str)}
    return {**value, **times}


def _instant(text: str) -> str:
    """A time in RFC 3339; BigQuery writes ``2026-03-01 12:00:00 UTC``."""
    match = _SPACED_TIME.match(text)
    return f"{match[1]}T{match[2]}Z" if match else text
