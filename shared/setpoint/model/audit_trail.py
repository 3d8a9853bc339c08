"""The append-only audit trail of a finding: each decision and action, who made it, and the observation behind it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from setpoint.model.decode_errors import UNREADABLE, reason_of

Action = Literal[
    "leave",  # nothing is to be done
    "stop",  # a guardrail stops it, until a person resumes
    "wait",  # later
    "ask",  # request approval
    "rehearse",  # dry run: nothing is written or delegated
    "hand_off",  # delegate
    "act",
]

_DISPLAYED = {
    "leave": "ignore",
    "ask": "request approval",
    "rehearse": "dry run",
    "hand_off": "delegate",
    "act": "remediate",
}
"""The terms that users read for stored words, which stay as they are."""


def display_text(what: str) -> str:
    """A decision or an action of the trail as users read it."""
    return _DISPLAYED.get(what, what)


class Reason(msgspec.Struct, frozen=True):
    """A reason for or against remediating a drift.

    Args:
        text: the reason.
        action: the action that it leads to by itself; ``act`` is a reason for remediation.
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
        outcome: the outcome of the last attempt, as in events.
        proof: the source of the outcome.
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


UNREADABLE_ENTRY = "unreadable"
"""The ``what`` of an entry that cannot be read."""

encode_entry = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(AuditEntry).decode


def decode_entries(stored: Iterable[bytes | str]) -> tuple[AuditEntry, ...]:
    """Read the stored form of entries, ordered by time; entries that cannot be read are reported first."""
    return tuple(sorted(map(_readable, stored), key=lambda entry: entry.recorded_at))


def _readable(stored: bytes | str) -> AuditEntry:
    try:
        return _decode(stored)
    except UNREADABLE as error:
        return AuditEntry(
            _NO_TIME, UNREADABLE_ENTRY, text=f"an entry of this trail cannot be read ({reason_of(error)})"
        )


_NO_TIME = datetime.fromtimestamp(0, UTC)
