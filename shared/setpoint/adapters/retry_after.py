"""Parse the header ``Retry-After``."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime

from setpoint.util.clock import in_utc, utc_now

LONGEST = 3600.0
"""Maximum wait in seconds; who asks for more is asked again after it."""
_UNTOLD = 30.0


def seconds_of(header: str | None) -> float:
    """Seconds to wait, from a number of seconds or a date; 30 for a missing or invalid header, at most an hour."""
    seconds = requested_seconds(header)
    return _UNTOLD if seconds is None else seconds


def requested_seconds(header: str | None) -> float | None:
    """Seconds that a header asks to wait, at most an hour; None for a missing or invalid one.

    Source: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
    """
    value = (header or "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value[:9]), LONGEST)
    time = http_date(value)
    return None if time is None else min(max((time - utc_now()).total_seconds(), 0.0), LONGEST)


def http_date(value: str) -> datetime | None:
    """A date of HTTP; None for anything else."""
    try:
        return in_utc(parsedate_to_datetime(value))
    except ValueError:
        return None
