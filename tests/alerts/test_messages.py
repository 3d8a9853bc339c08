from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from alerts.harness import ALERTING, ALICE, DRIFTS, NOON, PAGER, AlertingHarness, Crash, event, names
from setpoint.alerting import service
from setpoint.model import events
from setpoint.model.alerting_config import Alerting, Destination, Digest, Escalation, Route
from setpoint.model.declaration import Owner
from setpoint.model.difference import Difference
from setpoint.model.events import RemediationData
from setpoint.model.notice_view import FindingView, GroupView, TimelineEntry
from setpoint.model.policy import Match
from setpoint.model.resource_key import ResourceKey

OPENED = event("drift.opened")
RESOLVED = event("drift.resolved", 2)
KEY = ResourceKey(OPENED.data.resource_name)


@pytest.fixture
def harness():
    return AlertingHarness()


def test_a_finding_is_one_message_that_changes_as_it_lives(harness):
    harness.deliver(OPENED)
    assert harness.only().data.status == "open"

    harness.deliver(event("drift.changed", 2, fingerprint="other"), event("drift.resolved", 3))

    assert harness.only().data.status == "resolved"
    assert len(harness.sink.posts) == 1
    assert [step.what for step in harness.only().steps] == ["drift.opened", "drift.changed", "drift.resolved"]


def test_what_becomes_of_a_finding_is_told_below_its_message_too(harness):
    harness.deliver(OPENED, RESOLVED)

    details, resolved = harness.sink.threaded
    assert names(details) == ["1"]
    assert resolved.event == "drift.resolved"


def test_a_redelivered_event_tells_nothing_again(harness):
    harness.deliver(OPENED, OPENED, RESOLVED, OPENED, RESOLVED)

    assert harness.only().data.status == "resolved"
    assert (len(harness.sink.posts), harness.sink.updates, len(harness.sink.threaded)) == (1, 1, 2)


def test_an_event_that_comes_late_does_not_bring_back_what_is_over(harness):
    harness.deliver(RESOLVED, OPENED)

    assert harness.only().data.status == "resolved"


def test_a_finding_that_somebody_left_alone_before_anybody_was_told_is_not_told(harness):
    harness.deliver(event("drift.exempted", 2), OPENED)
    harness.tick(3)

    assert harness.shown == []


def test_a_drift_that_begins_again_after_a_while_is_a_message_of_its_own(harness):
    harness.deliver(OPENED, RESOLVED)
    harness.clock.sleep(3600)
    harness.deliver(event("drift.opened", 3, episodes=2))

    assert [view.data.status for view in harness.shown] == ["resolved", "open"]


def test_a_drift_that_comes_and_goes_stays_one_message(harness):
    for sequence in range(1, 9, 2):
        harness.deliver(event("drift.opened", sequence), event("drift.resolved", sequence + 1))
        harness.clock.sleep(30)

    assert len(harness.sink.posts) == 1
    assert harness.only().data.status == "resolved"


def test_findings_of_one_cause_are_one_message(harness):
    for number in range(1, 42):
        harness.deliver(event("drift.opened", number=number))
    harness.tick()

    group = harness.only()
    assert isinstance(group, GroupView)
    assert (group.total, group.project_count, group.statuses) == (41, 41, {"open": 41})
    assert group.cause.changes == (("versioning.enabled", "changed"),)


def test_findings_of_another_cause_are_another_message(harness):
    labels = Difference("labels.team", "missing", declared="shop")
    harness.deliver(OPENED, event("drift.opened", number=2, differences=(labels,)))

    assert len(harness.shown) == 2


def test_what_another_has_done_is_another_message_and_what_nobody_knows_joins(harness):
    bob = replace(ALICE, principal="bob@example.com")
    harness.deliver(OPENED, event("drift.opened", number=2, actor=ALICE), event("drift.opened", number=3, actor=bob))
    harness.deliver(event("drift.opened", number=4, actor=ALICE), event("drift.opened", number=5, actor=bob))
    harness.tick()

    first, second = harness.shown
    assert (first.total, second.total) == (3, 2)
    assert second.actors == {"bob@example.com": 2}


def test_findings_of_one_storm_that_are_delivered_late_are_one_message(harness):
    for number in range(1, 4):
        recorded = NOON + timedelta(minutes=number)
        harness.deliver(replace(event("drift.opened", number=number), recordedtime=recorded))
        harness.clock.sleep(ALERTING.group_seconds)
    harness.tick()

    assert harness.only().total == 3


def test_a_backlog_of_two_storms_is_two_messages(harness):
    harness.clock.sleep(3 * ALERTING.group_seconds)
    for number, minutes in ((1, 0), (2, 1), (3, 20), (4, 2), (5, 21)):
        recorded = NOON + timedelta(minutes=minutes)
        harness.deliver(replace(event("drift.opened", number=number), recordedtime=recorded))
    harness.tick()

    assert [view.total for view in harness.shown] == [2, 3]


def test_a_finding_whose_record_is_dated_ahead_of_the_clock_does_not_keep_the_message_open(harness):
    harness.deliver(replace(OPENED, recordedtime=NOON + timedelta(days=1)))
    harness.clock.sleep(ALERTING.group_seconds)
    harness.deliver(event("drift.opened", number=2))

    assert len(harness.shown) == 2


def test_a_finding_that_comes_after_the_window_is_another_message(harness):
    harness.deliver(OPENED)
    harness.clock.sleep(ALERTING.group_seconds)
    harness.deliver(event("drift.opened", number=2))

    assert len(harness.shown) == 2


def test_who_did_it_is_shown_once_it_is_known(harness):
    harness.deliver(OPENED, event("drift.attributed", 2, actor=ALICE))

    assert harness.only().data.actor == ALICE


def test_what_remediation_has_come_to_is_kept_beside_later_events(harness):
    asked = RemediationData(step="asked")
    harness.deliver(OPENED, event("remediation.requested", 2, remediation=asked))
    harness.deliver(event("drift.attributed", 3, actor=ALICE))
    assert harness.only().data.remediation == asked

    harness.deliver(event("drift.changed", 4, fingerprint="other"))
    assert harness.only().data.remediation is None


def test_what_somebody_does_is_shown_in_the_message(harness):
    harness.deliver(OPENED)
    step = TimelineEntry(NOON, "approved", "slack:U1 alice@example.com")

    service.add_step(KEY, step, harness.context)

    assert harness.only().steps[-1] == step


@pytest.mark.parametrize("fault", ["throttled", "down", "lost", "refused"])
def test_what_fails_is_told_later_and_once(harness, fault):
    harness.sink.faults = [fault]
    harness.deliver(OPENED)
    harness.deliver(RESOLVED)
    harness.tick(70)

    assert harness.only().data.status == "resolved"
    assert len(harness.sink.posts) == 1


def test_who_dies_half_way_is_followed_by_another(harness):
    harness.sink.faults = ["dead"]
    with pytest.raises(Crash):
        harness.deliver(OPENED)
    harness.deliver(OPENED)
    harness.tick(10)

    assert harness.only().data.status == "open"
    assert len(harness.sink.posts) == 1
    assert len(harness.sink.threaded) == 1


def test_a_channel_that_does_not_exist_loses_nothing():
    harness = AlertingHarness(
        replace(ALERTING, routes=(Route("shop", Match(teams=("shop",)), (Destination("slack", "#gone"),)),))
    )
    harness.sink.refused = {"#gone"}

    harness.deliver(OPENED, RESOLVED)
    harness.tick()

    assert harness.only().data.status == "resolved"
    assert "misrouted" in [step.what for step in harness.only().steps]
    harness.sink.refused = set()
    harness.tick(130)
    assert [view.data.status for view in harness.shown] == ["resolved", "resolved"]


def test_without_a_document_the_owner_is_told():
    harness = AlertingHarness(None)
    harness.deliver(event("drift.opened", owner=Owner("shop", "#shop")))

    assert harness.only().data.owner.slack == "#shop"


def test_what_nobody_is_to_be_told_is_not_told():
    harness = AlertingHarness(replace(ALERTING, routes=(Route("quiet", Match(projects=("project-1",))),)))
    harness.deliver(OPENED)
    harness.tick(3)

    assert harness.shown == []


def test_a_finding_that_becomes_worse_is_told_where_that_is_told_too():
    secured = Destination("slack", "#security")
    harness = AlertingHarness(
        replace(ALERTING, routes=(Route("bad", Match(severities=("critical",)), (DRIFTS, secured)),))
    )
    harness.deliver(OPENED, event("drift.changed", 2, severity="critical"))

    assert [view.data.severity for view in harness.shown] == ["critical", "critical"]
    harness.deliver(event("drift.resolved", 3))
    assert [view.data.status for view in harness.shown] == ["resolved", "resolved"]


def digesting():
    return AlertingHarness(replace(ALERTING, digest=Digest(("low",), "0 9 * * *", "Europe/Berlin")))


def test_what_is_told_once_a_day_is_told_in_the_morning():
    harness = digesting()
    harness.deliver(event("drift.opened", severity="low"), event("drift.opened", number=2, severity="low"))
    harness.tick(60)
    assert (harness.shown, harness.sink.digests) == ([], {})

    harness.tick(20, minutes=60)
    (digest,) = harness.sink.digests.values()
    assert sorted(names(digest)) == ["1", "2"]
    harness.tick(24, minutes=60)
    assert len(harness.sink.digests) == 1


def test_what_is_over_by_the_morning_is_not_told():
    harness = digesting()
    harness.deliver(event("drift.opened", severity="low"), event("drift.resolved", 2, severity="low"))
    harness.tick(24, minutes=60)

    assert harness.sink.digests == {}


def test_a_digest_that_fails_is_told_later():
    harness = digesting()
    harness.sink.faults = ["down", "throttled"]
    harness.deliver(event("drift.opened", severity="low"))
    harness.tick(25, minutes=60)

    assert len(harness.sink.digests) == 1


def escalating(after: float = 900.0):
    return AlertingHarness(replace(ALERTING, escalations=(Escalation(after=after, to=(PAGER,)),)))


CRITICAL = event("drift.opened", severity="critical")


def test_somebody_is_called_where_nobody_acts_on_what_is_critical():
    harness = escalating()
    harness.deliver(CRITICAL)
    harness.tick(10)
    assert harness.sink.calls == {}

    harness.tick(10)
    ((call,),) = harness.sink.calls.values()
    assert call.data.severity == "critical"


def test_a_call_is_ended_when_the_drift_is():
    harness = escalating(0)
    harness.deliver(CRITICAL, event("drift.resolved", 2, severity="critical"))

    ((first, last),) = harness.sink.calls.values()
    assert (first.data.status, last.data.status) == ("open", "resolved")


@pytest.mark.parametrize("what", ["resolved", "acted", "exempted"])
def test_nobody_is_called_where_somebody_has_acted(what):
    harness = escalating()
    harness.deliver(CRITICAL)
    if what == "acted":
        service.add_step(KEY, TimelineEntry(NOON, "approved", "alice"), harness.context)
    else:
        harness.deliver(event(f"drift.{what}", 2, severity="critical"))
    harness.tick(30)

    assert harness.sink.calls == {}


def test_a_storm_is_one_call():
    harness = escalating(0)
    for number in range(1, 31):
        harness.deliver(event("drift.opened", number=number, severity="critical"))
    harness.tick(3)

    assert len(harness.sink.calls) == 1


def test_what_is_no_event_is_a_dead_letter(harness):
    service.receive(b"nonsense", {}, harness.context)

    assert len(harness.dead_letters.kept) == 1


def test_a_message_is_told_and_a_tick_goes_on(harness):
    harness.sink.faults = ["down"]
    outcome = service.receive(events.encode(OPENED), {}, harness.context)
    assert outcome.showings == {"failed": 1}

    harness.clock.sleep(60)
    assert service.receive(b"tick", {"type": "tick"}, harness.context).showings == {"shown": 1}
    assert isinstance(harness.only(), FindingView)


def test_messages_to_one_channel_keep_a_second_between_them(harness):
    sent = []
    take = harness.sink.show
    harness.sink.show = lambda *given, **named: (sent.append(harness.clock.now), take(*given, **named))[1]
    for number in range(1, 8):
        harness.deliver(event("drift.opened", number=number, differences=(Difference(f"field{number}", "changed"),)))
    harness.tick(2)

    assert len(harness.shown) == 7
    assert all(later - before >= timedelta(seconds=0.99) for before, later in pairwise(sent))


def test_a_built_in_alerting_tells_nobody_without_an_owner():
    harness = AlertingHarness(Alerting())
    harness.deliver(OPENED)

    assert harness.shown == []


def test_all_of_a_finding_is_told_below_once_whatever_is_told_of_it_meanwhile(harness):
    reply = harness.sink.reply

    def told_meanwhile(*given, **named):
        harness.sink.reply = reply
        reply(*given, **named)
        service.notify(event("drift.changed", 2, fingerprint="other"), harness.context)

    harness.sink.reply = told_meanwhile
    harness.deliver(OPENED)
    harness.tick(3)

    assert [names(message) for message in harness.sink.threaded if not isinstance(message, FindingView)] == [["1"]]
    assert harness.only().data.fingerprint == "other"


@pytest.mark.parametrize("what", ["drift.attributed", "drift.changed", "remediation.failed"])
def test_nobody_is_called_about_what_somebody_acts_on_whatever_is_told_of_it_then(what):
    harness = escalating()
    harness.deliver(CRITICAL)
    service.add_step(KEY, TimelineEntry(NOON, "approved", "alice"), harness.context)
    harness.deliver(event("drift.attributed", 2, severity="critical", actor=ALICE))
    harness.tick(30)
    remediation = RemediationData(step="waiting") if what.startswith("remediation") else None
    harness.deliver(event(what, 3, severity="critical", remediation=remediation))
    harness.tick(30)

    assert harness.sink.calls == {}


@pytest.mark.parametrize(
    ("what", "remediation", "is_told"),
    [
        ("remediation.failed", RemediationData(step="waiting", outcome="failed"), False),
        ("remediation.failed", RemediationData(step="verifying", outcome="changed"), False),
        ("remediation.blocked", RemediationData(step="verifying", outcome="busy"), False),
        ("remediation.failed", RemediationData(step="verifying", outcome="unknown"), True),
        ("remediation.failed", RemediationData(step="handed_off", outcome="denied"), True),
        ("remediation.failed", RemediationData(step="stopped", outcome="failed"), True),
        ("remediation.blocked", RemediationData(step="stopped"), True),
    ],
)
def test_an_attempt_that_is_made_again_by_itself_is_not_told_below_the_message(harness, what, remediation, is_told):
    harness.deliver(OPENED)
    harness.tick()
    harness.deliver(event(what, 2, remediation=remediation))
    harness.tick()

    assert [view.event for view in harness.sink.threaded[1:]] == [what] * is_told


def test_a_channel_that_cannot_be_told_does_not_stand_before_one_that_can():
    gone = Route("shop", Match(projects=("project-1*",)), (Destination("slack", "#gone"),))
    harness = AlertingHarness(replace(ALERTING, default=(), routes=(gone, Route("others", to=(DRIFTS,)))))
    harness.sink.refused = {"#gone"}
    for number in range(10_000, 10_600):
        harness.deliver(event("drift.opened", number=number))
    harness.sink.faults = ["down"]
    harness.deliver(event("drift.opened", number=2))
    harness.tick()

    assert harness.only().data.project == "project-2"
