"""What is kept of what people were told: notices, the threads that show them, and which thread takes more.

A *notice* is one finding at one destination. A *thread* is one message, and what stands below it: it shows all notices
of one cause. A *window* says which thread of a cause takes more findings for a while.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from setpoint.errors import CorruptState
from setpoint.model.alerting_config import Destination
from setpoint.model.difference import Difference
from setpoint.model.events import CloudEvent, DriftData
from setpoint.model.notice_view import FindingView, GroupKey, GroupView, TimelineEntry
from setpoint.model.remediation_attempt import UNDER_WAY
from setpoint.model.resource_key import ResourceKey
from setpoint.model.severity import SEVERITIES

_MOST_STEPS = 24
_MOST_FIELDS = 12
_LONGEST_VALUE = 1_000
_SAMPLES = 10
_MOST_PROJECTS = 20
_MOST_NAMES = 10


class AlertNotice(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One finding at one destination.

    Args:
        key: the resource and content.
        to: where.
        thread: the thread that shows it; empty where it is told in a digest, or not at all.
        shown: what is to be shown of it, the differences up to a size.
        cause: what it has in common with others, by all its differences.
        sequence: number of the event that it is as of; none is taken that is not greater.
        joined_at: when it came to its thread.
        shown_sequence: number of the event that is on show; empty for none; stored as ``told``.
        not_before: when it may be told, where not at once.
        is_escalation: it is told only where nobody has acted on it until then.
        is_digest: it is told with others.
        is_silent: it is never told: somebody acted on it before anybody was to be called, or said to leave it alone.
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

    @property
    def id(self) -> str:
        """Its own id, the same for ever."""
        return _digest(self.key.id, self.to.id, self.thread)

    @property
    def is_new(self) -> bool:
        """Whether there is something of it to show that is not on show."""
        return self.shown_sequence != self.sequence and not self.is_silent

    @property
    def due(self) -> datetime | None:
        """When it is to be told; None where there is nothing to tell."""
        return (self.not_before or self.joined_at) if self.is_new else None


class Thread(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One message and what stands below it.

    Args:
        id: its own id.
        to: where.
        cause: what its findings have in common.
        opened_at: when the first of them came.
        channel: the channel as the sink knows it; empty while it was not posted.
        ts: the message in it.
        is_tried: it was tried to post it, and nobody knows what came of it.
        size: how many findings it showed last.
        shown_at: when that was.
        not_before: when to try again, where the sink took no more.
        claimed_until: somebody is showing it until then.
        failures: how often it failed in a row.
        problem: why it cannot be shown.
        listed: the notices of which all is told below the message.
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


class GroupWindow(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which thread of a cause takes more findings.

    Args:
        thread: the thread.
        number: how many there have been.
        closes_at: until when it takes more.
        actor: who is behind its findings; empty while that is not known.
    """

    thread: str
    number: int
    closes_at: datetime
    actor: str = ""


class ChannelRateLimit(msgspec.Struct, frozen=True, omit_defaults=True):
    """A destination: when it takes the next message."""

    free_at: datetime


_encode = msgspec.json.Encoder().encode


def encode_record(value: AlertNotice | Thread | GroupWindow | ChannelRateLimit) -> bytes:
    """The stored form of a record."""
    return _encode(value)


def decode_record(stored: bytes, kind: type[Any]) -> Any:
    """Read the stored form of a record.

    Raises:
        CorruptState: it is not the stored form.
    """
    try:
        return msgspec.json.decode(stored, type=kind)
    except msgspec.MsgspecError as error:
        raise CorruptState(f"a record of what people were told cannot be read ({error}); delete it") from None


def window_id(to: Destination, cause: str, actor: str = "") -> str:
    """The id of the window of a cause at a destination; of one actor's, where another's is open."""
    return _digest(to.id, cause, actor)


def reply_id(place: str, members: Iterable[str]) -> str:
    """The id of something that is told of many: the same for the same ones."""
    return _digest(place, *sorted(members))


def accepts(window: GroupWindow, actor: str, now: datetime) -> bool:
    """Whether a finding may be shown by the thread of a window: it is open, and nobody else is behind it."""
    return now < window.closes_at and (not actor or window.actor in ("", actor))


def next_window(before: GroupWindow | None, name: str, actor: str, now: datetime, seconds: float) -> GroupWindow:
    """The window after its thread takes no more."""
    number = (before.number if before is not None else 0) + 1
    return GroupWindow(f"{name}-{number}", number, now + timedelta(seconds=seconds), actor)


def actor_of(data: DriftData) -> str:
    """Who is behind a drift, where that is sure enough to say that others are by somebody else."""
    return data.actor.principal if data.actor is not None and data.actor.confidence != "possible" else ""


def start(event: CloudEvent) -> FindingView:
    """What is shown of a finding that nobody was told of."""
    data = compact(event.data)
    return FindingView(event.type, event.time, data, (_step(event),))


def advance(before: FindingView, event: CloudEvent, quiet_until: datetime | None) -> FindingView:
    """What is shown of a finding after one event more."""
    data = compact(event.data)
    is_same = data.fingerprint == before.data.fingerprint and data.episodes == before.data.episodes
    if data.remediation is None and is_same:
        data = replace(data, remediation=before.data.remediation)
    return FindingView(event.type, event.time, data, (*before.steps, _step(event))[-_MOST_STEPS:], quiet_until)


def _step(event: CloudEvent) -> TimelineEntry:
    remediation = event.data.remediation
    if remediation is not None and event.type.startswith("remediation."):
        return TimelineEntry(event.time, event.type, remediation.approved_by, remediation.reason)
    return TimelineEntry(event.time, event.type, text=event.data.reason)


def compact(data: DriftData) -> DriftData:
    """A finding without what no message has room for."""
    remediation = None if data.remediation is None else replace(data.remediation, declared=None)
    differences = tuple(_short(difference) for difference in data.differences[:_MOST_FIELDS])
    return replace(data, differences=differences, previous_data=None, remediation=remediation)


def _short(difference: Difference) -> Difference:
    sides = {
        side: f"({len(text):,} bytes)"
        for side in ("declared", "observed")
        if (value := getattr(difference, side)) is not msgspec.UNSET and len(text := _encode(value)) > _LONGEST_VALUE
    }
    return replace(difference, **sides) if sides else difference


def is_obsolete(notice: AlertNotice) -> bool:
    """Whether an escalation calls nobody any more: the drift is over, or somebody has acted on it."""
    data, steps = notice.shown.data, notice.shown.steps
    remediation = data.remediation
    is_acted_on = any(step.by for step in steps) or (remediation is not None and remediation.step in UNDER_WAY)
    return notice.is_escalation and not notice.shown_sequence and (data.status != "open" or is_acted_on)


def is_shown(notice: AlertNotice, now: datetime) -> bool:
    """Whether a notice belongs into the message of its thread."""
    return not notice.is_silent and (notice.not_before is None or notice.not_before <= now)


def view(thread: Thread, notices: Sequence[AlertNotice]) -> FindingView | GroupView:
    """What a thread's message shows: a finding, or several of one cause."""
    if len(notices) == 1:
        return notices[0].shown
    findings = [notice.shown for notice in notices]
    projects = Counter(finding.data.project for finding in findings)
    actors = Counter(finding.data.actor.principal if finding.data.actor is not None else "" for finding in findings)
    return GroupView(
        id=thread.id,
        cause=thread.cause,
        severity=max((finding.data.severity for finding in findings), key=SEVERITIES.index),
        opened_at=min(finding.data.first_seen for finding in findings),
        changed_at=max(finding.event_time for finding in findings),
        total=len(findings),
        statuses=_statuses(findings),
        severities=dict(Counter(finding.data.severity for finding in findings)),
        projects=dict(projects.most_common(_MOST_PROJECTS)),
        project_count=len(projects),
        teams=dict(Counter(finding.data.owner.team for finding in findings).most_common(_MOST_NAMES)),
        actors=dict(actors.most_common(_MOST_NAMES)),
        samples=tuple(sorted(findings, key=_worst_first)[:_SAMPLES]),
    )


def new_thread(thread: str, notice: AlertNotice) -> Thread:
    """A thread that was not shown yet."""
    return Thread(id=thread, to=notice.to, cause=notice.cause, opened_at=notice.joined_at)


def _statuses(findings: Iterable[FindingView]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.data.status] += 1
        remediation = finding.data.remediation
        if finding.data.status == "open" and remediation is not None:
            counts["awaiting"] += remediation.step == "asked"
            counts["remediating"] += remediation.step in UNDER_WAY
    return {name: count for name, count in counts.items() if count}


def _worst_first(shown: FindingView) -> tuple[bool, int, str]:
    return shown.data.status != "open", -SEVERITIES.index(shown.data.severity), shown.data.resource_name


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()
