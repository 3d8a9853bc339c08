"""The time now, and times as others write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

NEVER = datetime.max.replace(tzinfo=UTC)
"""Later than any other time."""


def utc_now() -> datetime:
    """The current time."""
    return datetime.now(UTC)


def in_utc(time: datetime) -> datetime:
    """A time with its zone: UTC where it names none."""
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def instant(text: Any) -> datetime | None:
    """A text in ISO 8601 with its zone; None for anything else, since a time without a zone may be any of many."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo is not None else None
