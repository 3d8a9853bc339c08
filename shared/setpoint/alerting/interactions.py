"""What follows when somebody presses a button in Slack: who may, the order, and the answer.

A button is a wish about what was shown. It is followed where the finding is still just that, whoever presses may decide
about it, and nobody has done so already; else nothing happens, and whoever pressed is told why. A message that comes
twice, and a button that is pressed twice, are one order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from setpoint.alerting import routing as alerts
from setpoint.alerting.rendering import button_payload, ephemeral_replies
from setpoint.alerting.rendering.button_payload import Pressed
from setpoint.detection import finding_events
from setpoint.errors import BadRequest, MalformedMessage, TransientError
from setpoint.model import slack_interaction
from setpoint.model.alerting_config import Alerting, Approvers
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.events import DriftData
from setpoint.model.exemptions import Exemption, is_in_force
from setpoint.model.fleet_rules import Rules
from setpoint.model.notice_view import Press, TimelineEntry
from setpoint.model.policy import fits
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.model.slack_interaction import Interaction
from setpoint.ports.people import People, Person, Posted
from setpoint.ports.stores import Snapshot
from setpoint.remediation import commands
from setpoint.remediation import decision as deciding
from setpoint.remediation.context import load_context
from setpoint.remediation.records import RemediationContext

InteractionOutcome = Literal[
    "done",  # it was ordered, now or by this very press before
    "already",  # somebody has ordered it before
    "stale",  # it is another drift by now, or over
    "declined",  # it cannot be ordered: its mode, or it is being written
    "refused",  # whoever pressed may not
]
_WORDS: dict[Press, str] = {"fix": "approved", "approve": "approved", "snooze": "exempted", "accept": "accepted"}
"""What the audit trail calls it."""

_AS_LONG = timedelta(minutes=1)
"""What two people say at about the same time is the same."""


class GroupedFinding(NamedTuple):
    """A finding of a message that shows several.

    Args:
        key: the resource and content.
        fingerprint: the drift that it is shown for; where empty, any that was there when the button was pressed.
    """

    key: ResourceKey
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class InteractionHandler:
    """What pressing works with.

    Args:
        hands: what orders work with.
        people: who presses, and how they are answered.
        members: the findings of a message that shows several, by its id.
        alerting: who may press, as the rules of the fleet say.
    """

    hands: RemediationContext
    people: People
    members: Callable[[str], Iterable[GroupedFinding]]
    alerting: Callable[[Rules], Alerting]


class Result(NamedTuple):
    """What became of a press for one finding.

    Args:
        key: the resource and content.
        outcome: what became of it.
        text: why, where nothing was done; or who has done it before.
        step: what has happened to the finding, the same however often the press is told; None where nothing has.
        quiet_until: until when it is left alone, where that was ordered.
        approvers: who may press.
    """

    key: ResourceKey
    outcome: InteractionOutcome
    text: str = ""
    step: TimelineEntry | None = None
    quiet_until: datetime | None = None
    approvers: tuple[Approvers, ...] = ()


class InteractionResult(NamedTuple):
    """What became of a press.

    Args:
        pressed: the button; None where the message was none, and was dead-lettered.
        posted: the message that it is in.
        results: what became of each finding; none for a question.
        problems: what went wrong beside it: an answer that was not delivered, a group that nobody knows.
    """

    pressed: Pressed | None
    posted: Posted | None = None
    results: tuple[Result, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def done(self) -> tuple[Result, ...]:
        """The findings to which something has happened."""
        return tuple(result for result in self.results if result.outcome == "done")


class _Press(NamedTuple):
    """A press, and who it is from.

    Args:
        pressed: the button.
        interaction: what Slack told of it.
        person: who pressed.
        problems: what could not be learnt of them.
        presser: what pressing works with.
    """

    pressed: Pressed
    interaction: Interaction
    person: Person
    problems: list[str]
    presser: InteractionHandler

    @property
    def by(self) -> str:
        """Whoever pressed, as the audit trail names them."""
        return " ".join(filter(None, (f"slack:{self.person.id}", self.person.email)))

    @property
    def until(self) -> datetime | None:
        """Until when it is to be left alone: from when the button was pressed, however late that is told."""
        seconds = self.pressed.seconds
        return self.interaction.at + timedelta(seconds=seconds) if self.pressed.press == "snooze" else None


def receive(message: bytes, attributes: Mapping[str, str], presser: InteractionHandler) -> InteractionResult:
    """Handle a message that tells of a button; one that tells of none is dead-lettered.

    Raises:
        TransientError: let the message be delivered again; what was ordered by then is not ordered again.
        CorruptState: a finding's record cannot be read.
    """
    try:
        interaction = slack_interaction.decode(message)
        pressed = button_payload.decode(interaction.action, interaction.blocks)
    except MalformedMessage as error:
        presser.hands.deps.dead_letters.put(message, attributes, str(error))
        return InteractionResult(None)
    return handle(pressed, interaction, presser)


def handle(pressed: Pressed, interaction: Interaction, presser: InteractionHandler) -> InteractionResult:
    """Follow a button that was pressed.

    Raises:
        TransientError: as ``receive`` does.
        CorruptState: as ``receive`` does.
    """
    posted = Posted(interaction.channel, interaction.ts)
    if pressed.press == "why" and not pressed.group:
        text = _explained(pressed.key, presser)
        return InteractionResult(pressed, posted, problems=_answer(text, interaction, presser))
    press = _Press(pressed, interaction, *_who(interaction.user, presser), presser)
    if pressed.group:
        results = _of_all(press)
        text = _summed(pressed.press, results)
    else:
        results = (_of_one(GroupedFinding(pressed.key, pressed.fingerprint), press),)
        text = _result_text(results[0])
    is_done = any(result.outcome == "done" for result in results)
    problems = _answer(text, interaction, presser, is_done=is_done) if text else ()
    return InteractionResult(pressed, posted, results, (*press.problems, *problems))


def _of_all(press: _Press) -> tuple[Result, ...]:
    """Follow it for each finding; one that is written by others keeps back no other."""
    results, failure = [], None
    for member in press.presser.members(press.pressed.group):
        try:
            results.append(_of_one(member, press))
        except TransientError as error:
            failure = error
    if failure is not None:
        raise failure
    return tuple(results)


def _of_one(member: GroupedFinding, press: _Press) -> Result:
    """Follow it for one finding, where it is still what was shown, and whoever presses may."""
    key = member.key
    snapshot = press.presser.hands.deps.store.read(key)
    state = snapshot.state
    if state is None or state.finding is None:
        return Result(key, "stale", "nothing is known of it any more")
    data = finding_events.data_of(state)
    alerting = press.presser.alerting(snapshot.rules)
    if not _may(data, alerting, press):
        return Result(key, "refused", approvers=_approvers(data, alerting))
    if (entry := _entry(key, press)) is None:
        if (unfit := _unfit(state, member, press)) is not None:
            return unfit
        try:
            _ORDERS[press.pressed.press](key, state.fingerprint, press)
        except BadRequest as error:
            return Result(key, "declined", str(error))
        entry = _entry(key, press)
    return Result(key, "done", step=_step(entry, press), quiet_until=press.until)


def _unfit(state: ResourceState, member: GroupedFinding, press: _Press) -> Result | None:
    """Why nothing is to be done about a finding; None where something is."""
    if press.pressed.press not in _ORDERS:
        return Result(member.key, "declined", "ask about each finding by itself")
    if why := _stale(state, member, press.interaction):
        return Result(member.key, "stale", why)
    why = _approved(state, press) if press.pressed.press in ("fix", "approve") else _exempted(state, press)
    return Result(member.key, "already", why) if why else None


def _stale(state: ResourceState, member: GroupedFinding, interaction: Interaction) -> str:
    """Why a finding is not what was shown; empty where it is."""
    finding = state.finding
    if finding is None or finding.status == "resolved":
        return "it is resolved"
    is_older = (finding.changed_at or finding.first_seen) <= interaction.at
    is_same = state.fingerprint == member.fingerprint if member.fingerprint else is_older
    return "" if is_same else "it is another drift by now; look again"


def _approved(state: ResourceState, press: _Press) -> str:
    """Who has approved it before; empty where nobody has, or this very press has and was cut off."""
    remedy = state.remedy
    if remedy is None or remedy.fingerprint != state.fingerprint or remedy.step in ("done", "over"):
        return ""
    return f"approved by {remedy.approved_by}" if remedy.approved_by not in ("", press.by) else ""


def _exempted(state: ResourceState, press: _Press) -> str:
    """Who has said before to leave it alone for as long; empty where nobody has, or this very press has."""
    exemption = state.exemption
    if exemption is None or not is_in_force(exemption, state.fingerprint, press.presser.hands.deps.clock()):
        return ""
    if (exemption.by, exemption.since) == (press.by, press.interaction.at):
        return ""
    is_as_long = exemption.until is None or (press.until is not None and exemption.until + _AS_LONG >= press.until)
    return f"{exemption.by or 'somebody'} said to leave it alone: {exemption.reason}" if is_as_long else ""


def _approve(key: ResourceKey, fingerprint: str, press: _Press) -> None:
    """Have it put back; remediate looks at what is due each minute, and has the rights that nobody has here."""
    commands.approve(key, fingerprint, press.by, press.presser.hands)


def _snooze(key: ResourceKey, fingerprint: str, press: _Press) -> None:
    del fingerprint
    deps, until = press.presser.hands.deps, press.until
    if until is None or until <= deps.clock():
        raise BadRequest("the time for which it was to be left alone is over")
    commands.exempt(key, Exemption(f"snoozed in Slack by {press.by}", press.by, press.interaction.at, until), deps)


def _accept(key: ResourceKey, fingerprint: str, press: _Press) -> None:
    """Accept the very drift that was shown; one that comes in between is accepted by nobody."""
    reason = f"accepted in Slack by {press.by}"
    exemption = Exemption(reason, press.by, press.interaction.at, None, fingerprint)
    commands.exempt(key, exemption, press.presser.hands.deps)


_ORDERS: dict[Press, Callable[[ResourceKey, str, _Press], None]] = {
    "fix": _approve,
    "approve": _approve,
    "snooze": _snooze,
    "accept": _accept,
}


def _entry(key: ResourceKey, press: _Press) -> AuditEntry | None:
    """What the trail holds of this press; or of one that was the same, and was followed after this was pressed."""
    what = _WORDS.get(press.pressed.press)
    trail = press.presser.hands.deps.store.trail(key)
    return next(
        (entry for entry in trail if entry.what == what and entry.by == press.by and entry.at >= press.interaction.at),
        None,
    )


def _step(entry: AuditEntry | None, press: _Press) -> TimelineEntry:
    if entry is None:  # by a clock that is behind Slack's
        return TimelineEntry(press.interaction.at, _WORDS[press.pressed.press], press.by)
    return TimelineEntry(entry.at, entry.what, entry.by, entry.text)


def _who(user: str, presser: InteractionHandler) -> tuple[Person, list[str]]:
    """Who presses; where nobody may ask for their address, their id alone counts."""
    try:
        return presser.people.person(user), []
    except BadRequest as error:
        return Person(user), [str(error)]


def _may(data: DriftData, alerting: Alerting, press: _Press) -> bool:
    """Whether somebody may press; groups are only asked for where their members may, and nobody else tells."""
    person = press.person
    if person.is_guest:
        return False
    names = tuple(filter(None, (person.id, person.email)))
    if alerts.may_click(alerting, data, names, ()):
        return True
    groups = dict.fromkeys(group for approver in _approvers(data, alerting) for group in approver.groups)
    return any(alerts.may_click(alerting, data, names, (group,)) for group in groups if _is_in(group, press))


def _is_in(group: str, press: _Press) -> bool:
    """Whether somebody is in a group; in one that nobody knows is nobody."""
    try:
        return press.person.id in press.presser.people.group(group)
    except BadRequest as error:
        if str(error) not in press.problems:
            press.problems.append(str(error))
        return False


def _approvers(data: DriftData, alerting: Alerting) -> tuple[Approvers, ...]:
    case = alerts.case_of(data)
    return tuple(approver for approver in alerting.approvers if fits(approver.match, case))


def _explained(key: ResourceKey, presser: InteractionHandler) -> str:
    """Why a finding is what it is, in words."""
    store = presser.hands.deps.store
    snapshot: Snapshot = store.read(key)
    state = snapshot.state
    if state is None or state.finding is None:
        return ephemeral_replies.stale(key.name, "nothing is known of it any more")
    data = finding_events.data_of(state)
    case = load_context(snapshot, presser.hands)
    decision = deciding.decide(case.situation) if case is not None else None
    return ephemeral_replies.why(data, decision, _approvers(data, presser.alerting(snapshot.rules)), store.trail(key))


def _result_text(result: Result) -> str:
    """What whoever pressed is told of one finding; nothing where it was done, which the message shows."""
    if result.outcome == "done":
        return ""
    if result.outcome == "refused":
        return ephemeral_replies.refusal(result.key.name, result.approvers)
    return ephemeral_replies.stale(result.key.name, result.text)


def _summed(press: Press, results: tuple[Result, ...]) -> str:
    refused = [result for result in results if result.outcome == "refused"]
    if refused and len(refused) == len(results):
        return ephemeral_replies.refusal(refused[0].key.name, refused[0].approvers)
    return ephemeral_replies.counts(_WORDS.get(press, "asked for"), Counter(result.outcome for result in results))


def _answer(
    text: str, interaction: Interaction, presser: InteractionHandler, *, is_done: bool = False
) -> tuple[str, ...]:
    """Tell whoever pressed; an order stands whether they hear of it or not.

    Raises:
        TransientError: nothing was ordered, and they were not told.
    """
    try:
        presser.people.tell(interaction.user, interaction.channel, text, interaction.thread)
    except BadRequest as error:
        return (str(error),)
    except TransientError as error:
        if not is_done:
            raise
        return (str(error),)
    return ()
