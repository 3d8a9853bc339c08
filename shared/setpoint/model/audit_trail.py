"""The append-only audit trail of a finding: each decision and action, who made it, and the observation behind it."""

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
    """A reason for or against remediating a drift.

    Args:
        text: the reason.
        action: the action that it asks for by itself; ``act`` is a reason for remediation.
        until: the time at which it may no longer hold; None where that is unknown.
    """

    text: str
    action: Action = "act"
    until: datetime | None = None


class AuditEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the trail.

    Args:
        recorded_at: the time of the entry.
        what: the decision or action: ``act``, ``wait``, ``written``, ``approved``, ….
        by: the person or worker.
        fingerprint: the drift.
        observed_at: the time of the observation behind it; None for none.
        reasons: all reasons for and against it.
        summary: the written fields, one a line, without secrets.
        text: the result in words.
        outcome: what came of the last attempt, as events tell it.
        proof: by what that is known.
    """

    recorded_at: datetime = msgspec.field(name="at")
    what: str
    by: str = ""
    fingerprint: str = ""
    observed_at: datetime | None = None
    reasons: tuple[Reason, ...] = ()
    summary: tuple[str, ...] = ()
    text: str = ""
    outcome: str = ""
    proof: str = ""


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
