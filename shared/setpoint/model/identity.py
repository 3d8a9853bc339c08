"""Identify resources that share a name: one that was recreated under the same name is another resource."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from setpoint.util.clock import instant

_IDS = ("uniqueId", "uid", "projectNumber", "id")
"""Fields that the service sets at creation and never changes. ``id`` may be just the name."""
_TIMES = ("creationTimestamp", "timeCreated", "createTime", "creationTime")
"""Creation time; used if no id distinguishes the resources."""


_FIELDS = (*_IDS, *_TIMES)


def identity_of(data: Any) -> dict[str, str]:
    """The identifying fields of a resource: ids and the time of its making, as far as it has any."""
    if not isinstance(data, dict):
        return {}
    identity = {}
    for field in _FIELDS:  # a loop, since a comprehension is a call more
        if field in data:
            value = data[field]
            if isinstance(value, (str, int)):
                identity[field] = str(value)
    return identity


def created_at(data: Any) -> datetime | None:
    """When the service says that it created a resource; None where it says nothing that is a time."""
    if not isinstance(data, dict):
        return None
    for field in _TIMES:
        if (time := instant(data.get(field))) is not None:
            return time
    return None


def is_other(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether two identities are of two resources: they contradict each other in a part that both have."""
    if before == now:
        return False
    return any(
        value != now[field] and (field not in _TIMES or _are_other_times(value, now[field]))
        for field, value in before.items()
        if field in now
    )


def is_unproved(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether a reading lacks the known identity: it may be of another resource, or of none."""
    return bool(before) and before.keys().isdisjoint(now)


def _are_other_times(first: str, other: str) -> bool:
    """Whether two times are not the same second, however they are written; False if one of them is not a time."""
    seconds = _second(first), _second(other)
    return all(seconds) and seconds[0] != seconds[1]


def _second(time: str) -> str:
    """A time to the second, however it is written; empty where it is none."""
    parsed = instant(time)
    return "" if parsed is None else parsed.astimezone(UTC).replace(microsecond=0).isoformat()
