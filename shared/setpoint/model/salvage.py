"""What can still be read of a damaged record of a finding: each field by itself, less those that cannot be read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.model.decode_errors import UNREADABLE
from setpoint.model.events import CloudEvent
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState

_VERDICT = frozenset(("fingerprint", "judged_by", "finding", "settling", "suppressed", "appeared"))
"""Fields that a verdict gives together: where one of them is lost, the resource is judged anew."""
_REQUIRED = ("key", "asset_type", "observed_at")


_ORDERS = frozenset(("exemption", "remedy"))
"""Fields that may forbid a write."""


class Salvaged(NamedTuple):
    """What could be read of a damaged record.

    Args:
        state: a record that can be written; None where not even its resource is known.
        lost: the stored names of the fields that could not be read.
        may_forbid_writes: whether what is lost may have forbidden to write to the resource.
    """

    state: ResourceState | None
    lost: frozenset[str]
    may_forbid_writes: bool


def salvage(stored: bytes | str, key: ResourceKey | None, last: Observation | None, now: datetime) -> Salvaged:
    """The record with every field that can be read.

    Exemptions, remediation and events that wait to be published are kept where they can be. A lost sequence number
    goes on from the present second since 1970, which is later than any that was given out: an event id never recurs.

    Args:
        stored: the damaged record.
        key: the resource and content, where the store knows it from elsewhere.
        last: the last observation of the resource, where it can be read.
        now: the time.
    """
    parts, lost = _parts(stored)
    if last is not None:
        known: dict[str, Any] = {"key": last.key, "asset_type": last.asset_type, "observed_at": last.observed_at}
        parts = known | parts
    if key is not None:
        parts.setdefault("key", key)
    if any(name not in parts for name in _REQUIRED):
        return Salvaged(None, frozenset(lost), may_forbid_writes=True)
    if "sequence" not in parts:
        parts["sequence"] = int(now.timestamp())
    names = {field.encode_name: field.name for field in msgspec.structs.fields(ResourceState)}
    state = ResourceState(**{names[name]: value for name, value in parts.items()})
    if lost & _VERDICT:
        state = replace(state, fingerprint="", judged_by="", settling=None, suppressed=(), onset=None)
    return Salvaged(state, frozenset(lost), bool(lost & _ORDERS))


def _parts(stored: bytes | str) -> tuple[dict[str, Any], set[str]]:
    """The readable fields by their stored names, and the names of those that are there and cannot be read."""
    try:
        raw = msgspec.json.decode(stored, type=dict[str, msgspec.Raw])
    except UNREADABLE:
        return {}, {*_VERDICT, *_ORDERS}
    parts: dict[str, Any] = {}
    lost: set[str] = set()
    for field in msgspec.structs.fields(ResourceState):
        name = field.encode_name
        if name not in raw:
            if name == "sequence":
                parts[name] = 0  # zero is not stored
            continue
        try:
            parts[name] = msgspec.json.decode(raw[name], type=field.type)
        except UNREADABLE:
            lost.add(name)
            if name == "pending":
                parts[name] = _events(raw[name])
    return parts, lost


def _events(raw: msgspec.Raw) -> tuple[CloudEvent, ...]:
    """The events of a list that can be read."""
    try:
        items = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except UNREADABLE:
        return ()
    events: list[CloudEvent] = []
    for item in items:
        try:
            events.append(msgspec.json.decode(item, type=CloudEvent))
        except UNREADABLE:
            continue
    return tuple(events)
