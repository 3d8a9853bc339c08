"""Map an API path to the path in the author's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setpoint.model import field_path


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
    position = field_path.position_of(part, node)
    return None if position is None else (field_path.index(position), node[position])


def join(path: str, key: str) -> str:
    """A path and a key or list position below it."""
    text = field_path.text((None, key))
    return f"{path}{text}" if not path or text[:1] == "[" else f"{path}.{text}"
