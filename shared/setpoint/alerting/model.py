"""The records of alerting: notices, threads, and the windows in which findings are grouped.

A *notice* is one finding for one destination. A *thread* is one message with its replies: it shows all notices of one
cause. A *window* says which thread takes further findings of a cause, and until when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from setpoint.errors import CorruptState
from setpoint.model import newer_fields
from setpoint.model.alerting_config import Destination
from setpoint.model.decode_errors import UNREADABLE, reason_of
from setpoint.model.events import CloudEvent, DriftData
from setpoint.model.notice_view import FindingView, GroupKey, TimelineEntry
from setpoint.model.record_size import shortened
from setpoint.model.remediation_attempt import UNDER_WAY
from setpoint.model.resource_key import ResourceKey

_MAX_STEPS = 24
_MAX_FIELDS = 12
_LONGEST_VALUE = 1_000


class AlertNotice(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One finding for one destination.

    Args:
        key: the resource and content.
        to: the destination.
        thread: the thread that shows it; empty where it goes into a digest, or is not sent.
        shown: the state to show, with the differences up to a size.
        cause: the cause that groups it with other findings, by all its differences.
        sequence: number of the latest event in it; events with a number that is not greater are ignored.
        joined_at: when it joined its thread.
        shown_sequence: number of the event that the message shows; None for none; stored as ``told``.
        not_before: the earliest time to send it, where that is not at once.
        is_escalation: it is sent only where nobody has acted on the finding by then.
        is_digest: it is sent in a digest.
        is_silent: it is never sent: the finding was acted on before the escalation, or is exempt.
        is_acceptance: it exists because the drift was accepted or a request was ordered; a later episode of the
            finding does not continue it by itself.
        schema: the form of the record.
        displayed: the drift that the message shows; empty if it shows another one.
        displayed_at: since when.
    """

    key: ResourceKey
    to: Destination
    thread: str
    shown: FindingView
    cause: GroupKey
    sequence: str
    joined_at: datetime
    shown_sequence: str = msgspec.field(default="", name="told")
    not_before: datetime | None = None
    is_escalation: bool = False
    is_digest: bool = False
    is_silent: bool = False
    is_acceptance: bool = False
    schema: int = 1
    displayed: str = ""
    displayed_at: datetime | None = None

    @property
    def id(self) -> str:
        """Its id, which never changes."""
        return _digest(self.key.id, self.to.id, self.thread)

    @property
    def is_new(self) -> bool:
        """Whether its latest state is not shown yet."""
        return self.shown_sequence != self.sequence and not self.is_silent

    @property
    def due(self) -> datetime | None:
        """When it is due; None where there is nothing to send."""
        return (self.not_before or self.joined_at) if self.is_new else None


class Thread(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One message with its replies.

    Args:
        id: its id.
        to: the destination.
        cause: the cause that its findings share.
        opened_at: when its first finding came.
        channel: the channel as the sink knows it; empty until it is posted.
        ts: the message in the channel.
        is_tried: an attempt to post it ended without an answer.
        size: the number of findings that it showed last.
        shown_at: when it was last shown.
        not_before: when to try again after the sink refused for its rate limit.
        claimed_until: the end of the claim of the process that is showing it.
        failures: failures in a row.
        problem: why it cannot be shown.
        listed: the notices whose details are in a reply.
        schema: the form of the record.
    """

    id: str
    to: Destination
    cause: GroupKey
    opened_at: datetime
    channel: str = ""
    ts: str = ""
    is_tried: bool = False
    size: int = 0
    shown_at: datetime | None = None
    not_before: datetime | None = None
    claimed_until: datetime | None = None
    failures: int = 0
    problem: str = ""
    listed: tuple[str, ...] = ()
    schema: int = 1


class GroupWindow(msgspec.Struct, frozen=True, omit_defaults=True):
    """The thread that takes further findings of a cause.

    Args:
        thread: the thread.
        number: the number of threads of the cause so far.
        closes_at: until when it takes findings.
        actor: who changed the resources; empty while that is not known.
    """

    thread: str
    number: int
    closes_at: datetime
    actor: str = ""


class ChannelRateLimit(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rate limit of a channel: when it takes the next message."""

    free_at: datetime


_encode = msgspec.json.Encoder().encode


AlertRecord = AlertNotice | Thread | GroupWindow | ChannelRateLimit
"""The records of alerting."""


def encode_record(value: AlertRecord, before: bytes = b"") -> bytes:
    """The stored form of a record, with the unknown fields of the record that it replaces, damaged or not.

    Args:
        value: the record.
        before: the stored form that it replaces; empty for none.
    """
    body = _encode(value)
    if not before:
        return body
    try:
        known = _encode(decode_record(before, type(value)))
    except CorruptState:
        fields = newer_fields.unknown_names(before, type(value))
    else:
        fields = newer_fields.newer_fields(before, known)
    return newer_fields.with_newer_fields(body, fields) if fields is not None else body


def decode_record(stored: bytes, kind: type[Any], record: str = "") -> Any:
    """Read the stored form of a record.

    Args:
        stored: the stored form.
        kind: what it is.
        record: its collection and id, for the error.

    Raises:
        NewerRecord: a newer version wrote it.
        CorruptState: it is not the stored form.
    """
    shown = f"the alert record {record or 'of some finding'}"
    newer_fields.check_schema(stored, shown, record)
    try:
        return msgspec.json.decode(stored, type=kind)
    except UNREADABLE as error:
        raise CorruptState(
            f"{shown} cannot be read ({reason_of(error)}); the next event of its finding replaces it", record
        ) from None


def window_id(to: Destination, cause: str, actor: str = "") -> str:
    """The id of the window of a cause at a destination, for one actor where the open window is another actor's."""
    return _digest(to.id, cause, actor)


def reply_id(place: str, members: Iterable[str]) -> str:
    """The id of a reply or digest about several findings: equal for the same findings."""
    return _digest(place, *sorted(members))


def accepts(window: GroupWindow, actor: str, now: datetime) -> bool:
    """Whether the thread of a window takes a finding: the window is open, and its actor is not another one."""
    return now < window.closes_at and (not actor or window.actor in ("", actor))


def next_window(before: GroupWindow | None, name: str, actor: str, now: datetime, seconds: float) -> GroupWindow:
    """The next window of a cause, with a new thread."""
    number = (before.number if before is not None else 0) + 1
    return GroupWindow(f"{name}-{number}", number, now + timedelta(seconds=seconds), actor)


def actor_of(data: DriftData) -> str:
    """The actor of a drift, where the confidence is high enough to keep others' drifts apart."""
    return data.actor.principal if data.actor is not None and data.actor.confidence != "possible" else ""


def start(event: CloudEvent) -> FindingView:
    """The state to show of a finding that was not shown before."""
    data = compact(event.data)
    return FindingView(event.type, event.time, data, (_step(event),))


def advance(before: FindingView, event: CloudEvent, quiet_until: datetime | None) -> FindingView:
    """The state to show of a finding after a further event."""
    data = compact(event.data)
    is_same = data.fingerprint == before.data.fingerprint and data.episodes == before.data.episodes
    if data.remediation is None and is_same:
        data = replace(data, remediation=before.data.remediation)
    return FindingView(event.type, event.time, data, (*before.steps, _step(event))[-_MAX_STEPS:], quiet_until)


def _step(event: CloudEvent) -> TimelineEntry:
    remediation = event.data.remediation
    if remediation is not None and event.type.startswith("remediation."):
        return TimelineEntry(event.time, event.type, remediation.approved_by, remediation.reason)
    return TimelineEntry(event.time, event.type, text=event.data.reason)


def compact(data: DriftData) -> DriftData:
    """A finding with its differences cut to what a message has room for."""
    remediation = None if data.remediation is None else replace(data.remediation, declared=None)
    differences = tuple(shortened(difference, _LONGEST_VALUE) for difference in data.differences[:_MAX_FIELDS])
    return replace(data, differences=differences, previous_data=None, remediation=remediation)


def is_obsolete(notice: AlertNotice) -> bool:
    """Whether an escalation is obsolete: the drift is over, or a person has acted on it."""
    data, steps = notice.shown.data, notice.shown.steps
    remediation = data.remediation
    is_acted_on = any(step.by for step in steps) or (remediation is not None and remediation.step in UNDER_WAY)
    return notice.is_escalation and not notice.shown_sequence and (data.status != "open" or is_acted_on)


def is_shown(notice: AlertNotice, now: datetime) -> bool:
    """Whether the message of a thread includes a notice."""
    return not notice.is_silent and (notice.not_before is None or notice.not_before <= now)


def new_thread(thread: str, notice: AlertNotice) -> Thread:
    """A thread that is not posted yet."""
    return Thread(id=thread, to=notice.to, cause=notice.cause, opened_at=notice.joined_at)


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()
