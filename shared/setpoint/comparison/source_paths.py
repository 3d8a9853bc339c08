"""Map an API path to the path in the author's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setpoint.model import field_path

_LONGEST_POSITION = 10


def declared_path(origins: Mapping[str, str], data: Any, api_path: str) -> str:
    """The author's path of an API path, from the declared data.

    Args:
        origins: API path → author's path, wherever the two differ by more than what is around them: with
            `lifecycle.rule` from `spec.lifecycleRule`, `lifecycle.rule[0].action` needs no entry. The root is `""`.
        data: The declared data, for looking up elements that are identified by a field.
        api_path: As in `Difference.path`; an invalid path is followed as far as possible.
    """
    source_path = origins.get("", "")
    node, path = data, ""
    for part in field_path.readable(api_path):
        step = _step(node, part)
        if step is None:
            return source_path
        key, node = step
        path = join(path, key)
        origin = origins.get(path)
        source_path = origin if origin is not None else join(source_path, key)
    return source_path


def _step(node: Any, part: str) -> tuple[str, Any] | None:
    """The child of declared data with its key or position; None if it does not exist."""
    if isinstance(node, dict):
        return (part, node[part]) if part in node else None
    if not isinstance(node, list) or not isinstance(part, field_path.Element):
        return None
    name, named, value = part[1:-1].partition("=")
    if not named:
        return (part, node[int(name)]) if _is_position(name) and int(name) < len(node) else None
    for position, element in enumerate(node):
        if isinstance(element, dict) and str(element.get(name)) == value:
            return field_path.index(position), element
    return None


def _is_position(name: str) -> bool:
    return name.isdecimal() and name.isascii() and len(name) < _LONGEST_POSITION


def join(path: str, key: str) -> str:
    """A path and a key or list position below it."""
    text = field_path.text((None, key))
    return f"{path}{text}" if not path or text[:1] == "[" else f"{path}.{text}"
