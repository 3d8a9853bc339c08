"""The life of an alert: from an event to the message that shows the current state of its finding.

An event is first stored as a notice; the message of its thread is then rendered from all notices of the thread. A
failure in between loses nothing: the notice stays due until the message shows it, and every minute a tick sends what is
due. A message is a view of the stored notices, and is updated as often as its channel takes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim
from msgspec.structs import replace

from setpoint.alerting import interactions, model, routing
from setpoint.alerting.context import AlertingContext
from setpoint.alerting.interactions import GroupedFinding, InteractionHandler
from setpoint.alerting.model import AlertNotice
from setpoint.alerting.publish_thread import Showing, show
from setpoint.alerting.repository import NoticeRecords, StoredNotice
from setpoint.detection import finding_events
from setpoint.errors import BadRequest, Conflict, MalformedMessage, SetpointError
from setpoint.model import events
from setpoint.model.alerting_config import Alerting, Destination
from setpoint.model.events import CloudEvent, drift_event
from setpoint.model.grouping import cause_id, cause_of
from setpoint.model.notice_view import Links, TimelineEntry
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import drifted
from setpoint.ports.people import OutgoingMessage
from setpoint.ports.stores import StateStore
from setpoint.util.external_sort import batches
from setpoint.util.retries import retry_on_conflict

TICK = "tick"
"""The ``type`` of the message that Cloud Scheduler sends every minute."""
INTERACTION = "press"
"""The ``type`` of a message about a click on a button."""

_MAX_WAIT = 3.0
"""Seconds that an event waits for the rate limit of a channel; what waits longer is sent within a minute."""
_TICK_MAX_WAIT = 5.0
"""Seconds that a tick waits for the rate limit of a channel, so that a full channel holds up no other."""
_TICK_SECONDS = 45.0
_DUE_AT_ONCE = 500
"""Due notices that are held in memory."""


class TickResult(NamedTuple):
    """The effect of a message.

    Args:
        showings: counts of the outcomes of showing threads.
        problems: what could not be shown, and why; it is tried again.
    """

    showings: Counter[Showing]
    problems: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """The outcome where it is the same for all threads, else ``several``."""
        parts = [showing for showing, count in self.showings.items() if count]
        return parts[0] if len(parts) == 1 else "several" if parts else "nothing"


def receive(message: bytes, attributes: Mapping[str, str], context: AlertingContext) -> TickResult:
    """Handle a message: an event, or the tick of every minute.

    Raises:
        PermanentError: the installation is misconfigured: deliver the message again when it is corrected.
        TransientError: deliver the message again.
    """
    if attributes.get("type") == TICK:
        return send_due(context)
    if attributes.get("type") == INTERACTION and context.interactions is not None:
        return handle_interaction(message, attributes, context.interactions, context)
    try:
        event = events.read(message)
    except MalformedMessage as error:
        context.dead_letters.put(message, attributes, str(error))
        return TickResult(Counter(), ())
    return notify(event, context)


def notify(event: CloudEvent, context: AlertingContext) -> TickResult:
    """Store an event as notices, and show them.

    Raises:
        TransientError: the store does not answer; nothing is lost.
    """
    alerting = context.alerting()
    threads = _note(event, alerting, context.store, context.records, context.clock)
    return _show_all(threads, alerting, context, _MAX_WAIT)


def handle_interaction(
    message: bytes, attributes: Mapping[str, str], handler: InteractionHandler, context: AlertingContext
) -> TickResult:
    """Handle a click on a button, and update the messages of the findings that it changed.

    Raises:
        TransientError: deliver the message again.
    """
    handled = interactions.receive(message, attributes, handler)
    showings: Counter[Showing] = Counter()
    problems = list(handled.problems)
    for result in handled.done:
        if result.step is not None:
            done = add_step(result.key, result.step, context)
            showings += done.showings
            problems += done.problems
    return TickResult(showings, tuple(problems))


def send_due(context: AlertingContext) -> TickResult:
    """Send what is due: failed attempts, messages that waited for a rate limit, digests, escalations.

    Raises:
        TransientError: the store does not answer.
    """
    alerting = context.alerting()
    showings: Counter[Showing] = Counter()
    problems: list[str] = []
    until = context.clock() + timedelta(seconds=_TICK_SECONDS)
    tried: set[str] = set()
    for page in batches(context.records.due(context.clock()), _DUE_AT_ONCE):
        if context.clock() >= until:
            break
        # What cannot be sent now stays due: each target is tried once.
        due = [notice for notice in page if _target_of(notice.value) not in tried]
        tried.update(_target_of(notice.value) for notice in due)
        problems += _send_digests([notice for notice in due if notice.value.is_digest], alerting, context)
        threads = {notice.value.thread for notice in due if not notice.value.is_digest}
        done = _show_all(sorted(threads), alerting, context, _TICK_MAX_WAIT, until)
        showings += done.showings
        problems += done.problems
    context.records.forget(context.clock())
    return TickResult(showings, tuple(problems))


def add_step(key: ResourceKey, step: TimelineEntry, context: AlertingContext) -> TickResult:
    """Add a step to the timeline of a finding, in each of its messages.

    Raises:
        TransientError: the store does not answer.
    """
    threads = set()
    for stored in _latest(context.records.of_finding(key.id)).values():
        notice = stored.value
        if notice.thread and not notice.is_silent and step not in notice.shown.steps:
            shown = replace(notice.shown, steps=(*notice.shown.steps, step))
            with suppress(Conflict):  # an event came meanwhile; the step is in the audit trail
                context.records.write_notice(
                    replace(notice, shown=shown, shown_sequence=""), stored.version, context.clock()
                )
                threads.add(notice.thread)
    return _show_all(sorted(threads), context.alerting(), context, _MAX_WAIT)


def findings_of_thread(thread: str, records: NoticeRecords) -> list[GroupedFinding]:
    """The findings of a thread, each with the drift that the message has shown, and since when."""
    shown = (stored.value for stored in records.of_thread(thread) if not stored.value.is_silent)
    return [GroupedFinding(notice.key, notice.displayed, notice.displayed_at) for notice in shown]


def _target_of(notice: AlertNotice) -> str:
    return notice.to.id if notice.is_digest else notice.thread


def repository_for(key: ResourceKey, alerting: Alerting, store: StateStore) -> Destination:
    """The repository that the alerting rules name for the accepted drift of a resource.

    Args:
        key: the resource and content.
        alerting: the alerting rules.
        store: the findings.

    Raises:
        BadRequest: there is no such drift, or the rules name none.
    """
    data = replace(finding_events.data_of(drifted(key, store.read(key).state)), status="accepted")
    destinations = routing.on_acceptance(alerting, data)
    to = next((to for to in destinations if to.sink == "request"), None)
    if to is None:
        raise BadRequest(f"{key.name}: no `acceptances` of the Alerting document name a repository; add --repository")
    return to


def request_change(key: ResourceKey, to: Destination, context: AlertingContext, *, is_shown: bool) -> str:
    """Open the change request of a finding, or have the next tick do so; one that is open is brought up to date.

    Args:
        key: the resource and content.
        to: the repository.
        context: the ports of alerting.
        is_shown: whether this process has the token; otherwise ``functions/notify`` opens it within a minute.

    Returns:
        The number of the request; 0 where none is needed, empty where it is not open yet.

    Raises:
        BadRequest: there is no such drift, or the repository refuses it.
        TransientError: the store or the repository does not answer; nothing is lost.
    """
    state = drifted(key, context.store.read(key).state)
    event = drift_event("drift.changed", state.sequence, finding_events.data_of(state))
    wanted, alerting = {to.id: _Wanted(to, is_acceptance=True)}, context.alerting()
    retry_on_conflict(
        lambda: _write_notices(event, wanted, alerting, context.store, context.records, context.clock),
        what=key.name,
        attempts=16,
    )
    notice = _latest(context.records.of_finding(key.id))[to.id].value
    if is_shown:
        show(notice.thread, alerting, context, _MAX_WAIT)
    thread = context.records.thread(notice.thread).value
    return thread.ts if thread is not None else ""


def _note(
    event: CloudEvent, alerting: Alerting, store: StateStore, records: NoticeRecords, clock: Callable[[], datetime]
) -> list[str]:
    """Store an event as one notice for each destination; the threads to show again."""
    wanted = _wanted(event, alerting)
    return retry_on_conflict(
        lambda: _write_notices(event, wanted, alerting, store, records, clock), what=event.subject, attempts=16
    )


def _write_notices(
    event: CloudEvent,
    wanted: Mapping[str, _Wanted],
    alerting: Alerting,
    store: StateStore,
    records: NoticeRecords,
    clock: Callable[[], datetime],
) -> list[str]:
    """Write the notices that an event changes; the threads to show again."""
    key = ResourceKey(event.data.resource_name, event.data.content)
    kept = records.of_finding(key.id)
    versions = {stored.value.id: stored.version for stored in kept}
    present = _latest(kept)
    threads = []
    for name in dict.fromkeys((*wanted, *present)):
        notice = present[name].value if name in present else None
        if notice is not None and notice.is_acceptance and name not in wanted and _is_over(notice):
            continue
        if notice is None or event.sequence > notice.sequence:
            now = clock()
            if notice is not None and not _begins(event, notice, alerting, now):
                notice = _followed(notice, event, alerting, store, now)
            else:
                to = wanted[name] if name in wanted or notice is None else _wanted_before(notice)
                notice = _new_notice(event, to, alerting, records, now)
            records.write_notice(notice, versions.get(notice.id), now)
        if not notice.is_digest and notice.due is not None and notice.due <= clock():
            threads.append(notice.thread)
    return threads


def _is_over(notice: AlertNotice) -> bool:
    return notice.shown.data.status == "resolved"


class _Wanted(NamedTuple):
    to: Destination
    not_before: datetime | None = None
    is_escalation: bool = False
    is_digest: bool = False
    is_acceptance: bool = False


def _wanted(event: CloudEvent, alerting: Alerting) -> dict[str, _Wanted]:
    """The destinations of a finding, by their ids."""
    data = event.data
    routed = routing.route(alerting, data)
    wanted = {to.id: _Wanted(to, is_digest=routed.digest) for to in routed.to}
    for to in routing.on_acceptance(alerting, data):
        wanted.setdefault(to.id, _Wanted(to, is_acceptance=True))
    for escalation in routing.escalations(alerting, data):
        due = data.first_seen + timedelta(seconds=escalation.after)
        for to in escalation.to:
            wanted.setdefault(to.id, _Wanted(to, due, is_escalation=True))
    return wanted


def _wanted_before(notice: AlertNotice) -> _Wanted:
    return _Wanted(notice.to, notice.not_before, notice.is_escalation, notice.is_digest, notice.is_acceptance)


def _new_notice(
    event: CloudEvent, to: _Wanted, alerting: Alerting, records: NoticeRecords, now: datetime
) -> AlertNotice:
    """The notice of a finding that is new to a destination, or recurs.

    Raises:
        Conflict: another process has opened its thread meanwhile.
    """
    data = event.data
    notice = AlertNotice(
        key=ResourceKey(data.resource_name, data.content),
        to=to.to,
        thread="",
        shown=model.start(event),
        cause=cause_of(data),
        sequence=event.sequence,
        joined_at=now,
        is_acceptance=to.is_acceptance,
    )
    is_exempt_or_accepted = data.status in ("exempted", "accepted") and not to.is_acceptance
    if is_exempt_or_accepted or (to.is_escalation and data.status != "open"):
        return replace(notice, is_silent=True)
    if to.is_digest:
        return replace(notice, is_digest=True, not_before=_next_digest(alerting, now))
    thread = _thread_of(event, to.to, alerting, records, now)
    return replace(notice, thread=thread, not_before=to.not_before, is_escalation=to.is_escalation)


def _followed(
    before: AlertNotice, event: CloudEvent, alerting: Alerting, store: StateStore, now: datetime
) -> AlertNotice:
    """A notice, brought up to date by an event of its finding."""
    until = _exempt_until(before.key, store) if event.data.status == "exempted" else None
    notice = replace(before, shown=model.advance(before.shown, event, until), sequence=event.sequence)
    if before.is_digest:
        return replace(notice, not_before=_next_digest(alerting, now))
    return replace(notice, is_silent=True) if model.is_obsolete(notice) else notice


def _exempt_until(key: ResourceKey, store: StateStore) -> datetime | None:
    """The end of a finding's exemption."""
    state = store.read(key).state
    return state.exemption.until if state is not None and state.exemption is not None else None


def _begins(event: CloudEvent, before: AlertNotice, alerting: Alerting, now: datetime) -> bool:
    """Whether an event starts a new notice instead of updating the previous one."""
    is_over = now >= before.joined_at + timedelta(seconds=alerting.group_seconds)
    return event.type == "drift.opened" and (before.is_silent or before.is_digest or is_over)


def _latest(notices: Iterable[StoredNotice]) -> dict[str, StoredNotice]:
    """The latest notice of each destination; earlier ones do not change."""
    latest: dict[str, StoredNotice] = {}
    for stored in notices:
        before = latest.get(stored.value.to.id)
        if before is None or stored.value.sequence > before.value.sequence:
            latest[stored.value.to.id] = stored
    return latest


def _thread_of(event: CloudEvent, to: Destination, alerting: Alerting, records: NoticeRecords, now: datetime) -> str:
    """The thread that shows a finding: the open one of its cause, or a new one.

    The time that counts is when detection recorded the finding. A storm that alerting handles later stays one message.

    Raises:
        Conflict: another process has opened one meanwhile.
    """
    actor, cause = model.actor_of(event.data), cause_id(cause_of(event.data))
    now = min(now, event.recordedtime or now)
    name = model.window_id(to, cause)
    stored = records.window(name)
    if stored.value is not None and now < stored.value.closes_at and not model.accepts(stored.value, actor, now):
        name = model.window_id(to, cause, actor)  # the others have another actor
        stored = records.window(name)
    window = stored.value
    if window is None or not model.accepts(window, actor, now):
        window = model.next_window(window, name, actor, now, alerting.group_seconds)
        records.write_window(name, window, stored.version)
    elif actor and not window.actor:
        records.write_window(name, replace(window, actor=actor), stored.version)
    return window.thread


def _next_digest(alerting: Alerting, now: datetime) -> datetime:
    """The time of the next digest."""
    zone = ZoneInfo(alerting.digest.time_zone)
    return next(CronSim(alerting.digest.cron, now.astimezone(zone)))


def _show_all(
    threads: Sequence[str], alerting: Alerting, context: AlertingContext, max_wait: float, until: datetime | None = None
) -> TickResult:
    showings: Counter[Showing] = Counter()
    problems = []
    for thread in dict.fromkeys(threads):
        if until is not None and context.clock() >= until:
            break
        try:
            showings[show(thread, alerting, context, max_wait)] += 1
        except SetpointError as error:
            showings["failed"] += 1
            problems.append(str(error))
        except Exception as error:  # noqa: BLE001 - a fault in one message keeps back no other
            showings["failed"] += 1
            problems.append(f"message {thread} cannot be made: {type(error).__name__}, a fault of Setpoint's")
    return TickResult(showings, tuple(problems))


def _send_digests(due: Sequence[StoredNotice], alerting: Alerting, context: AlertingContext) -> list[str]:
    """Send the due digests, one message for each destination; the problems that came up."""
    problems = []
    by_destination: dict[Destination, list[StoredNotice]] = {}
    for stored in due:
        by_destination.setdefault(stored.value.to, []).append(stored)
    for to, notices in by_destination.items():
        try:
            _send_digest(to, notices, alerting, context)
        except SetpointError as error:
            problems.append(str(error))
    return problems


def _send_digest(
    to: Destination, notices: Sequence[StoredNotice], alerting: Alerting, context: AlertingContext
) -> None:
    sink = context.sinks.get(to.sink)
    if sink is None:
        raise BadRequest(f"{to.id}: no sink is configured for it; see docs/slack.md")
    still = [notice.value.shown for notice in notices if notice.value.shown.data.status == "open"]
    if still:
        if not context.rate_limiter.acquire(to, _MAX_WAIT):
            return
        name = model.reply_id(to.id, (f"{notice.value.id}{notice.value.sequence}" for notice in notices))
        links = Links(alerting.finding_link, alerting.group_link)
        sink.digest(OutgoingMessage(name, to.channel, still, links, maybe=True))
    for stored in notices:
        shown = replace(stored.value, shown_sequence=stored.value.sequence)
        context.records.keep_notice(shown, stored.version, context.clock())
