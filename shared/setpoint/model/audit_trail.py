"""The audit trail of a finding: what was decided and done, by whom, on which reading; nothing of it is ever changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from setpoint.model.decode_errors import UNREADABLE

Action = Literal[
    "leave",  # nothing is to be done, by anybody
    "stop",  # a brake holds it, until somebody looks
    "wait",  # later
    "ask",  # a person is to approve
    "rehearse",  # nothing is written, or handed off, in a dry run
    "hand_off",  # somebody else puts it back
    "act",
]


class Reason(msgspec.Struct, frozen=True):
    """Something that speaks for putting a drift back, or against it.

    Args:
        text: what it is.
        action: what follows from it alone; ``act`` speaks for it.
        until: when it may no longer hold; None where nobody knows.
    """

    text: str
    action: Action = "act"
    until: datetime | None = None


class AuditEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the trail.

    Args:
        recorded_at: when.
        what: what was decided or done, ``act``, ``wait``, ``written``, ``approved``, ….
        by: a person, or the worker that did it.
        fingerprint: the drift that it is about.
        observed_at: the reading that it was decided on, or None where there was none.
        reasons: all that spoke for it and against it.
        summary: what is written, a line a field, without secrets.
        text: what came of it, in words.
    """

    recorded_at: datetime = msgspec.field(name="at")
    what: str
    by: str = ""
    fingerprint: str = ""
    observed_at: datetime | None = None
    reasons: tuple[Reason, ...] = ()
    summary: tuple[str, ...] = ()
    text: str = ""


encode_entry = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AuditEntry).decode


def decode_entries(stored: Iterable[bytes | str]) -> tuple[AuditEntry, ...]:
    """Read the stored form of entries, in the order of their times; one that cannot be read says so, first of all."""
    return tuple(sorted(map(_readable, stored), key=lambda entry: entry.recorded_at))


def _readable(stored: bytes | str) -> AuditEntry:
    try:
        return _decode(stored)
    except UNREADABLE as error:
        return AuditEntry(_NO_TIME, "unreadable", text=f"an entry of this trail cannot be read ({error})")


_NO_TIME = datetime.fromtimestamp(0, UTC)
