"""Which resource it is that bears a name: one that is made again under the same name is another one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_IDS = ("uniqueId", "uid", "projectNumber", "id")
"""Fields that the service gives a resource when it is made, and never changes. ``id`` may be no more than the name."""
_TIMES = ("creationTimestamp", "timeCreated", "createTime", "creationTime")
"""When it was made; they count where no id tells resources apart."""


def identity_of(data: Any) -> dict[str, str]:
    """What a resource tells of which one it is: ids and the time of its making, as far as it has any."""
    if not isinstance(data, Mapping):
        return {}
    ids = {field: str(data[field]) for field in _IDS if isinstance(data.get(field), str | int)}
    times = {field: time for field in _TIMES if (time := _second(data.get(field)))}
    return ids | times


def is_other(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether two identities are of two resources: they contradict each other in what both of them tell."""
    return any(before[field] != now[field] for field in before.keys() & now.keys())


def _second(time: Any) -> str:
    """A time to the second, however it is written; empty where it is none."""
    try:
        parsed = datetime.fromisoformat(time) if isinstance(time, str) else None
    except ValueError:
        return ""
    if parsed is None or parsed.tzinfo is None:
        return ""
    return parsed.astimezone(UTC).replace(microsecond=0).isoformat()
