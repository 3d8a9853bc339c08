from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from alerts.office import ALERTING, ALICE, DRIFTS, NOON, PAGER, Crash, Office, event, names
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
def office():
    return Office()


def test_a_finding_is_one_message_that_changes_as_it_lives(office):
    office.tell(OPENED)
    assert office.only().data.status == "open"

    office.tell(event("drift.changed", 2, fingerprint="other"), event("drift.resolved", 3))

    assert office.only().data.status == "resolved"
    assert len(office.sink.posts) == 1
    assert [step.what for step in office.only().steps] == ["drift.opened", "drift.changed", "drift.resolved"]


def test_what_becomes_of_a_finding_is_told_below_its_message_too(office):
    office.tell(OPENED, RESOLVED)

    details, resolved = office.sink.threaded
    assert names(details) == ["1"]
    assert resolved.event == "drift.resolved"


def test_a_redelivered_event_tells_nothing_again(office):
    office.tell(OPENED, OPENED, RESOLVED, OPENED, RESOLVED)

    assert office.only().data.status == "resolved"
    assert (len(office.sink.posts), office.sink.updates, len(office.sink.threaded)) == (1, 1, 2)


def test_an_event_that_comes_late_does_not_bring_back_what_is_over(office):
    office.tell(RESOLVED, OPENED)

    assert office.only().data.status == "resolved"


def test_a_finding_that_somebody_left_alone_before_anybody_was_told_is_not_told(office):
    office.tell(event("drift.exempted", 2), OPENED)
    office.tick(3)

    assert office.shown == []


def test_a_drift_that_begins_again_after_a_while_is_a_message_of_its_own(office):
    office.tell(OPENED, RESOLVED)
    office.clock.sleep(3600)
    office.tell(event("drift.opened", 3, episodes=2))

    assert [view.data.status for view in office.shown] == ["resolved", "open"]


def test_a_drift_that_comes_and_goes_stays_one_message(office):
    for sequence in range(1, 9, 2):
        office.tell(event("drift.opened", sequence), event("drift.resolved", sequence + 1))
        office.clock.sleep(30)

    assert len(office.sink.posts) == 1
    assert office.only().data.status == "resolved"


def test_findings_of_one_cause_are_one_message(office):
    for number in range(1, 42):
        office.tell(event("drift.opened", number=number))
    office.tick()

    group = office.only()
    assert isinstance(group, GroupView)
    assert (group.total, group.project_count, group.statuses) == (41, 41, {"open": 41})
    assert group.cause.changes == (("versioning.enabled", "changed"),)


def test_findings_of_another_cause_are_another_message(office):
    labels = Difference("labels.team", "missing", declared="shop")
    office.tell(OPENED, event("drift.opened", number=2, differences=(labels,)))

    assert len(office.shown) == 2


def test_what_another_has_done_is_another_message_and_what_nobody_knows_joins(office):
    bob = replace(ALICE, principal="bob@example.com")
    office.tell(OPENED, event("drift.opened", number=2, actor=ALICE), event("drift.opened", number=3, actor=bob))
    office.tell(event("drift.opened", number=4, actor=ALICE), event("drift.opened", number=5, actor=bob))
    office.tick()

    first, second = office.shown
    assert (first.total, second.total) == (3, 2)
    assert second.actors == {"bob@example.com": 2}


def test_findings_of_one_storm_that_are_delivered_late_are_one_message(office):
    for number in range(1, 4):
        recorded = NOON + timedelta(minutes=number)
        office.tell(replace(event("drift.opened", number=number), recordedtime=recorded))
        office.clock.sleep(ALERTING.group_seconds)
    office.tick()

    assert office.only().total == 3


def test_a_backlog_of_two_storms_is_two_messages(office):
    office.clock.sleep(3 * ALERTING.group_seconds)
    for number, minutes in ((1, 0), (2, 1), (3, 20), (4, 2), (5, 21)):
        recorded = NOON + timedelta(minutes=minutes)
        office.tell(replace(event("drift.opened", number=number), recordedtime=recorded))
    office.tick()

    assert [view.total for view in office.shown] == [2, 3]


def test_a_finding_whose_record_is_dated_ahead_of_the_clock_does_not_keep_the_message_open(office):
    office.tell(replace(OPENED, recordedtime=NOON + timedelta(days=1)))
    office.clock.sleep(ALERTING.group_seconds)
    office.tell(event("drift.opened", number=2))

    assert len(office.shown) == 2


def test_a_finding_that_comes_after_the_window_is_another_message(office):
    office.tell(OPENED)
    office.clock.sleep(ALERTING.group_seconds)
    office.tell(event("drift.opened", number=2))

    assert len(office.shown) == 2


def test_who_did_it_is_shown_once_it_is_known(office):
    office.tell(OPENED, event("drift.attributed", 2, actor=ALICE))

    assert office.only().data.actor == ALICE


def test_what_remediation_has_come_to_is_kept_beside_later_events(office):
    asked = RemediationData(step="asked")
    office.tell(OPENED, event("remediation.requested", 2, remediation=asked))
    office.tell(event("drift.attributed", 3, actor=ALICE))
    assert office.only().data.remediation == asked

    office.tell(event("drift.changed", 4, fingerprint="other"))
    assert office.only().data.remediation is None


def test_what_somebody_does_is_shown_in_the_message(office):
    office.tell(OPENED)
    step = TimelineEntry(NOON, "approved", "slack:U1 alice@example.com")

    service.add_step(KEY, step, office.desk)

    assert office.only().steps[-1] == step


@pytest.mark.parametrize("fault", ["throttled", "down", "lost", "refused"])
def test_what_fails_is_told_later_and_once(office, fault):
    office.sink.faults = [fault]
    office.tell(OPENED)
    office.tell(RESOLVED)
    office.tick(70)

    assert office.only().data.status == "resolved"
    assert len(office.sink.posts) == 1


def test_who_dies_half_way_is_followed_by_another(office):
    office.sink.faults = ["dead"]
    with pytest.raises(Crash):
        office.tell(OPENED)
    office.tell(OPENED)
    office.tick(10)

    assert office.only().data.status == "open"
    assert len(office.sink.posts) == 1
    assert len(office.sink.threaded) == 1


def test_a_channel_that_does_not_exist_loses_nothing():
    office = Office(
        replace(ALERTING, routes=(Route("shop", Match(teams=("shop",)), (Destination("slack", "#gone"),)),))
    )
    office.sink.refused = {"#gone"}

    office.tell(OPENED, RESOLVED)
    office.tick()

    assert office.only().data.status == "resolved"
    assert "misrouted" in [step.what for step in office.only().steps]
    office.sink.refused = set()
    office.tick(130)
    assert [view.data.status for view in office.shown] == ["resolved", "resolved"]


def test_without_a_document_the_owner_is_told():
    office = Office(None)
    office.tell(event("drift.opened", owner=Owner("shop", "#shop")))

    assert office.only().data.owner.slack == "#shop"


def test_what_nobody_is_to_be_told_is_not_told():
    office = Office(replace(ALERTING, routes=(Route("quiet", Match(projects=("project-1",))),)))
    office.tell(OPENED)
    office.tick(3)

    assert office.shown == []


def test_a_finding_that_becomes_worse_is_told_where_that_is_told_too():
    secured = Destination("slack", "#security")
    office = Office(replace(ALERTING, routes=(Route("bad", Match(severities=("critical",)), (DRIFTS, secured)),)))
    office.tell(OPENED, event("drift.changed", 2, severity="critical"))

    assert [view.data.severity for view in office.shown] == ["critical", "critical"]
    office.tell(event("drift.resolved", 3))
    assert [view.data.status for view in office.shown] == ["resolved", "resolved"]


def digesting():
    return Office(replace(ALERTING, digest=Digest(("low",), "0 9 * * *", "Europe/Berlin")))


def test_what_is_told_once_a_day_is_told_in_the_morning():
    office = digesting()
    office.tell(event("drift.opened", severity="low"), event("drift.opened", number=2, severity="low"))
    office.tick(60)
    assert (office.shown, office.sink.digests) == ([], {})

    office.tick(20, minutes=60)
    (digest,) = office.sink.digests.values()
    assert sorted(names(digest)) == ["1", "2"]
    office.tick(24, minutes=60)
    assert len(office.sink.digests) == 1


def test_what_is_over_by_the_morning_is_not_told():
    office = digesting()
    office.tell(event("drift.opened", severity="low"), event("drift.resolved", 2, severity="low"))
    office.tick(24, minutes=60)

    assert office.sink.digests == {}


def test_a_digest_that_fails_is_told_later():
    office = digesting()
    office.sink.faults = ["down", "throttled"]
    office.tell(event("drift.opened", severity="low"))
    office.tick(25, minutes=60)

    assert len(office.sink.digests) == 1


def escalating(after: float = 900.0):
    return Office(replace(ALERTING, escalations=(Escalation(after=after, to=(PAGER,)),)))


CRITICAL = event("drift.opened", severity="critical")


def test_somebody_is_called_where_nobody_acts_on_what_is_critical():
    office = escalating()
    office.tell(CRITICAL)
    office.tick(10)
    assert office.sink.calls == {}

    office.tick(10)
    ((call,),) = office.sink.calls.values()
    assert call.data.severity == "critical"


def test_a_call_is_ended_when_the_drift_is():
    office = escalating(0)
    office.tell(CRITICAL, event("drift.resolved", 2, severity="critical"))

    ((first, last),) = office.sink.calls.values()
    assert (first.data.status, last.data.status) == ("open", "resolved")


@pytest.mark.parametrize("what", ["resolved", "acted", "exempted"])
def test_nobody_is_called_where_somebody_has_acted(what):
    office = escalating()
    office.tell(CRITICAL)
    if what == "acted":
        service.add_step(KEY, TimelineEntry(NOON, "approved", "alice"), office.desk)
    else:
        office.tell(event(f"drift.{what}", 2, severity="critical"))
    office.tick(30)

    assert office.sink.calls == {}


def test_a_storm_is_one_call():
    office = escalating(0)
    for number in range(1, 31):
        office.tell(event("drift.opened", number=number, severity="critical"))
    office.tick(3)

    assert len(office.sink.calls) == 1


def test_what_is_no_event_is_a_dead_letter(office):
    service.receive(b"nonsense", {}, office.desk)

    assert len(office.letters.kept) == 1


def test_a_message_is_told_and_a_tick_goes_on(office):
    office.sink.faults = ["down"]
    outcome = service.receive(events.encode(OPENED), {}, office.desk)
    assert outcome.showings == {"failed": 1}

    office.clock.sleep(60)
    assert service.receive(b"tick", {"type": "tick"}, office.desk).showings == {"shown": 1}
    assert isinstance(office.only(), FindingView)


def test_messages_to_one_channel_keep_a_second_between_them(office):
    sent = []
    take = office.sink.show
    office.sink.show = lambda *given, **named: (sent.append(office.clock.now), take(*given, **named))[1]
    for number in range(1, 8):
        office.tell(event("drift.opened", number=number, differences=(Difference(f"field{number}", "changed"),)))
    office.tick(2)

    assert len(office.shown) == 7
    assert all(later - before >= timedelta(seconds=0.99) for before, later in pairwise(sent))


def test_a_built_in_alerting_tells_nobody_without_an_owner():
    office = Office(Alerting())
    office.tell(OPENED)

    assert office.shown == []


def test_all_of_a_finding_is_told_below_once_whatever_is_told_of_it_meanwhile(office):
    reply = office.sink.reply

    def told_meanwhile(*given, **named):
        office.sink.reply = reply
        reply(*given, **named)
        service.notify(event("drift.changed", 2, fingerprint="other"), office.desk)

    office.sink.reply = told_meanwhile
    office.tell(OPENED)
    office.tick(3)

    assert [names(message) for message in office.sink.threaded if not isinstance(message, FindingView)] == [["1"]]
    assert office.only().data.fingerprint == "other"


@pytest.mark.parametrize("what", ["drift.attributed", "drift.changed", "remediation.failed"])
def test_nobody_is_called_about_what_somebody_acts_on_whatever_is_told_of_it_then(what):
    office = escalating()
    office.tell(CRITICAL)
    service.add_step(KEY, TimelineEntry(NOON, "approved", "alice"), office.desk)
    office.tell(event("drift.attributed", 2, severity="critical", actor=ALICE))
    office.tick(30)
    remediation = RemediationData(step="waiting") if what.startswith("remediation") else None
    office.tell(event(what, 3, severity="critical", remediation=remediation))
    office.tick(30)

    assert office.sink.calls == {}


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
def test_an_attempt_that_is_made_again_by_itself_is_not_told_below_the_message(office, what, remediation, is_told):
    office.tell(OPENED)
    office.tick()
    office.tell(event(what, 2, remediation=remediation))
    office.tick()

    assert [view.event for view in office.sink.threaded[1:]] == [what] * is_told


def test_a_channel_that_cannot_be_told_does_not_stand_before_one_that_can():
    gone = Route("shop", Match(projects=("project-1*",)), (Destination("slack", "#gone"),))
    office = Office(replace(ALERTING, default=(), routes=(gone, Route("others", to=(DRIFTS,)))))
    office.sink.refused = {"#gone"}
    for number in range(10_000, 10_600):
        office.tell(event("drift.opened", number=number))
    office.sink.faults = ["down"]
    office.tell(event("drift.opened", number=2))
    office.tick()

    assert office.only().data.project == "project-2"
