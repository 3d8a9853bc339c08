"""What must be so when all is over: findings exact, events complete, nothing written twice."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field

from setpoint.model.events import CloudEvent
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint_tools.testing.fleet import ExpectedState, Fleet


@dataclass
class Report:
    """What a run has come to; all that is wrong is told by name, up to a few.

    Args:
        scenario: what was done.
        messages: messages that the feed sent.
        deliveries: messages that were handed over, those that came again included, where that is known.
        events: events that were heard, each once.
        again: events that were heard once more.
        kills: processes that were killed.
        lost: drifts that were not found, and events that were not heard.
        false: findings of what is as declared, and fields that nobody touched.
        double: numbers of one finding's events that stand for two of them.
        seconds: how long it took.
        wrong: what is wrong.
    """

    scenario: str
    messages: int = 0
    deliveries: int = 0
    events: int = 0
    again: int = 0
    kills: int = 0
    lost: int = 0
    false: int = 0
    double: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def is_true(self) -> bool:
        return not (self.lost or self.false or self.double or self.wrong)

    def figures(self) -> dict[str, object]:
        return {**asdict(self), "seconds": round(self.seconds, 1), "wrong": self.wrong[:10]}


def differing(fleet: Fleet, states: Iterable[ResourceState], *, by_sweep: bool = False) -> list[tuple[str, str]]:
    """What findings say that is not so, as ``lost`` or ``false`` with an explanation.

    Args:
        fleet: the fleet.
        states: all records.
        by_sweep: the latest word was a sweep's, so that the times are its own.
    """
    by_key = {state.key: state for state in states}
    wrong = []
    for expected_state in fleet.expected_states():
        fault = _fault(expected_state, by_key.pop(expected_state.key, None), by_sweep=by_sweep)
        if fault:
            wrong.append(
                (fault, f"{fault}: {expected_state.key.name} ({expected_state.key.content}) is {expected_state.kind}")
            )
    wrong += [("false", f"false: {key.name} is declared by nobody") for key, state in by_key.items() if state.finding]
    return wrong


def _fault(expected_state: ExpectedState, state: ResourceState | None, *, by_sweep: bool) -> str:
    if state is None:
        return "lost"
    finding = state.finding if state.is_open else None
    if expected_state.kind is None or finding is None:
        if finding is not None:
            return "false"
        return (
            "lost"
            if expected_state.kind is not None or (state.observed_at != expected_state.time and not by_sweep)
            else ""
        )
    if finding.kind != expected_state.kind or (state.observed_at != expected_state.time and not by_sweep):
        return "lost"
    return (
        "" if all(difference.path.startswith(expected_state.field) for difference in finding.differences) else "false"
    )


class Heard:
    """A consumer of events that drops what it has seen, and remembers what it wondered about."""

    def __init__(self) -> None:
        self.events: dict[str, CloudEvent] = {}
        self.again = 0
        self.differing: list[str] = []

    def hear(self, event: CloudEvent) -> None:
        known = self.events.setdefault(event.id, event)
        self.again += known is not event
        if known != event:
            self.differing.append(f"double: {event.id} is two different events of {event.subject}")


def judge(
    report: Report,
    fleet: Fleet,
    states: list[ResourceState],
    heard: Heard,
    *,
    by_sweep: bool = False,
    rewritten: Collection[str] = (),
) -> Report:
    """Compare what was found and heard with the truth; the numbers of ``rewritten`` findings may have gaps."""
    for fault, text in differing(fleet, states, by_sweep=by_sweep):
        setattr(report, fault, getattr(report, fault) + 1)
        report.wrong.append(text)
    report.events, report.again = len(heard.events), heard.again
    report.double += len(heard.differing)
    report.wrong += heard.differing
    stories: defaultdict[str, list[CloudEvent]] = defaultdict(list)
    for event in heard.events.values():
        stories[event.data.finding_id].append(event)
    for state in states:
        story = stories.pop(state.key.id, [])
        if state.key.id not in rewritten:
            _judge_story(report, state, story)
    report.wrong += [f"false: events of {story[0].subject}, of which there is no record" for story in stories.values()]
    return report


def _judge_story(report: Report, state: ResourceState, story: list[CloudEvent]) -> None:
    """Each transition has a number, and each number one event; what was opened is resolved before it opens again."""
    story.sort(key=lambda event: event.sequence)
    numbers = [int(event.sequence) for event in story]
    missing = set(range(1, state.sequence + 1)) - set(numbers)
    twice = len(numbers) - len(set(numbers))
    report.lost += len(missing)
    report.double += twice
    name = _named(state.key)
    if missing:
        report.wrong.append(f"lost: events {sorted(missing)} of {name}")
    if twice:
        report.wrong.append(f"double: {name} has told {numbers}")
    if state.pending:
        report.wrong.append(f"lost: {name} has events that nobody has published")
    for before, after in itertools.pairwise(story):
        if (after.type == "drift.opened") != (before.type == "drift.resolved"):
            report.wrong.append(f"double: {name} has told {before.type} and then {after.type}")


def _named(key: ResourceKey) -> str:
    return f"{key.name} ({key.content})"
