"""The time at which a drift began, from observations."""

from __future__ import annotations

from datetime import datetime

import msgspec


class DriftOnset(msgspec.Struct, frozen=True, omit_defaults=True):
    """The time at which a drift reached its current form.

    Args:
        seen: the first observation that showed it.
        clear: the latest observation without it before ``seen``, or at the same time; None if there is none.
        declared: the declaration changed, and not the resource.
        again: some of the next observations that showed it; one of them becomes the first if a late observation did not
            show the drift.
    """

    seen: datetime
    clear: datetime | None = None
    declared: bool = False
    again: tuple[datetime, ...] = ()
