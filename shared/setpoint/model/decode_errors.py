"""What msgspec raises for bytes that are not what they are to be, and how a listing goes on past them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from setpoint.errors import CorruptState

_T = TypeVar("_T")

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Another form or no JSON; text that is not UTF-8; JSON that is nested too deeply."""


def readable(records: Iterable[_T | CorruptState], problems: list[CorruptState] | None = None) -> Iterator[_T]:
    """The records of a listing that can be read; one that cannot keeps no other from being listed.

    Args:
        records: each as it was decoded, or why it cannot be.
        problems: why the others cannot be read is added here.

    Raises:
        CorruptState: at the end, without ``problems``: some cannot be read. It names the first of them.
    """
    unread: list[CorruptState] = [] if problems is None else problems
    for record in records:
        if isinstance(record, CorruptState):
            unread.append(record)
        else:
            yield record
    if problems is None and unread:
        more = f" ({len(unread) - 1} more cannot be read either)" if len(unread) > 1 else ""
        raise CorruptState(f"{unread[0]}{more}")


def tried(decode: Callable[[bytes | str, str], _T], stored: bytes | str, name: str) -> _T | CorruptState:
    """A record as it is decoded, or why it cannot be.

    Args:
        decode: takes the stored form and the name of its record.
        stored: the stored form.
        name: the name of its record.
    """
    try:
        return decode(stored, name)
    except CorruptState as error:
        return error
