"""When to ask again, as the header ``Retry-After`` says it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNTOLD = 30.0
_LONGEST = 3600.0


def seconds_of(header: str | None) -> float:
    """Seconds to wait, from a number of seconds or a date; half a minute where neither is told, an hour at most.

    Source: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
    """
    told = (header or "").strip()
    if told.isascii() and told.isdecimal():
        return min(float(told[:9]), _LONGEST)
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return _UNTOLD
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST)
