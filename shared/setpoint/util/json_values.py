"""Values of JSON whose type is not known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def as_object(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def put(holder: dict[str, Any], keys: Iterable[str], value: Any) -> None:
    """Set a value under a path of keys, and make the objects that are missing on the way."""
    *way, last = keys
    for key in way:
        holder = holder.setdefault(key, {})
    holder[last] = value
