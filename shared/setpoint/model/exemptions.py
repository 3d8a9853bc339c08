"""Leaving a finding alone until then, because."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Exemption(msgspec.Struct, frozen=True, omit_defaults=True):
    """Leave this alone until then, because.

    Args:
        reason: why.
        by: who said so.
        since: when.
        until: when it ends by itself; None for never.
        fingerprint: only the drift with this fingerprint, as it was when somebody accepted it; empty for any.
    """

    reason: str
    by: str
    since: datetime
    until: datetime | None = None
    fingerprint: str = ""


def is_in_force(exemption: Exemption | None, fingerprint: str, now: datetime) -> bool:
    """Whether a drift is exempted now."""
    if exemption is None or (exemption.until is not None and exemption.until <= now):
        return False
    return exemption.fingerprint in ("", fingerprint)
