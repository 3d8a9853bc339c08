"""The stored changes of one resource and content: the latest few, without repeats, and a summary of those before.

A change that is no longer stored separately stays in the summary of its principal, so that no one can
remove their name from the candidates by further changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from setpoint.model import newer_fields
from setpoint.model.actors import AuditedChange
from setpoint.model.decode_errors import UNREADABLE

LIMIT = 8
"""Number of changes to keep one by one, and of summaries."""
KEPT = timedelta(days=7)
"""How long to keep a change; a sweep finds what a feed has dropped within hours."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[AuditedChange, ...]).decode


def encode_changes(changes: tuple[AuditedChange, ...], before: bytes | str = b"") -> bytes:
    """Encode changes, with the unknown fields of those that are replaced and unchanged.

    Args:
        changes: the changes.
        before: the stored form that is replaced; empty for none.
    """
    return newer_fields.with_stored_fields(before, _encode(decode_changes(before)), _encode(changes))


def decode_changes(stored: bytes | str) -> tuple[AuditedChange, ...]:
    """Read the stored form of changes; none where it is empty or cannot be read: the actor is then unknown."""
    if not stored:
        return ()
    try:
        return _decode(stored)
    except UNREADABLE:
        return ()


def remembered(changes: Iterable[AuditedChange], change: AuditedChange, now: datetime) -> tuple[AuditedChange, ...]:
    """Add a change; the result depends on no order or number of deliveries, while few principals change the resource.

    The summaries of older changes come first, then the latest changes, the oldest first.

    The first and the last entry of a long-running operation are one change.

    Args:
        changes: the stored changes.
        change: the new change.
        now: the time, by which old changes are dropped.
    """
    known: list[AuditedChange] = []
    stored = tuple(changes)
    for audited in sorted((*(entry for entry in stored if not entry.several), change), key=_order):
        place = next((place for place, other in enumerate(known) if _is_same(audited, other)), None)
        if place is None:
            known.append(audited)
        else:
            known[place] = _merged(known[place], audited)
    kept = [entry for entry in sorted(known, key=_order) if effective(entry) > now - KEPT]
    summaries = [entry for entry in stored if entry.several and effective(entry) > now - KEPT]
    return (*_summarized(summaries, kept[:-LIMIT]), *kept[-LIMIT:])


def _summarized(summaries: Iterable[AuditedChange], older: Iterable[AuditedChange]) -> list[AuditedChange]:
    """One summary for each principal; of more than ``LIMIT``, those that ended first become one without a name."""
    known: dict[str, AuditedChange] = {}
    for entry in (*summaries, *older):
        known[entry.principal] = _summary(known.get(entry.principal, entry), entry, entry.principal)
    ordered = sorted(known.values(), key=lambda entry: (effective(entry), entry.principal))
    while len(ordered) > LIMIT:
        first, second, *rest = ordered
        ordered = [_summary(first, second, ""), *rest]
    return sorted(ordered, key=_order)


def _summary(first: AuditedChange, other: AuditedChange, principal: str) -> AuditedChange:
    """Stands for two changes: it explains each drift that one of them explains."""
    known = min(first, other, key=_order)
    is_same = first.principal == other.principal
    return AuditedChange(
        principal=principal,
        method=known.method,
        requested_at=known.requested_at,
        done_at=max(effective(first), effective(other)),
        through=known.through if is_same else (),
        caller=known.caller if is_same else "",
        ip=known.ip if is_same else "",
        several=True,
    )


def effective(change: AuditedChange) -> datetime:
    """The time at which a change took effect, as far as that is known."""
    return change.done_at or change.requested_at


def _order(change: AuditedChange) -> tuple[datetime, datetime, str, str]:
    return change.requested_at, effective(change), change.log_id, change.principal


def _is_same(first: AuditedChange, other: AuditedChange) -> bool:
    if first.operation or other.operation:
        return first.operation == other.operation
    return first.log_id == other.log_id and first.requested_at == other.requested_at


def _merged(first: AuditedChange, other: AuditedChange) -> AuditedChange:
    """One change from two entries of an operation; the principal is from the first entry that names one."""
    known = first if first.principal or not other.principal else other
    done = max((change.done_at for change in (first, other) if change.done_at is not None), default=None)
    return replace(known, requested_at=min(first.requested_at, other.requested_at), done_at=done, log_id=first.log_id)
