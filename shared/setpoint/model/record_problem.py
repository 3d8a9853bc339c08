"""A record about a stored record that cannot be read."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from setpoint.errors import CorruptState, NewerRecord
from setpoint.model.decode_errors import UNREADABLE

_AGAIN = timedelta(minutes=10)
"""Repeated errors within this time count once, to save writes."""
_MAX_LETTERS = 500


class RecordProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record that cannot be read.

    Args:
        record: its collection and id, ``findings/00ff…``.
        reason: the error, with the next step.
        first_seen: the time of the first error.
        last_seen: the time of the last error, to ten minutes.
        resource: full name of the resource; empty if unknown.
        is_newer: whether a newer version wrote the record, which is then left unchanged.
        count: number of ten-minute periods with errors.
    """

    record: str
    reason: str
    first_seen: datetime
    last_seen: datetime
    resource: str = ""
    is_newer: bool = False
    count: int = 1

    @property
    def id(self) -> str:
        """The id of the problem."""
        return problem_id(self.record)


def problem_id(record: str) -> str:
    """The id of the problem with a record."""
    return hashlib.blake2b(record.encode(), digest_size=12).hexdigest()


def recorded_again(before: RecordProblem | None, error: CorruptState, now: datetime) -> RecordProblem | None:
    """The problem after another error; None if it was recorded less than ten minutes ago.

    Args:
        before: the recorded problem; None if there is none.
        error: the error, which names its record.
        now: the current time.
    """
    if before is None:
        reason = str(error)[:_MAX_LETTERS]
        return RecordProblem(error.record, reason, now, now, error.resource, isinstance(error, NewerRecord))
    if now - before.last_seen < _AGAIN:
        return None
    return replace(before, last_seen=now, count=before.count + 1)


encode_problem = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RecordProblem).decode


def decode_problem(stored: bytes) -> RecordProblem | None:
    """Read the stored form of a problem; None if it cannot be read, since it will be recorded again."""
    try:
        return _decode(stored)
    except UNREADABLE:
        return None
