"""Messages in the shape in which Cloud Asset Inventory sends them: TemporalAsset as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from setpoint.model.observation import WELCOME
from setpoint_tools.demo import organisation
from setpoint_tools.demo.samples import Data, Sample
from setpoint_tools.demo.server_defaults import stamp

_ABOVE = [f"folders/{organisation.FOLDER}", f"organizations/{organisation.ORGANISATION}"]


def welcome(feed: str) -> bytes:
    """The first message of a new feed: a sentence, no JSON."""
    return WELCOME + f" organizations/{organisation.ORGANISATION}/feeds/{feed}".encode()


def changed(sample: Sample, live: Any, time: datetime, before: tuple[Any, datetime] | None) -> bytes:
    """What a resource is now, and what it was before, if it was there."""
    message: Data = {"asset": asset(sample, live, time)}
    if before is None:
        message["priorAssetState"] = "DOES_NOT_EXIST"
    else:
        message |= {"priorAsset": asset(sample, *before), "priorAssetState": "PRESENT"}
    return _encoded(message | _window(time))


def deleted(sample: Sample, time: datetime, before: tuple[Any, datetime], *, with_asset: bool) -> bytes:
    """That a resource is gone; half of these messages come without ``asset``."""
    message: Data = {"deleted": True, "priorAsset": asset(sample, *before), "priorAssetState": "PRESENT"}
    if with_asset:
        message["asset"] = asset(sample, None, time)
    return _encoded(message | _window(time))


def broken(whole: Sequence[bytes]) -> list[bytes]:
    """What no feed should send and some day something does; made of whole messages, at least four."""
    cut, renamed, untimed, typed = whole[:4]
    nameless: Data = json.loads(renamed)
    del nameless["asset"]["name"]
    timeless: Data = json.loads(untimed)
    del timeless["window"], timeless["asset"]["updateTime"]
    mistyped: Data = json.loads(typed)
    mistyped["asset"]["ancestors"] = mistyped["asset"]["ancestors"][0]
    return [
        cut[: len(cut) * 2 // 3],
        _encoded(nameless),
        _encoded(timeless),
        _encoded(mistyped),
        b"<html><head><title>502 Bad Gateway</title></head></html>",
        b'{"insertId":"1x7c9","logName":"projects/net-prod/logs/syslog","textPayload":"sent to the wrong topic"}',
        b"\x1f\x8b\x08\x00\xff\xfe\x03\x00",
    ]


def asset(sample: Sample, live: Any, time: datetime) -> Data:
    """A resource as an inventory lists it; without what it is where ``live`` is None."""
    parent = f"projects/{sample.project.number}" if sample.project else _ABOVE[0]
    asset_: Data = {
        "ancestors": [parent, *_ABOVE] if sample.project else _ABOVE,
        "assetType": sample.kind.asset_type,
        "name": sample.key.name,
        "updateTime": stamp(time),
    }
    if sample.key.content == "iam_policy":
        return asset_ | {"iamPolicy": live}
    if sample.key.content == "org_policy":
        return asset_ | {"orgPolicy": live}
    if live is None:
        return asset_ | {"resource": {}}
    resource: Data = {
        "version": sample.kind.version,
        "discoveryDocumentUri": sample.kind.discovery_uri,
        "discoveryName": sample.kind.discovery_name,
        "parent": f"//cloudresourcemanager.googleapis.com/{parent}",
        "data": live,
    }
    if sample.location:
        resource["location"] = sample.location
    return asset_ | {"resource": resource}


def _window(time: datetime) -> Data:
    return {"window": {"startTime": stamp(time)}}


def _encoded(message: Data) -> bytes:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
