"""Walking what an author wrote: small helpers of `mapping`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from setpoint.declarations.readers.shape_matching import from_json


def plain(value: Any) -> Any:
    """A value without the marks that a reader has left on strings; only plain JSON can be stored."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, str) else value


def inside(value: Any) -> Iterator[Any]:
    """The value and all that it holds."""
    yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from inside(part)


def unpacked(text: str) -> Any:
    """What a string holds as JSON, or the string."""
    decoded = from_json(text)
    return text if decoded is None else decoded
