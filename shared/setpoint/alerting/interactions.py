"""Clicks on the buttons of a Slack message: who may click, what is ordered, and what they are answered.

A button asks for something about the drift that was shown. The order is given where the finding still has that drift,
whoever clicks is an approver, and nobody has given it before. Otherwise nothing changes, and they are answered why.
A message that is delivered twice, and a button that is clicked twice, give one order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from setpoint.alerting import routing
from setpoint.alerting.rendering import button_payload, ephemeral_replies
from setpoint.alerting.rendering.button_payload import ClickedButton
from setpoint.detection import finding_events
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, MalformedMessage, TransientError
from setpoint.model import slack_interaction
from setpoint.model.alerting_config import Alerting, Approvers
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.events import DriftData
from setpoint.model.exemptions import Exemption, is_in_force
from setpoint.model.fleet_rules import Rules
from setpoint.model.notice_view import ButtonAction, TimelineEntry
from setpoint.model.policy import fits
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.slack_interaction import Interaction
from setpoint.ports.people import People, Person, Posted
from setpoint.ports.stores import Snapshot
from setpoint.remediation import commands
from setpoint.remediation import decision as deciding
from setpoint.remediation.context import load_context

InteractionOutcome = Literal[
    "done",  # ordered now, or by the same click before
    "already",  # somebody has ordered it before
    "stale",  # the finding is resolved, or has another drift
    "declined",  # it cannot be ordered: the mode forbids it, or a write is under way
    "refused",  # whoever clicked is no approver
]
_AUDIT_WORDS: dict[ButtonAction, str] = {
    "fix": "approved",
    "approve": "approved",
    "snooze": "exempted",
    "accept": "accepted",
}
"""What the audit trail calls it."""

_SAME_TIME = timedelta(minutes=1)
"""Two exemptions that end within this time of each other last equally long."""


class GroupedFinding(NamedTuple):
    """A finding of a message that shows several.

    Args:
        key: the resource and content.
        fingerprint: the drift that the message shows; where empty, any that was there when the button was clicked.
    """

    key: ResourceKey
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class InteractionHandler:
    """What clicks are handled with.

    Args:
        context: findings and their rules, which orders change.
        people: who clicks, and how they are answered.
        members: the findings of a message that shows several, by its id.
        alerting: the approvers, by the rules of the fleet.
    """

    context: Context
    people: People
    members: Callable[[str], Iterable[GroupedFinding]]
    alerting: Callable[[Rules], Alerting]


class Result(NamedTuple):
    """What a click has done to one finding.

    Args:
        key: the resource and content.
        outcome: what became of it.
        text: why nothing was done, or who has done it before.
        step: what has happened to the finding, the same however often the click is delivered; None for nothing.
        quiet_until: when the exemption ends that was ordered.
        approvers: who may click.
    """

    key: ResourceKey
    outcome: InteractionOutcome
    text: str = ""
    step: TimelineEntry | None = None
    quiet_until: datetime | None = None
    approvers: tuple[Approvers, ...] = ()


class InteractionResult(NamedTuple):
    """What a click has done.

    Args:
        button: the button; None where the message held none, and was dead-lettered.
        posted: the message that it is in.
        results: what became of each finding; none for a question.
        problems: what failed besides: an answer that was not delivered, a group that does not exist.
    """

    button: ClickedButton | None
    posted: Posted | None = None
    results: tuple[Result, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def done(self) -> tuple[Result, ...]:
        """The findings that the click has changed."""
        return tuple(result for result in self.results if result.outcome == "done")


class _Click(NamedTuple):
    """A click, and who it is from.

    Args:
        button: the button.
        interaction: what Slack sent.
        person: who clicked.
        problems: what could not be read of them.
        handler: what clicks are handled with.
    """

    button: ClickedButton
    interaction: Interaction
    person: Person
    problems: list[str]
    handler: InteractionHandler

    @property
    def by(self) -> str:
        """Whoever clicked, as the audit trail names them."""
        return " ".join(filter(None, (f"slack:{self.person.id}", self.person.email)))

    @property
    def until(self) -> datetime | None:
        """When a snooze ends: it lasts from the click, however late that is delivered."""
        lasts = timedelta(seconds=self.button.seconds)
        return self.interaction.clicked_at + lasts if self.button.action == "snooze" else None

    @property
    def audit_word(self) -> str:
        """What the audit trail calls the order; empty where the button orders nothing."""
        return _AUDIT_WORDS.get(self.button.action, "")


def receive(message: bytes, attributes: Mapping[str, str], handler: InteractionHandler) -> InteractionResult:
    """Handle a message about a click; one that holds none is dead-lettered.

    Raises:
        TransientError: let the message be delivered again; what was ordered by then is not ordered again.
        CorruptState: a finding's record cannot be read.
    """
    try:
        interaction = slack_interaction.decode(message)
        button = button_payload.decode(interaction.action, interaction.blocks)
    except MalformedMessage as error:
        handler.context.dead_letters.put(message, attributes, str(error))
        return InteractionResult(None)
    return handle(button, interaction, handler)


def handle(button: ClickedButton, interaction: Interaction, handler: InteractionHandler) -> InteractionResult:
    """Handle a click.

    Raises:
        TransientError: as ``receive`` does.
        CorruptState: as ``receive`` does.
    """
    posted = Posted(interaction.channel, interaction.ts)
    if button.action == "why" and not button.group:
        text = _explanation(button.key, handler)
        return InteractionResult(button, posted, problems=_answer(text, interaction, handler))
    click = _Click(button, interaction, *_person(interaction.user, handler.people), handler)
    if button.group:
        results = _apply_to_group(click)
        text = _group_text(click, results)
    else:
        results = (_apply(GroupedFinding(button.key, button.fingerprint), click),)
        text = _result_text(results[0])
    is_done = any(result.outcome == "done" for result in results)
    problems = _answer(text, interaction, handler, is_done=is_done) if text else ()
    return InteractionResult(button, posted, results, (*click.problems, *problems))


def _apply_to_group(click: _Click) -> tuple[Result, ...]:
    """Apply a click to each finding of a message; one that somebody else is writing holds back no other."""
    results, failure = [], None
    for member in click.handler.members(click.button.group):
        try:
            results.append(_apply(member, click))
        except TransientError as error:
            failure = error
    if failure is not None:
        raise failure
    return tuple(results)


def _apply(member: GroupedFinding, click: _Click) -> Result:
    """Apply a click to one finding.

    The order of the checks matters: who may not click learns nothing else, and what this click has ordered before is
    done, whatever the finding is by now.
    """
    key = member.key
    snapshot = click.handler.context.store.read(key)
    state = snapshot.state
    if state is None or state.finding is None:
        return Result(key, "stale", "it has no finding any more")
    data = finding_events.data_of(state)
    alerting = click.handler.alerting(snapshot.rules)
    if not _may_click(data, alerting, click):
        return Result(key, "refused", approvers=_approvers(data, alerting))
    entry = _audit_entry(key, click)
    if entry is None:
        refusal = _refusal(state, member, click) or _order(key, state.fingerprint, click)
        if refusal is not None:
            return refusal
        entry = _audit_entry(key, click)
    return Result(key, "done", step=_step(entry, click), quiet_until=click.until)


def _refusal(state: ResourceState, member: GroupedFinding, click: _Click) -> Result | None:
    """Why a finding takes no order; None where it takes this one."""
    if click.button.action not in _ORDERS:
        return Result(member.key, "declined", "ask about each finding by itself")
    if why := _stale(state, member, click.interaction):
        return Result(member.key, "stale", why)
    is_approval = click.button.action in ("fix", "approve")
    why = _approved_before(state, click) if is_approval else _exempted_before(state, click)
    return Result(member.key, "already", why) if why else None


def _order(key: ResourceKey, fingerprint: str, click: _Click) -> Result | None:
    """Give the order; None where it was taken."""
    try:
        _ORDERS[click.button.action](key, fingerprint, click)
    except BadRequest as error:
        return Result(key, "declined", str(error))
    return None


def _stale(state: ResourceState, member: GroupedFinding, interaction: Interaction) -> str:
    """Why a finding is not what was shown; empty where it is."""
    finding = state.finding
    if finding is None or finding.status == "resolved":
        return "it is resolved"
    is_older = (finding.changed_at or finding.first_seen) <= interaction.clicked_at
    is_same = state.fingerprint == member.fingerprint if member.fingerprint else is_older
    return "" if is_same else "it has another drift by now; look at its latest message"


def _approved_before(state: ResourceState, click: _Click) -> str:
    """Who else has approved it; empty where nobody has, or this very click has and was interrupted."""
    remedy = state.remediation
    if remedy is None or remedy.fingerprint != state.fingerprint or remedy.step in ("done", "over"):
        return ""
    return f"approved by {remedy.approved_by}" if remedy.approved_by not in ("", click.by) else ""


def _exempted_before(state: ResourceState, click: _Click) -> str:
    """Who else has exempted it for as long; empty where nobody has, or this very click has."""
    exemption = state.exemption
    if exemption is None or not is_in_force(exemption, state.fingerprint, click.handler.context.clock()):
        return ""
    if (exemption.by, exemption.since) == (click.by, click.interaction.clicked_at):
        return ""
    is_as_long = exemption.until is None or (click.until is not None and exemption.until + _SAME_TIME >= click.until)
    return f"exempted by {exemption.by or 'somebody'}: {exemption.reason}" if is_as_long else ""


def _approve(key: ResourceKey, fingerprint: str, click: _Click) -> None:
    """Approve a write; ``functions/remediate`` makes it, which alone has the rights."""
    commands.approve(key, fingerprint, click.by, click.handler.context)


def _snooze(key: ResourceKey, fingerprint: str, click: _Click) -> None:
    del fingerprint
    context, until = click.handler.context, click.until
    if until is None or until <= context.clock():
        raise BadRequest("the time to exempt it for is over already")
    commands.exempt(
        key, Exemption(f"exempted in Slack by {click.by}", click.by, click.interaction.clicked_at, until), context
    )


def _accept(key: ResourceKey, fingerprint: str, click: _Click) -> None:
    """Accept the very drift that was shown; one that comes in between stays open."""
    reason = f"accepted in Slack by {click.by}"
    exemption = Exemption(reason, click.by, click.interaction.clicked_at, None, fingerprint)
    commands.exempt(key, exemption, click.handler.context)


_ORDERS: dict[ButtonAction, Callable[[ResourceKey, str, _Click], None]] = {
    "fix": _approve,
    "approve": _approve,
    "snooze": _snooze,
    "accept": _accept,
}


def _audit_entry(key: ResourceKey, click: _Click) -> AuditEntry | None:
    """The entry of the audit trail about this click, or about an equal one that was handled after it was made."""
    clicked_at = click.interaction.clicked_at
    return next(
        (
            entry
            for entry in click.handler.context.store.trail(key)
            if (entry.what, entry.by) == (click.audit_word, click.by) and entry.recorded_at >= clicked_at
        ),
        None,
    )


def _step(entry: AuditEntry | None, click: _Click) -> TimelineEntry:
    if entry is None:  # written by a clock that is behind Slack's
        return TimelineEntry(click.interaction.clicked_at, click.audit_word, click.by)
    return TimelineEntry(entry.recorded_at, entry.what, entry.by, entry.text)


def _person(user: str, people: People) -> tuple[Person, list[str]]:
    """Who clicked; where their address cannot be read, their id alone counts."""
    try:
        return people.person(user), []
    except BadRequest as error:
        return Person(user), [str(error)]


def _may_click(data: DriftData, alerting: Alerting, click: _Click) -> bool:
    """Whether somebody may click; a group is asked for only where its members may, and nothing else decides."""
    person = click.person
    if person.is_guest:
        return False
    names = tuple(filter(None, (person.id, person.email)))
    if routing.may_click(alerting, data, names, ()):
        return True
    groups = dict.fromkeys(group for approver in _approvers(data, alerting) for group in approver.groups)
    return any(routing.may_click(alerting, data, names, (group,)) for group in groups if _is_in(group, click))


def _is_in(group: str, click: _Click) -> bool:
    """Whether somebody is in a group; a group that does not exist has no members."""
    try:
        return click.person.id in click.handler.people.group(group)
    except BadRequest as error:
        if str(error) not in click.problems:
            click.problems.append(str(error))
        return False


def _approvers(data: DriftData, alerting: Alerting) -> tuple[Approvers, ...]:
    case = routing.case_of(data)
    return tuple(approver for approver in alerting.approvers if fits(approver.match, case))


def _explanation(key: ResourceKey, handler: InteractionHandler) -> str:
    """Why a finding is what it is, in words."""
    store = handler.context.store
    snapshot: Snapshot = store.read(key)
    state = snapshot.state
    if state is None or state.finding is None:
        return ephemeral_replies.stale(key.name, "it has no finding any more")
    data = finding_events.data_of(state)
    case = load_context(snapshot, handler.context)
    decision = deciding.decide(case.decision_input) if case is not None else None
    return ephemeral_replies.why(data, decision, _approvers(data, handler.alerting(snapshot.rules)), store.trail(key))


def _result_text(result: Result) -> str:
    """The answer about one finding; empty where the order was taken, which the message itself shows."""
    if result.outcome == "done":
        return ""
    if result.outcome == "refused":
        return ephemeral_replies.refusal(result.key.name, result.approvers)
    return ephemeral_replies.stale(result.key.name, result.text)


def _group_text(click: _Click, results: tuple[Result, ...]) -> str:
    refused = [result for result in results if result.outcome == "refused"]
    if refused and len(refused) == len(results):
        return ephemeral_replies.refusal(refused[0].key.name, refused[0].approvers)
    outcomes: Counter[str] = Counter(result.outcome for result in results)
    return ephemeral_replies.counts(click.audit_word or "asked for", outcomes)


def _answer(
    text: str, interaction: Interaction, handler: InteractionHandler, *, is_done: bool = False
) -> tuple[str, ...]:
    """Answer whoever clicked; an order stands whether they are reached or not.

    Raises:
        TransientError: nothing was ordered, and they were not reached.
    """
    try:
        handler.people.tell(interaction.user, interaction.channel, text, interaction.thread)
    except BadRequest as error:
        return (str(error),)
    except TransientError as error:
        if not is_done:
            raise
        return (str(error),)
    return ()
