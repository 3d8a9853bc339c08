"""Exemptions: a finding is suppressed until a date, with a reason."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Exemption(msgspec.Struct, frozen=True, omit_defaults=True):
    """An exemption of a finding.

    Args:
        reason: the reason.
        by: who decided it.
        since: its beginning.
        until: its end; None for no end.
        fingerprint: the drift that was accepted; empty for every drift of the finding.
        baseline: whether it is part of the baseline: drift that existed before alerting began.
    """

    reason: str
    by: str
    since: datetime
    until: datetime | None = None
    fingerprint: str = ""
    baseline: bool = False


def is_in_force(exemption: Exemption | None, fingerprint: str, now: datetime) -> bool:
    """Whether a drift is exempt now."""
    if exemption is None or (exemption.until is not None and exemption.until <= now):
        return False
    return exemption.fingerprint in ("", fingerprint)
