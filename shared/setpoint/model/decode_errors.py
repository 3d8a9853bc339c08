"""Errors of msgspec for undecodable bytes, and listings that continue past undecodable records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from setpoint.errors import CorruptState

_T = TypeVar("_T")

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""The wrong type or no JSON; text that is not UTF-8; JSON that is nested too deeply."""


_DAMAGED = b"\0"


def stored_bytes(body: object) -> bytes:
    """The bytes of a record's body. An empty body, or one that is not text, is damaged: no decoder reads what it gives.

    Empty bytes stand for a record that is not there: a damaged one must not pass for that.
    """
    encoded = body.encode(errors="replace") if isinstance(body, str) else body
    return encoded if isinstance(encoded, bytes) and encoded else _DAMAGED


def readable(records: Iterable[_T | CorruptState], problems: list[CorruptState] | None = None) -> Iterator[_T]:
    """The readable records of a listing; one that cannot be read does not stop the others.

    Args:
        records: decoded records, or the errors of decoding.
        problems: takes the errors of records that cannot be read.

    Raises:
        CorruptState: at the end, without ``problems``: some records cannot be read; the error names the first.
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
    """Decode a record, or return the error.

    Args:
        decode: a function of the stored form and the record's name.
        stored: the stored form.
        name: the name of its record.
    """
    try:
        return decode(stored_bytes(stored), name)
    except CorruptState as error:
        return error
