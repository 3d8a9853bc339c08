"""Helpers for traversing an author's tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from setpoint.declarations.readers.shape_matching import from_json


def plain(value: Any) -> Any:
    """A value without the string subclasses of readers; only plain JSON can be stored."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, str) else value


def inside(value: Any) -> Iterator[Any]:
    """A value and all values in it."""
    yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from inside(part)


def unpacked(text: str) -> Any:
    """The JSON value in a string, or the string."""
    decoded = from_json(text)
    return text if decoded is None else decoded
