"""Reads of a resource through its own API, for the fields that Cloud Asset Inventory does not carry."""

from __future__ import annotations

from datetime import datetime

import msgspec

from setpoint.model.difference import Difference


class ApiReading(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last read of a resource through its own API, and when the next one is due.

    Args:
        due: when the resource is due for a read; None if nothing has changed since the last one.
        read_at: the time of the last read; None if there was none.
        problem: the error of the last attempt; empty if it succeeded.
        differences: the differences of the last read, up to a size; those in fields of the inventory are included.
        desired: digest of the declarations at the last read.
    """

    due: datetime | None = None
    read_at: datetime | None = None
    problem: str = ""
    differences: tuple[Difference, ...] = ()
    desired: str = ""
