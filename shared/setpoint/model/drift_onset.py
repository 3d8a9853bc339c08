"""The time at which a drift began, from observations."""

from __future__ import annotations

from datetime import datetime

import msgspec


class DriftOnset(msgspec.Struct, frozen=True, omit_defaults=True):
    """The time at which a drift reached its current form.

    Args:
        seen: the first observation that showed it.
        clear: the latest observation before that one, or of the same instant, that did not show it; None for none.
        declared: the declaration changed, and not the resource.
        again: some of the next observations that showed it: one of them becomes the first where a late observation
            did not show it.
    """

    seen: datetime
    clear: datetime | None = None
    declared: bool = False
    again: tuple[datetime, ...] = ()
