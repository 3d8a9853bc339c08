"""A stored record that cannot be read, as a record of its own."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from setpoint.errors import CorruptState, NewerRecord
from setpoint.model.decode_errors import UNREADABLE

_AGAIN = timedelta(minutes=10)
"""Runs that meet a problem within this time count once, so that a problem costs few writes however often it is met."""
_MOST_LETTERS = 500


class RecordProblem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record that cannot be read.

    Args:
        record: its collection and id, ``findings/00ff…``.
        reason: why, and what to do.
        first_seen: when it was first met.
        last_seen: when it was last met, to ten minutes.
        resource: the full resource name that it is about; empty where that is not known.
        is_newer: whether a newer version wrote it; it is left alone then.
        count: in how many periods of ten minutes it was met.
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
        """Its own id."""
        return problem_id(self.record)


def problem_id(record: str) -> str:
    """The id of the problem of a record."""
    return hashlib.blake2b(record.encode(), digest_size=12).hexdigest()


def met(before: RecordProblem | None, error: CorruptState, now: datetime) -> RecordProblem | None:
    """The problem after a record was met that cannot be read; None where that was noted a moment ago.

    Args:
        before: what is known of it.
        error: why it cannot be read; it names its record.
        now: the time.
    """
    if before is None:
        reason = str(error)[:_MOST_LETTERS]
        return RecordProblem(error.record, reason, now, now, error.resource, isinstance(error, NewerRecord))
    if now - before.last_seen < _AGAIN:
        return None
    return replace(before, last_seen=now, count=before.count + 1)


encode_problem = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RecordProblem).decode


def decode_problem(stored: bytes) -> RecordProblem | None:
    """Read the stored form of a problem; None where it cannot be read, since it will be noted again."""
    try:
        return _decode(stored)
    except UNREADABLE:
        return None
