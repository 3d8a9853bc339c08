"""Parse Cloud Asset Inventory messages: a TemporalAsset becomes an observation.

The JSON is decoded directly, without ``TemporalAsset.from_json``: that one refuses unknown fields and turns the
integers of ``resource.data`` into floats.
Source: https://cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/batchGetAssetsHistory#TemporalAsset
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from setpoint.catalog import inventory_names
from setpoint.errors import CorruptState, MalformedMessage
from setpoint.model.decode_errors import UNREADABLE, reason_of
from setpoint.model.resource_key import Content, ResourceKey, content_of, project_of

WELCOME = b"You have successfully configured real time feed"

Instant = Annotated[datetime, msgspec.Meta(tz=True)]

ObservedThrough = Literal["inventory", "api"]
"""The source of an observation: Cloud Asset Inventory, or the API of the resource."""


class Observation(msgspec.Struct, frozen=True, gc=False):
    """The state of a resource in the inventory at a time.

    Args:
        key: the resource and the content that was observed.
        asset_type: Cloud Asset Inventory's type, ``compute.googleapis.com/Firewall``.
        observed_at: time of the state; observations are ordered by it, never by arrival.
        deleted: the resource is deleted; ``data`` is then its last state, where known.
        data: the resource's fields, its IAM policy, its list of organisation policies or its access policy; None
            where the message carries no content.
        ancestors: ``projects/NUMBER`` first, then folders and the organisation.
        project_id: the project's id, from other sources; empty after parsing.
        location: location in the message, or empty.
        discovery_uri: address of the discovery document that describes ``data``, or empty.
        discovery_name: name of the schema in that document, or empty.
        truncated: Google has removed fields from ``data``, as ``assetExceptions`` says.
        window_start: start of the window of the message, which orders states with the same time.
        through: its source.
        inventory_name: full resource name in the inventory, if the record is stored under another, declared name.
    """

    key: ResourceKey
    asset_type: str
    observed_at: datetime
    deleted: bool = False
    data: Any = None
    ancestors: tuple[str, ...] = ()
    project_id: str = ""
    location: str = ""
    discovery_uri: str = ""
    discovery_name: str = ""
    truncated: bool = False
    window_start: datetime | None = None
    through: ObservedThrough = "inventory"
    inventory_name: str = ""

    @property
    def project_number(self) -> str:
        """The number of the project that holds the resource, or an empty string."""
        return project_number(self.ancestors[0]) if self.ancestors else ""

    @property
    def project(self) -> str:
        """The project's id where it is known, else its number, else an empty string."""
        return self.project_id or project_of(self.key.name) or self.project_number


@lru_cache(maxsize=1024)
def project_number(ancestor: str) -> str:
    """The number in ``projects/NUMBER``, or an empty string where the ancestor is another."""
    number = ancestor[9:]
    return number if ancestor.startswith("projects/") and number.isdigit() else ""


encode = msgspec.json.Encoder().encode


def decode(stored: bytes | str) -> Observation:
    """Read the stored form of an observation.

    Raises:
        CorruptState: it is not the stored form.
    """
    try:
        return _decode_stored(stored)
    except UNREADABLE as error:
        raise CorruptState(
            f"a stored observation cannot be read ({reason_of(error)}); the next one will replace it"
        ) from None


def readable(stored: bytes | str | None) -> Observation | None:
    """Decode the stored form of an observation; None if it is empty or cannot be read."""
    if not stored:
        return None
    try:
        return decode(stored)
    except CorruptState:
        return None


def decode_readable(stored: Iterable[tuple[ResourceKey, bytes | str | None]]) -> dict[ResourceKey, Observation]:
    """Decode many stored observations; omit those that are empty or cannot be read."""
    readable = {}
    for key, body in stored:
        if body:
            with suppress(CorruptState):
                readable[key] = decode(body)
    return readable


_decode_stored = msgspec.json.Decoder(Observation).decode


class _Resource(msgspec.Struct, rename="camel", gc=False):
    data: dict[str, Any] | None = None
    discovery_document_uri: str | None = None
    discovery_name: str | None = None
    location: str | None = None


_NO_RESOURCE = _Resource()


class _Asset(msgspec.Struct, rename="camel", gc=False):
    name: str
    asset_type: str
    update_time: Instant | None = None
    ancestors: tuple[str, ...] | None = None
    resource: _Resource | None = None
    iam_policy: dict[str, Any] | None = None
    org_policy: list[dict[str, Any]] | None = None
    access_policy: dict[str, Any] | None = None
    access_level: dict[str, Any] | None = None
    service_perimeter: dict[str, Any] | None = None
    asset_exceptions: tuple[dict[str, Any], ...] | None = None


class _Window(msgspec.Struct, rename="camel", gc=False):
    start_time: Instant | None = None


class _TemporalAsset(msgspec.Struct, rename="camel", gc=False):
    asset: _Asset | None = None
    prior_asset: msgspec.Raw = msgspec.Raw()
    window: _Window | None = None
    deleted: bool | None = False


_decode_message = msgspec.json.Decoder(_TemporalAsset).decode
_decode_prior = msgspec.json.Decoder(_Asset | None).decode


def parse(message: bytes, attributes: Mapping[str, str] | None = None) -> Observation | None:
    """Read one feed message.

    Args:
        message: the message's data, JSON in UTF-8.
        attributes: the message's attributes; feeds document none, and none is needed.

    Returns:
        The observation, or None for the welcome message that a new feed sends once.

    Raises:
        MalformedMessage: names the problem and its byte offset or field, and never quotes the message.
    """
    del attributes
    if message.startswith(WELCOME):
        return None
    try:
        temporal = _decode_message(message)
    except _UNREADABLE_JSON as error:
        raise _malformed(error, message, "") from None
    asset, prior = temporal.asset, None
    content = _content(asset) if asset is not None and not temporal.deleted else None
    if asset is None or content is None:
        prior = _prior(temporal.prior_asset)
    if asset is None and not (temporal.deleted and prior):
        where = "priorAsset" if temporal.deleted else "asset"
        raise MalformedMessage(f"not a feed message: field `{where}` is missing")
    return _observation(temporal, asset, prior, content)


def _observation(
    temporal: _TemporalAsset, asset: _Asset | None, prior: _Asset | None, content: Content | None
) -> Observation:
    known = asset or prior
    assert known is not None  # noqa: S101 - parse() has checked it; the assertion is for the type checker
    deleted = bool(temporal.deleted)
    described = prior if deleted and prior else known
    if content is None:
        # The prior state gives the content: a deleted policy comes with an empty resource.
        content = (prior and _content(prior)) or (asset and _content(asset)) or "resource"
    resource, asset_type = known.resource or _NO_RESOURCE, known.asset_type
    key = _key(known.name, asset_type, content)
    if key.content == "access_policy":
        name, asset_type = _access_policy_part(described or known, known.name, asset_type)
        key = _key(name, asset_type, "access_policy")
    content = key.content
    observed_at = known.update_time
    if deleted or known is not asset or observed_at is None or observed_at.tzinfo is not UTC:
        observed_at = _observed_at(temporal, asset, prior)
    # By position, which costs half of what keywords do: in the order of the fields.
    return Observation(
        key,
        asset_type,
        observed_at,
        deleted,
        resource.data if content == "resource" and described is known else _data(described or known, content),
        known.ancestors or (),
        "",
        resource.location or "",
        resource.discovery_document_uri or "",
        resource.discovery_name or "",
        known.asset_exceptions is not None and _is_truncated(known.asset_exceptions),
        temporal.window.start_time if temporal.window is not None else None,
    )


@lru_cache(maxsize=8192)
def _key(name: str, asset_type: str, content: Content) -> ResourceKey:
    """The key of an asset, whose name and type are checked."""
    name = _full_name(name)
    if _required(asset_type, "assetType").startswith(_OWN_TYPES):
        raise MalformedMessage("not a feed message: field `asset.assetType` is one of Setpoint's own")
    if content == "resource":
        content = content_of(asset_type)
    return ResourceKey(inventory_names.inventory_name(asset_type, name), content)


_OWN_TYPES = "setpoint.dev/"
"""Prefix of the types of the installation's own observations, which come from no feed."""


def _is_truncated(exceptions: Iterable[Mapping[str, Any]]) -> bool:
    return any(exception.get("exceptionType") == "TRUNCATION" for exception in exceptions)


def _prior(raw: msgspec.Raw) -> _Asset | None:
    try:
        return _decode_prior(raw) if raw else None
    except _UNREADABLE_JSON as error:
        raise _malformed(error, raw, "priorAsset") from None


_UNREADABLE_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _malformed(error: Exception, raw: Any, where: str) -> MalformedMessage:
    reason = reason_of(error, where)
    is_syntax = isinstance(error, msgspec.DecodeError) and not isinstance(error, msgspec.ValidationError)
    if is_syntax and "byte" not in reason:
        reason = f"{reason} (byte {len(raw)})"
    return MalformedMessage(f"not a feed message: {reason}")


def _content(asset: _Asset) -> Content | None:
    """The content that an asset carries; an empty policy or list is left out of the JSON, so None is possible."""
    if asset.iam_policy is not None:
        return "iam_policy"
    if asset.org_policy is not None:
        return "org_policy"
    if asset.access_policy or asset.access_level or asset.service_perimeter:
        return "access_policy"
    return None if asset.resource is None else "resource"


def _data(asset: _Asset, content: Content) -> Any:
    if content == "resource":
        return asset.resource.data if asset.resource else None
    if content == "iam_policy":
        return asset.iam_policy or {}
    if content == "org_policy":
        return asset.org_policy or []
    policy = asset.access_policy or asset.access_level or asset.service_perimeter
    return policy or (asset.resource.data if asset.resource else None)


_ACCESS_HOST = "//accesscontextmanager.googleapis.com"


def _access_policy_part(asset: _Asset, name: str, asset_type: str) -> tuple[str, str]:
    """The own name and type of an access level, perimeter or policy inside an asset of its organisation or policy."""
    parts = (
        (asset.access_level, "AccessLevel"),
        (asset.service_perimeter, "ServicePerimeter"),
        (asset.access_policy, "AccessPolicy"),
    )
    for part, kind in parts:
        own = part.get("name") if part else None
        if isinstance(own, str) and own.startswith("accessPolicies/"):
            return f"{_ACCESS_HOST}/{own}", f"accesscontextmanager.googleapis.com/{kind}"
    return name, asset_type


def _full_name(name: str) -> str:
    if name.startswith("//") and name.find("/", 2) >= 0:
        return name
    _required(name, "name")
    raise MalformedMessage("not a feed message: field `asset.name` is not a full resource name")


def _required(value: str, field: str) -> str:
    if not value:
        raise MalformedMessage(f"not a feed message: field `asset.{field}` is empty")
    return value


def _observed_at(temporal: _TemporalAsset, asset: _Asset | None, prior: _Asset | None) -> datetime:
    """``asset.updateTime``, else the start of the window; for a deletion the latest time in the message.

    A deletion without ``asset`` has no update time of its own, and it is later than the state before it.
    """
    if asset is not None and not temporal.deleted and (time := asset.update_time) is not None and time.tzinfo is UTC:
        return time
    window = temporal.window.start_time if temporal.window else None
    times = [time for time in (asset and asset.update_time, window, prior and prior.update_time) if time]
    if not times:
        raise MalformedMessage("not a feed message: neither `asset.updateTime` nor `window.startTime` is there")
    try:
        return (max(times) if temporal.deleted else times[0]).astimezone(UTC)
    except OverflowError:
        raise MalformedMessage("not a feed message: field `asset.updateTime` is out of range") from None
