"""Readings of a resource through its own API, for the fields that Cloud Asset Inventory does not carry."""

from __future__ import annotations

from datetime import datetime

import msgspec

from setpoint.model.difference import Difference


class ApiReading(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last reading of a resource through its own API, and when the next one is due.

    Args:
        due: when it is to be read; None where nothing has changed since.
        read_at: when it was last read; None where it never was.
        problem: why the last try gave nothing; empty where it did not fail.
        differences: what the last reading showed, up to a size; of fields that the inventory carries it tells again.
        desired: digest of what was declared then.
    """

    due: datetime | None = None
    read_at: datetime | None = None
    problem: str = ""
    differences: tuple[Difference, ...] = ()
    desired: str = ""
