"""Leaving out of both sides what a declaration says is not to be compared.

A pattern is a field path in which ``*`` stands for any key and ``[*]`` for any list element; it covers all below it.
"""

from __future__ import annotations

from typing import Any

from setpoint.core import paths


def without(data: Any, patterns: tuple[str, ...]) -> Any:
    """The data less all that a pattern covers; what no pattern touches is shared, not copied.

    Raises:
        BadDeclaration: a pattern is not a field path.
    """
    for pattern in patterns:
        data = _without(data, paths.parse(pattern))
    return data


def covered(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern covers the path of a difference; for what is not compared field by field."""
    return any(_covers(paths.parse(pattern), paths.parse(path)) for pattern in patterns)


def _covers(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(pattern) <= len(path) and all(
        part == at or part == ("[*]" if at.startswith("[") else "*") for part, at in zip(pattern, path, strict=False)
    )


def _without(data: Any, parts: tuple[str, ...]) -> Any:
    head, rest = parts[0], parts[1:]
    if isinstance(data, dict):
        return _without_key(data, head, rest)
    if isinstance(data, list):
        if not head.startswith("["):
            return data
        return [
            _without(element, rest) if rest and _is_meant(head, at, element) else element
            for at, element in enumerate(data)
            if rest or not _is_meant(head, at, element)
        ]
    return data


def _without_key(data: dict[str, Any], head: str, rest: tuple[str, ...]) -> dict[str, Any]:
    keys = [key for key in data if head in (key, "*")]
    if not keys:
        return data
    kept = dict(data)
    for key in keys:
        if rest:
            kept[key] = _without(data[key], rest)
        else:
            del kept[key]
    return kept


def _is_meant(part: str, at: int, element: Any) -> bool:
    """Whether ``[*]``, ``[2]`` or ``[priority=1000]`` means this element."""
    inner = part[1:-1]
    if inner == "*":
        return True
    key, has_value, value = inner.partition("=")
    if has_value and isinstance(element, dict):
        return str(element.get(key)) == value
    return inner == str(at)
