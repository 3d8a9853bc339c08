"""The truth: what exists, since when, the messages that its changes send, and what the inventory lists of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content, ResourceKey
from simulation.fleet import ASSETS, POLICIES, PROJECT, STATES, Asset

EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
_FIELDS: dict[Content, str] = {"resource": "resource", "iam_policy": "iamPolicy", "org_policy": "orgPolicy"}


class Version(NamedTuple):
    """What a resource or a policy is from a moment on; ``data`` is None where there is none."""

    time: datetime
    data: Any


class Message(NamedTuple):
    """A feed message on its way."""

    key: ResourceKey
    time: datetime
    body: bytes


class World:
    """The fleet as it is, and as it was.

    ``now`` is the model's clock: only actions move it. Each resource and content has its history, oldest first, in
    which the last of two versions of one moment is the later one.
    """

    def __init__(self) -> None:
        self.now = EPOCH
        self.assets = {asset.name: asset for asset in ASSETS}
        self.observed_names = {asset.declared_name: asset.name for asset in ASSETS}
        self.history = {
            ResourceKey(asset.name, content): [Version(EPOCH - timedelta(days=1), None)]
            for asset in ASSETS
            for content in asset.contents
        }
        for asset in ASSETS:
            if asset.lasting:
                for content in asset.contents:
                    self.change(asset, content, states(asset, content)[0])

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def exists(self, asset: Asset) -> bool:
        return self.latest(ResourceKey(asset.name)).data is not None

    def latest(self, key: ResourceKey) -> Version:
        return self.history[key][-1]

    def as_of(self, key: ResourceKey, moment: datetime) -> Version:
        versions = self.history[key]
        return next((version for version in reversed(versions) if version.time <= moment), versions[0])

    def between(self, key: ResourceKey, first: datetime, last: datetime) -> list[Version]:
        """Whatever it was in some moment from ``first`` to ``last``."""
        return [self.as_of(key, first), *(version for version in self.history[key] if first <= version.time <= last)]

    def change(self, asset: Asset, content: Content, data: Any, *, with_asset: bool = True) -> Message:
        """Let a resource or policy be ``data`` from now on, None for none; the message that tells of it."""
        key = ResourceKey(asset.name, content)
        before = self.latest(key)
        self.history[key].append(Version(self.now, data))
        return Message(key, self.now, _message(asset, content, before, self.history[key][-1], with_asset=with_asset))

    def observed_key(self, key: ResourceKey) -> ResourceKey:
        """The key under which the inventory knows what is declared, or found, under ``key``."""
        return ResourceKey(self.observed_names.get(key.name, key.name), key.content)

    def listed(self, scope: str, content: Content, types: tuple[str, ...], moment: datetime) -> Iterator[Observation]:
        """What the inventory lists of a scope, as it was at a moment."""
        for asset in self.assets.values():
            key = ResourceKey(asset.name, content)
            if key not in self.history or scope not in asset.ancestors or (types and asset.asset_type not in types):
                continue
            version = self.as_of(key, moment)
            if version.data is not None:
                yield Observation(key, asset.asset_type, version.time, data=version.data, ancestors=asset.ancestors)


def states(asset: Asset, content: Content) -> tuple[Any, ...]:
    """The states that a resource or policy may be in, but for not being there."""
    if content != "resource":
        return POLICIES[content]
    if asset.asset_type == PROJECT:
        return tuple({"projectId": asset.project, **data} for data in STATES[PROJECT])
    return STATES[asset.asset_type]


def as_asset(asset: Asset, content: Content, version: Version) -> dict[str, Any]:
    """An asset with one content in the feed's JSON."""
    fields: dict[str, Any] = {
        "name": asset.name,
        "assetType": asset.asset_type,
        "ancestors": list(asset.ancestors),
        "updateTime": _time(version.time),
    }
    if content == "resource":
        fields["resource"] = {"version": "v1", **({} if version.data is None else {"data": version.data})}
    elif version.data is not None:
        fields[_FIELDS[content]] = version.data
    return fields


def _message(asset: Asset, content: Content, before: Version, after: Version, *, with_asset: bool) -> bytes:
    message: dict[str, Any] = {"window": {"startTime": _time(after.time)}, "priorAssetState": "DOES_NOT_EXIST"}
    if before.data is not None:
        message |= {"priorAssetState": "PRESENT", "priorAsset": as_asset(asset, content, before)}
    if after.data is not None or with_asset:
        message["asset"] = as_asset(asset, content, after)
    if after.data is None and content == "resource":
        message["deleted"] = True
    elif after.data is None:
        message["asset"] = as_asset(asset, content, after)
        if content == "iam_policy":
            message["asset"]["iamPolicy"] = {"etag": "ACAB"}
    return json.dumps(message).encode()


def _time(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
