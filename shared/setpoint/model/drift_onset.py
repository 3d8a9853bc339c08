"""When a drift began, as far as observations tell."""

from __future__ import annotations

from datetime import datetime

import msgspec


class DriftOnset(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a drift became what it is.

    Args:
        seen: the observation that first showed it so.
        clear: the latest observation before that one, or of the same instant, which showed something else; None where
            none is known.
        declared: nobody has changed the resource, what is declared of it became something else.
        again: the observations after the first that showed it so, up to some: one that comes late and shows something
            else makes another of them the first.
    """

    seen: datetime
    clear: datetime | None = None
    declared: bool = False
    again: tuple[datetime, ...] = ()
