"""Leave out of exported data what every message hides: a file in a request is read by more people than a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setpoint.model import field_path
from setpoint.model.field_path import Path

_HIDDEN = object()


def without_hidden(data: Mapping[str, Any], shown: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The data with no more values than a message shows, and the paths of those that are left out.

    A list that holds a hidden value itself is left out as a whole, since a part of it would declare another list.

    Args:
        data: the exported data; a list has all elements of the observed one.
        shown: the observed resource with masked values.
    """
    left_out: list[str] = []
    return _of_map(field_path.ROOT, data, shown, left_out), tuple(left_out)


def _of_map(path: Path, data: Mapping[str, Any], shown: Any, left_out: list[str]) -> dict[str, Any]:
    kept = {}
    for key, value in data.items():
        if not isinstance(shown, Mapping) or key not in shown:
            # The key itself is hidden, so that the path ends above it.
            left_out.append(field_path.text(path))
            continue
        part = _of_value((path, key), value, shown[key], left_out)
        if part is _HIDDEN:
            left_out.append(field_path.text((path, key)))
        elif part or not value:
            kept[key] = part
    return kept


def _of_value(path: Path, value: Any, shown: Any, left_out: list[str]) -> Any:
    if isinstance(value, Mapping):
        return _of_map(path, value, shown, left_out)
    if not isinstance(value, list):
        return value if value == shown else _HIDDEN
    if not isinstance(shown, list) or len(shown) != len(value):
        return _HIDDEN
    inner: list[str] = []
    parts = [
        _of_value((path, field_path.index(index)), element, seen, inner)
        for index, (element, seen) in enumerate(zip(value, shown, strict=True))
    ]
    if any(part is _HIDDEN for part in parts):
        return _HIDDEN
    left_out += inner
    return parts
