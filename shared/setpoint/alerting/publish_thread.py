"""Showing a thread: its message and replies, rendered from its notices.

A process claims a thread before it shows it, so that of several processes one posts the message. The shown state is
recorded last: after a failure before that the notices are still due, and the thread is shown again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from setpoint.alerting import model
from setpoint.alerting.context import AlertingContext
from setpoint.alerting.group_summary import GroupSummary
from setpoint.alerting.model import AlertNotice, Thread
from setpoint.alerting.rate_limit import SECONDS_BETWEEN, RateLimiter
from setpoint.alerting.repository import NoticeRecords, StoredNotice
from setpoint.errors import BadRequest, Conflict, SetpointError, Throttled, Unavailable
from setpoint.model.alerting_config import Alerting
from setpoint.model.grouping import cause_of
from setpoint.model.notice_view import FindingView, Links, TimelineEntry
from setpoint.ports.people import OutgoingMessage, PostedMessage
from setpoint.util.external_sort import batches

Showing = Literal[
    "shown",  # the message shows all that was to be shown
    "nothing",  # there was nothing to show
    "later",  # another process shows it, or the channel accepts no more now
    "failed",  # the destination rejects it, see the problem
]

_CLAIM = timedelta(minutes=5)
"""How long a claim on a thread lasts; longer than a run of the function."""
_EVERY = timedelta(seconds=10)
"""Shortest time between two updates of a message about several findings."""
_LARGE = 200
"""Members of a group that are held in memory; a larger group is read from the store as it is shown, and more seldom."""
_LONGEST_EVERY = timedelta(minutes=10)
_BACK_OFF = timedelta(seconds=30)
_LONGEST_BACK_OFF = timedelta(hours=1)
_LISTED_AT_ONCE = 40
_MAX_LISTED = 200
"""Largest number of findings whose details are in replies; the others are in the report."""
_WRITERS = 8
_SEVERAL = 20
_TOLD_BELOW = frozenset(
    (
        "drift.changed",
        "drift.resolved",
        "drift.exempted",
        "remediation.succeeded",
        "remediation.failed",
        "remediation.blocked",
    )
)
"""Steps that are also a reply to the message of a single finding, so that its followers get a notification."""


def _is_shown_as_reply(view: FindingView) -> bool:
    """Whether followers of a message are notified of its last event; not of an automatic retry."""
    remediation = view.data.remediation
    if view.event not in _TOLD_BELOW or remediation is None:
        return view.event in _TOLD_BELOW
    goes_on = remediation.step == "waiting" and remediation.outcome in ("failed", "changed", "unknown")
    is_retried = view.event == "remediation.failed" and (goes_on or remediation.outcome == "changed")
    return not is_retried and remediation.outcome != "busy"


def show(name: str, alerting: Alerting, context: AlertingContext, max_wait: float) -> Showing:
    """Show the current state of a thread's findings in its message.

    Args:
        name: the thread.
        alerting: the alerting rules.
        context: the ports of alerting.
        max_wait: seconds to wait for the rate limit.

    Raises:
        BadRequest: the destination refuses it for good; its findings are sent to the default destinations, too.
        Unavailable: the sink or the store did not answer; it is tried again.
    """
    claimed = _claim(name, context.records, context.rate_limiter, context.clock(), max_wait)
    if isinstance(claimed, str):
        return claimed
    work = _Work(*claimed, Links(alerting.finding_link, alerting.group_link), context, max_wait)
    try:
        showing = work.run()
    except SetpointError as error:
        _delay(work, error, context.rate_limiter, context.clock())
        if isinstance(error, Throttled):
            return "later"
        if isinstance(error, BadRequest):
            _show_at_default(work, str(error), alerting, context.records, context.clock())
        raise
    return showing


def _claim(
    name: str, records: NoticeRecords, rate_limiter: RateLimiter, now: datetime, max_wait: float
) -> tuple[Thread, object] | Showing:
    """Claim a thread; the thread as it was before, with the version of its record."""
    stored = records.thread(name)
    thread = stored.value
    if thread is None:
        first = next(records.of_thread(name), None)
        if first is None:
            return "nothing"
        is_damaged = stored.version is not None  # it may be posted already: the channel is searched first
        thread = replace(model.new_thread(name, first.value), is_tried=is_damaged)
    times = (thread.claimed_until, thread.not_before, _next_change(thread))
    if any(time is not None and time > now for time in times) or not rate_limiter.acquire(thread.to, max_wait):
        return "later"
    claimed = replace(thread, claimed_until=now + _CLAIM, is_tried=thread.is_tried or not thread.ts)
    try:
        return thread, records.write_thread(claimed, stored.version, now)
    except Conflict:
        return "later"


def _next_change(thread: Thread) -> datetime | None:
    """When the message may be updated again."""
    if thread.shown_at is None or thread.size <= 1:
        return None
    return thread.shown_at + min(_EVERY * max(1.0, thread.size / _LARGE), _LONGEST_EVERY)


class _Work:
    """Shows a claimed thread.

    Args:
        thread: the thread as it was before.
        version: the version of its record after the claim.
        links: templates of links in messages.
        context: the ports of alerting.
        max_wait: seconds to wait for the rate limit.
    """

    def __init__(
        self, thread: Thread, version: object, links: Links, context: AlertingContext, max_wait: float
    ) -> None:
        self.thread = thread
        self.version = version
        self._held: list[StoredNotice] = []
        self._summary = GroupSummary()
        self._new: set[int] = set()
        self._unlisted: list[AlertNotice] = []
        self._links = links
        self._context = context
        self._max_wait = max_wait
        self._maybe = thread.failures > 0 or thread.claimed_until is not None
        self._sink = context.sinks.get(thread.to.sink)

    def run(self) -> Showing:
        """Post or update the message, add replies, and record the shown state."""
        now = self._context.clock()
        self._read(now)
        if not self._summary.size:
            self.store(replace(self.thread, claimed_until=None))
            return "nothing"
        posted = self._show()
        is_first = not self.thread.ts
        self.thread = replace(
            self.thread, channel=posted.channel, ts=posted.ts, is_tried=False, size=self._summary.size, shown_at=now
        )
        self._list(posted)
        if not is_first:
            self._reply_step(posted)
        self._record_shown()
        self.store(replace(self.thread, claimed_until=None, not_before=None, failures=0, problem=""))
        return "shown"

    def store(self, thread: Thread) -> None:
        """Write the thread; keep the stored one where another process has claimed it since."""
        with suppress(Conflict):
            self.version = self._context.records.write_thread(thread, self.version, self._context.clock())
        self.thread = thread

    def _read(self, now: datetime) -> None:
        """Count the notices to show: all of the thread, without escalations that are not due or obsolete."""
        listed = set(self.thread.listed)
        room = min(_LISTED_AT_ONCE, _MAX_LISTED - len(listed))
        for stored in self._context.records.of_thread(self.thread.id):
            notice = stored.value
            if model.is_obsolete(notice) and not notice.is_silent:
                self._context.records.keep_notice(replace(notice, is_silent=True), stored.version, now)
                continue
            if not model.is_shown(notice, now):
                continue
            self._summary.add(notice)
            if notice.is_new:
                self._new.add(_notice_hash(notice))
            if len(self._held) < _LARGE:
                self._held.append(stored)
            if len(self._unlisted) < room and notice.id not in listed and not notice.is_escalation:
                self._unlisted.append(notice)

    def members(self) -> Iterator[StoredNotice]:
        """The notices that were read; those of a large group are read again, as they are now."""
        if self._summary.size <= len(self._held):
            return iter(self._held)
        return self._context.records.of_thread(self.thread.id)

    def _show(self) -> PostedMessage:
        sink = self._sink
        thread = self.thread
        if sink is None:
            raise BadRequest(f"{thread.to.id}: no sink is configured for it; see docs/slack.md")
        posted = PostedMessage(thread.channel, thread.ts) if thread.ts else None
        view = self._summary.view(thread)
        channel, links, maybe = thread.to.channel, self._links, thread.is_tried
        if self._summary.first is not None and self._summary.first.is_escalation:
            worst = view if isinstance(view, FindingView) else view.samples[0]
            return sink.escalate(OutgoingMessage(thread.id, channel, worst, links, posted, maybe))
        return sink.show(OutgoingMessage(thread.id, channel, view, links, posted, maybe))

    def _list(self, posted: PostedMessage) -> None:
        """Reply with the details of findings that have no reply yet, some at a time."""
        if not self._unlisted:
            return
        new = {notice.id: self._full(notice) for notice in self._unlisted}
        self._reply(model.reply_id(self.thread.id, new), posted, list(new.values()))
        self.thread = replace(self.thread, listed=(*self.thread.listed, *new))

    def _reply_step(self, posted: PostedMessage) -> None:
        """Reply to the message of a single finding with its latest step."""
        notice = self._held[0].value
        is_alone = self._summary.size == 1 and not notice.is_escalation
        if is_alone and notice.is_new and _is_shown_as_reply(notice.shown):
            self._reply(f"{self.thread.id}/{notice.sequence}", posted, notice.shown)

    def _reply(self, name: str, posted: PostedMessage, view: FindingView | Sequence[FindingView]) -> None:
        if self._sink is None or not self._context.rate_limiter.acquire(self.thread.to, self._max_wait):
            raise Throttled(self.thread.to.id, SECONDS_BETWEEN[self.thread.to.sink])
        message = OutgoingMessage(name, self.thread.to.channel, view, self._links, maybe=self._maybe)
        self._sink.reply(message, posted)
        after = self._context.clock() + timedelta(seconds=SECONDS_BETWEEN[self.thread.to.sink])
        self._context.rate_limiter.back_off(self.thread.to, after)  # a long reply has taken several turns

    def _full(self, notice: AlertNotice) -> FindingView:
        """A finding with all its differences, where its fingerprint still equals the notice's."""
        state = self._context.store.read(notice.key).state
        data = notice.shown.data
        if state is None or state.finding is None or state.finding.fingerprint != data.fingerprint:
            return notice.shown
        return replace(notice.shown, data=replace(data, differences=state.finding.differences))

    def _covers(self, notice: AlertNotice) -> bool:
        """Whether the message shows the drift of a finding: on its own, or as the common drift of the group."""
        return self._summary.size == 1 or cause_of(notice.shown.data) == self.thread.cause

    def _record_shown(self) -> None:
        """Record the shown state; an event that came meanwhile stays due."""
        shown_at = self._context.clock()

        def note(stored_notice: StoredNotice) -> None:
            notice = stored_notice.value
            displayed = notice.shown.data.fingerprint if self._covers(notice) else ""
            self._context.records.keep_notice(
                replace(notice, shown_sequence=notice.sequence, displayed=displayed, displayed_at=shown_at),
                stored_notice.version,
                self._context.clock(),
            )

        new = (stored for stored in self.members() if stored.value.is_new and _notice_hash(stored.value) in self._new)
        if len(self._new) < _SEVERAL:
            for stored_notice in new:
                note(stored_notice)
            return
        with ThreadPoolExecutor(_WRITERS) as pool:
            for some in batches(new, _LARGE):
                list(pool.map(note, some))


def _notice_hash(notice: AlertNotice) -> int:
    """A number for what a notice says; a group of 100,000 takes some megabytes of them."""
    return hash((notice.id, notice.sequence))


def _delay(work: _Work, error: SetpointError, rate_limiter: RateLimiter, now: datetime) -> None:
    """Delay the next attempt for a thread that failed."""
    thread = work.thread
    failures = thread.failures + 1
    wait = min(_BACK_OFF * 2 ** min(failures - 1, 10), _LONGEST_BACK_OFF)
    if isinstance(error, Throttled):
        wait = timedelta(seconds=error.seconds)
        rate_limiter.back_off(thread.to, now + wait)
    is_tried = thread.is_tried or not thread.ts
    problem = "" if isinstance(error, Unavailable) else str(error)
    work.store(
        replace(
            thread, not_before=now + wait, failures=failures, problem=problem, is_tried=is_tried, claimed_until=None
        )
    )


def _show_at_default(work: _Work, problem: str, alerting: Alerting, records: NoticeRecords, now: datetime) -> None:
    """Send findings that their destination refuses to the default destinations."""
    if work.thread.to in alerting.default:
        return
    for stored in work.members():
        notice = stored.value
        informed = {stored_notice.value.to for stored_notice in records.of_finding(notice.key.id)}
        for to in alerting.default:
            if to in informed:
                continue
            step = TimelineEntry(now, "misrouted", text=problem)
            shown = replace(notice.shown, steps=(*notice.shown.steps, step))
            thread = model.window_id(to, work.thread.id)
            copy = replace(notice, to=to, thread=thread, shown=shown, shown_sequence="", joined_at=now)
            records.keep_notice(copy, None, now)
