"""For any events in any order, and any failures: each finding's last state is shown, and shown once."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.harness import AlertingHarness, Crash, event
from setpoint.model.difference import Difference
from setpoint.model.events import CloudEvent
from setpoint.model.notice_view import FindingView, GroupView
from sizes import size

FAULTS = st.lists(st.sampled_from(["", "", "throttled", "down", "lost", "dead", "refused"]), max_size=12)
CAUSES = [(Difference("versioning.enabled", "changed"),), (Difference("labels.team", "missing"),)]


@st.composite
def lives(draw: st.DrawFn) -> list[CloudEvent]:
    """Some findings, each with a life that the detector could publish, in one order of publishing."""
    story = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        is_open, episodes = False, 0
        cause = draw(st.sampled_from(CAUSES))
        for sequence in range(1, draw(st.integers(1, 6)) + 1):
            if not is_open:
                kind: Any = "drift.opened"
                episodes += 1
            else:
                kind = draw(st.sampled_from(["drift.changed", "drift.resolved", "drift.attributed"]))
            is_open = kind != "drift.resolved"
            story.append(event(kind, sequence, number, differences=cause, episodes=episodes))
    return draw(st.permutations(story))


def last(story: list[CloudEvent]) -> dict[str, CloudEvent]:
    latest: dict[str, CloudEvent] = {}
    for event_ in story:
        before = latest.get(event_.subject)
        if before is None or event_.sequence > before.sequence:
            latest[event_.subject] = event_
    return latest


def where(harness: AlertingHarness, name: str) -> list[str]:
    """The status of a finding in each message that shows it and took the last that was told of it."""
    statuses = []
    for thread, view in harness.sink.messages.items():
        notices = [stored.value for stored in harness.context.records.of_thread(thread)]
        for notice in notices:
            if notice.key.name == name:
                shown = view.statuses if isinstance(view, GroupView) else {view.data.status: 1}
                statuses.append((notice.sequence, notice.shown.data.status, notice.is_new, shown))
    return statuses


@settings(max_examples=size(60, 300), deadline=None)
@given(lives(), st.data(), FAULTS)
def test_the_last_state_of_each_finding_is_shown_once(story, data, faults):
    harness = AlertingHarness()
    deliveries = [*story, *data.draw(st.lists(st.sampled_from(story), max_size=4))]
    pauses = data.draw(st.lists(st.sampled_from([0, 1, 700]), min_size=len(deliveries), max_size=len(deliveries)))
    harness.sink.faults = list(faults)
    for event_, pause in zip(deliveries, pauses, strict=True):
        try:
            harness.deliver(event_)
        except Crash:
            harness.deliver(event_)  # delivered again
        harness.clock.sleep(pause)
    for _ in range(200):
        try:
            harness.tick(minutes=5)
        except Crash:
            continue

    assert not list(harness.context.records.due(harness.clock()))
    for name, event_ in last(story).items():
        shown = where(harness, name)
        assert [status for sequence, status, _, _ in shown if sequence == event_.sequence] == [event_.data.status]
        assert not any(is_new for _, _, is_new, _ in shown)
    assert len(harness.sink.posts) == len(set(harness.sink.posts))
    for thread, view in harness.sink.messages.items():
        notices = [stored.value for stored in harness.context.records.of_thread(thread)]
        if isinstance(view, FindingView):
            assert [(notice.shown.data.resource_name, notice.shown.data.status) for notice in notices] == [
                (view.data.resource_name, view.data.status)
            ]
        else:
            assert view.statuses == dict(_counted(notice.shown.data.status for notice in notices))


def _counted(statuses):
    counts: dict[str, int] = {}
    for status in statuses:
        counts[status] = counts.get(status, 0) + 1
    return counts
