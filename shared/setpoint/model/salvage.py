"""Recover a damaged record of a finding: each field that can be read, without the others."""

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
"""Fields that one verdict sets together: if one is lost, the resource is evaluated again."""
_REQUIRED = ("key", "asset_type", "observed_at")


_ORDERS = frozenset(("exemption", "remedy"))
"""Fields that may forbid a write."""


class Salvaged(NamedTuple):
    """The result of recovering a damaged record.

    Args:
        state: the recovered record; None if its resource is unknown.
        lost: the stored names of the fields that could not be read.
        may_forbid_writes: whether a lost field may have forbidden writes to the resource.
    """

    state: ResourceState | None
    lost: frozenset[str]
    may_forbid_writes: bool


def salvage(stored: bytes | str, key: ResourceKey | None, last: Observation | None, now: datetime) -> Salvaged:
    """Recover every readable field of a record.

    Readable exemptions, remediation and pending events are kept. A lost sequence number is replaced by the current time
    in microseconds since 1970, which is higher than any assigned number, so that no event id recurs, not even where a
    record is damaged twice within a second.

    Args:
        stored: the damaged record.
        key: the resource and content, if the store knows them from elsewhere; None otherwise.
        last: the last observation of the resource; None if it cannot be read.
        now: the current time.
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
        parts["sequence"] = int(now.timestamp() * 1_000_000)
    names = {field.encode_name: field.name for field in msgspec.structs.fields(ResourceState)}
    state = ResourceState(**{names[name]: value for name, value in parts.items()})
    if lost & _VERDICT:
        state = replace(state, fingerprint="", judged_by="", settling=None, suppressed=(), onset=None)
    return Salvaged(state, frozenset(lost), bool(lost & _ORDERS))


def _parts(stored: bytes | str) -> tuple[dict[str, Any], set[str]]:
    """The readable fields by their stored names, and the names of the unreadable ones."""
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
    """The readable events of a list."""
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
