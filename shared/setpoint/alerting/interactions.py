"""Clicks on the buttons of a Slack message: authorization, the action, and the answer.

A button acts on the drift that its message shows. The action is taken where the finding still has that drift, the user
is an approver, and nobody has taken it before. Otherwise nothing changes, and the user gets the reason. A message that
is delivered twice, or a button that is clicked twice, acts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from setpoint.alerting import routing
from setpoint.alerting.rendering import button_payload, ephemeral_replies
from setpoint.alerting.rendering.button_payload import ClickedButton
from setpoint.detection import drift_histories, finding_events
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import BadRequest, MalformedMessage, TransientError
from setpoint.model import slack_interaction
from setpoint.model.alerting_config import Alerting, Approvers
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.events import DriftData
from setpoint.model.exemptions import Exemption, is_in_force
from setpoint.model.fleet_rules import Rules
from setpoint.model.notice_view import ButtonAction, TimelineEntry
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.slack_interaction import Interaction
from setpoint.model.sweep_records import HistoryRequest
from setpoint.ports.people import People, Person, PostedMessage
from setpoint.ports.queues import DeadLetters, SweepQueue
from setpoint.ports.stores import RemediationStore, Store
from setpoint.remediation import commands
from setpoint.remediation import decision as deciding
from setpoint.remediation.case import load_case, read
from setpoint.util.frozen import take_over

InteractionOutcome = Literal[
    "done",  # ordered now, or by the same click before
    "already",  # it was ordered before
    "stale",  # the finding is resolved, or has another drift
    "declined",  # it cannot be ordered: the mode forbids it, or a write is under way
    "refused",  # the user is not an approver
]
_AUDIT_WORDS: dict[ButtonAction, str] = {
    "fix": "approved",
    "approve": "approved",
    "snooze": "exempted",
    "accept": "accepted",
}
"""The action of each button, as the audit trail names it."""
_APPROVALS: frozenset[ButtonAction] = frozenset(("fix", "approve"))
"""The buttons that approve a write."""

_SAME_TIME = timedelta(minutes=1)
"""Two exemptions that end within this time of each other count as the same."""


class GroupedFinding(NamedTuple):
    """A finding of a message that shows several.

    Args:
        key: the resource and content.
        fingerprint: the drift that the message shows; empty where it shows none of it.
        shown_at: since when; None for a button that carries the drift itself.
    """

    key: ResourceKey
    fingerprint: str = ""
    shown_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InteractionHandler:
    """The ports that clicks are handled with.

    Flow: a click on a button of a message, from the topic to the action and the answer.

    Args:
        detection: evaluates findings again after an action.
        people: looks users up, and answers them.
        members: lists the findings of a group message by its id.
        alerting: gives the current alerting rules, which name the approvers.
        queue: takes requests to read the history of a finding; None where none is read.
        store: the findings and rules that actions change.
        projects: ids and numbers of projects.
        clock: gives the current time.
        dead_letters: takes messages that can never be handled.
    """

    detection: Context
    people: People
    members: Callable[[str], Iterable[GroupedFinding]]
    alerting: Callable[[Rules], Alerting]
    queue: SweepQueue | None = None
    store: Store = field(init=False)
    projects: ProjectIdResolver = field(init=False)
    clock: Callable[[], datetime] = field(init=False)
    dead_letters: DeadLetters = field(init=False)

    def __post_init__(self) -> None:
        take_over(self, self.detection, "store", "projects", "clock", "dead_letters")


class FindingResult(NamedTuple):
    """The effect of a click on one finding.

    Args:
        key: the resource and content.
        outcome: the kind of effect.
        text: why nothing changed, or who took the action before.
        step: the entry for the timeline, equal for each delivery of the click; None where nothing changed.
        quiet_until: the end of the new exemption.
        approvers: the users who may click.
    """

    key: ResourceKey
    outcome: InteractionOutcome
    text: str = ""
    step: TimelineEntry | None = None
    quiet_until: datetime | None = None
    approvers: tuple[Approvers, ...] = ()


class InteractionResult(NamedTuple):
    """The effect of a click.

    Args:
        button: the button; None where the message named no button and was dead-lettered.
        posted: the message with the button.
        results: the effect on each finding; empty for a question.
        problems: other failures: an answer that was not delivered, a group that does not exist.
    """

    button: ClickedButton | None
    posted: PostedMessage | None = None
    results: tuple[FindingResult, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def done(self) -> tuple[FindingResult, ...]:
        """The findings that the click changed."""
        return tuple(result for result in self.results if result.outcome == "done")


class _Click(NamedTuple):
    """A click with the user who made it.

    Args:
        button: the button.
        interaction: the payload from Slack.
        person: the user.
        problems: what could not be read about the user.
    """

    button: ClickedButton
    interaction: Interaction
    person: Person
    problems: list[str]

    @property
    def by(self) -> str:
        """The user, as the audit trail names them."""
        return " ".join(filter(None, (f"slack:{self.person.id}", self.person.email)))

    @property
    def until(self) -> datetime | None:
        """The end of a snooze, which starts with the click, however late the click is delivered."""
        lasts = timedelta(seconds=self.button.seconds)
        return self.interaction.clicked_at + lasts if self.button.action == "snooze" else None

    @property
    def audit_word(self) -> str:
        """The action as the audit trail names it; empty where the button only asks a question."""
        return _AUDIT_WORDS.get(self.button.action, "")


def receive(message: bytes, attributes: Mapping[str, str], handler: InteractionHandler) -> InteractionResult:
    """Handle a message about a click; a message without a click is dead-lettered.

    Raises:
        TransientError: deliver the message again; actions that were taken are not taken again.
        CorruptState: the record of a finding cannot be read.
    """
    try:
        interaction = slack_interaction.decode(message)
        button = button_payload.decode(interaction.action, interaction.blocks)
    except MalformedMessage as error:
        handler.dead_letters.put(message, attributes, str(error))
        return InteractionResult(None)
    return handle(button, interaction, handler)


def handle(button: ClickedButton, interaction: Interaction, handler: InteractionHandler) -> InteractionResult:
    """Handle a click.

    Raises:
        TransientError: as ``receive`` does.
        CorruptState: as ``receive`` does.
    """
    posted = PostedMessage(interaction.channel, interaction.ts)
    if button.action == "why" and not button.group:
        text = _explanation(button.key, handler)
        return InteractionResult(button, posted, problems=_answer(text, interaction, handler.people))
    click = _Click(button, interaction, *_person(interaction.user, handler.people))
    if button.group:
        results = _apply_to_group(click, handler)
        text = _group_text(click, results)
    else:
        results = (_apply(GroupedFinding(button.key, button.fingerprint), click, handler),)
        text = _result_text(results[0])
    is_done = any(result.outcome == "done" for result in results)
    problems = _answer(text, interaction, handler.people, is_done=is_done) if text else ()
    return InteractionResult(button, posted, results, (*click.problems, *problems))


def _apply_to_group(click: _Click, handler: InteractionHandler) -> tuple[FindingResult, ...]:
    """Apply a click to each finding of a message; a conflict on one finding does not stop the others."""
    results, failure = [], None
    for member in handler.members(click.button.group):
        try:
            results.append(_apply(member, click, handler))
        except TransientError as error:
            failure = error
    if failure is not None:
        raise failure
    return tuple(results)


def _apply(member: GroupedFinding, click: _Click, handler: InteractionHandler) -> FindingResult:
    """Apply a click to one finding.

    The order of the checks matters: a user who may not click learns nothing else, and an action that this click took
    before counts as done, whatever the state of the finding is now.
    """
    key = member.key
    snapshot = handler.store.read(key)
    state = snapshot.state
    if state is None or state.finding is None:
        return FindingResult(key, "stale", "it no longer has a finding")
    data = finding_events.data_of(state)
    alerting = handler.alerting(snapshot.rules)
    if not _may_click(data, alerting, click, handler.people):
        return FindingResult(key, "refused", approvers=routing.approvers(alerting, data))
    entry = _audit_entry(key, click, handler.store)
    if entry is None:
        refusal = _refusal(state, member, click, handler.clock())
        refusal = refusal or _order(key, state.fingerprint, click, handler.detection)
        if refusal is not None:
            return refusal
        entry = _audit_entry(key, click, handler.store)
    return FindingResult(key, "done", step=_step(entry, click), quiet_until=click.until)


def _refusal(state: ResourceState, member: GroupedFinding, click: _Click, now: datetime) -> FindingResult | None:
    """The result where the action is refused; None where it is allowed."""
    if click.button.action not in _AUDIT_WORDS:
        return FindingResult(member.key, "declined", "this button works on single findings only")
    if why := _stale(state, member, click.interaction):
        return FindingResult(member.key, "stale", why)
    is_approval = click.button.action in _APPROVALS
    why = _approved_before(state, click) if is_approval else _exempted_before(state, click, now)
    return FindingResult(member.key, "already", why) if why else None


def _order(key: ResourceKey, fingerprint: str, click: _Click, detection: Context) -> FindingResult | None:
    """Take the action; None where it took effect. What is approved is written by ``functions/remediate``."""
    try:
        if click.button.action in _APPROVALS:
            commands.approve(key, fingerprint, click.by, detection.store, detection.projects, detection.clock)
        else:
            commands.exempt(key, _exemption(fingerprint, click, detection.clock()), detection)
    except BadRequest as error:
        return FindingResult(key, "declined", str(error))
    return None


def _exemption(fingerprint: str, click: _Click, now: datetime) -> Exemption:
    """The exemption of a click: until a time, or of the drift that the message shows; a later drift stays open.

    Raises:
        BadRequest: its time is over.
    """
    by, clicked_at, until = click.by, click.interaction.clicked_at, click.until
    if click.button.action == "accept":
        return Exemption(f"accepted in Slack by {by}", by, clicked_at, None, fingerprint)
    if until is None or until <= now:
        raise BadRequest("the exemption would have ended already")
    return Exemption(f"exempted in Slack by {by}", by, clicked_at, until)


def _stale(state: ResourceState, member: GroupedFinding, interaction: Interaction) -> str:
    """How a finding differs from what the message shows; empty where it does not."""
    finding = state.finding
    if finding is None or finding.status == "resolved":
        return "it is resolved"
    if not member.fingerprint or (member.shown_at is not None and member.shown_at > interaction.clicked_at):
        return "the message did not show its current drift when it was clicked; see its latest message"
    return "" if state.fingerprint == member.fingerprint else "its drift has changed; see its latest message"


def _approved_before(state: ResourceState, click: _Click) -> str:
    """The other user who approved it before; empty if there is none, or if this click did and was interrupted."""
    attempt = state.remediation
    if attempt is None or attempt.fingerprint != state.fingerprint or attempt.step in ("done", "over"):
        return ""
    return f"approved by {attempt.approved_by}" if attempt.approved_by not in ("", click.by) else ""


def _exempted_before(state: ResourceState, click: _Click, now: datetime) -> str:
    """The other user who exempted it for as long; empty if there is none, or if this click did."""
    exemption = state.exemption
    if exemption is None or not is_in_force(exemption, state.fingerprint, now):
        return ""
    if (exemption.by, exemption.since) == (click.by, click.interaction.clicked_at):
        return ""
    is_as_long = exemption.until is None or (click.until is not None and exemption.until + _SAME_TIME >= click.until)
    return f"exempted by {exemption.by or 'somebody'}: {exemption.reason}" if is_as_long else ""


def _audit_entry(key: ResourceKey, click: _Click, store: RemediationStore) -> AuditEntry | None:
    """The audit entry of this click, or of an equal click that was handled since this one was made."""
    clicked_at = click.interaction.clicked_at
    return next(
        (
            entry
            for entry in store.trail(key)
            if (entry.what, entry.by) == (click.audit_word, click.by) and entry.recorded_at >= clicked_at
        ),
        None,
    )


def _step(entry: AuditEntry | None, click: _Click) -> TimelineEntry:
    if entry is None:  # written by a clock that is behind Slack's
        return TimelineEntry(click.interaction.clicked_at, click.audit_word, click.by)
    return TimelineEntry(entry.recorded_at, entry.what, entry.by, entry.text)


def _person(user: str, people: People) -> tuple[Person, list[str]]:
    """The user who clicked; only their id where their e-mail address cannot be read."""
    try:
        return people.person(user), []
    except BadRequest as error:
        return Person(user), [str(error)]


def _may_click(data: DriftData, alerting: Alerting, click: _Click, people: People) -> bool:
    """Whether a user may click; groups are looked up only where the user alone does not decide."""
    person = click.person
    if person.is_guest:
        return False
    names = tuple(filter(None, (person.id, person.email)))
    if routing.may_click(alerting, data, names, ()):
        return True
    groups = dict.fromkeys(group for approver in routing.approvers(alerting, data) for group in approver.groups)
    return any(routing.may_click(alerting, data, names, (group,)) for group in groups if _is_in(group, click, people))


def _is_in(group: str, click: _Click, people: People) -> bool:
    """Whether a user is in a group; a group that does not exist has no members."""
    try:
        return click.person.id in people.group(group)
    except BadRequest as error:
        if str(error) not in click.problems:
            click.problems.append(str(error))
        return False


def _explanation(key: ResourceKey, handler: InteractionHandler) -> str:
    """The answer to "Why?": the differences, their source and who changed them."""
    store = handler.store
    snapshot = read(key, store)
    state = snapshot.state
    if state is None or state.finding is None:
        return ephemeral_replies.stale(key.name, "it no longer has a finding")
    data = finding_events.data_of(state)
    case = load_case(snapshot, store, handler.projects, handler.clock())
    decision = deciding.decide(case.decision_input) if case is not None else None
    reply = ephemeral_replies.why(
        data, decision, routing.approvers(handler.alerting(snapshot.rules), data), store.trail(key)
    )
    is_requested = _requests_history(state, handler.queue, handler.clock())
    return f"{reply}\n{ephemeral_replies.READING}" if is_requested else reply


def _requests_history(state: ResourceState, queue: SweepQueue | None, now: datetime) -> bool:
    """Have the history of a finding read, if it is not known; whether that was requested."""
    if queue is None or not drift_histories.is_wanted(state, now):
        return False
    try:
        queue.publish([HistoryRequest(state.key.name, state.key.content)])
    except TransientError:  # the answer does not wait for it
        return False
    return True


def _result_text(result: FindingResult) -> str:
    """The answer about one finding; empty where the action took effect, since the message shows that."""
    if result.outcome == "done":
        return ""
    if result.outcome == "refused":
        return ephemeral_replies.refusal(result.key.name, result.approvers)
    return ephemeral_replies.stale(result.key.name, result.text)


def _group_text(click: _Click, results: tuple[FindingResult, ...]) -> str:
    refused = [result for result in results if result.outcome == "refused"]
    if refused and len(refused) == len(results):
        return ephemeral_replies.refusal(refused[0].key.name, refused[0].approvers)
    outcomes: Counter[str] = Counter(result.outcome for result in results)
    return ephemeral_replies.counts(click.audit_word or "asked for", outcomes)


def _answer(text: str, interaction: Interaction, people: People, *, is_done: bool = False) -> tuple[str, ...]:
    """Answer the user; an action stands whether the answer is delivered or not.

    Raises:
        TransientError: no action was taken, and the answer was not delivered.
    """
    try:
        people.send_private(interaction.user, interaction.channel, text, interaction.thread)
    except BadRequest as error:
        return (str(error),)
    except TransientError as error:
        if not is_done:
            raise
        return (str(error),)
    return ()
