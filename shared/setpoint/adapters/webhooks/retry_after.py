"""Parse the header ``Retry-After``."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNTOLD = 30.0
_LONGEST = 3600.0


def seconds_of(header: str | None) -> float:
    """Seconds to wait, from a number of seconds or a date; 30 for a missing or invalid header, at most an hour.

    Source: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
    """
    value = (header or "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:9]), _LONGEST)
    try:
        time = parsedate_to_datetime(value)
    except ValueError:
        return _UNTOLD
    time = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return min(max((time - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST)
