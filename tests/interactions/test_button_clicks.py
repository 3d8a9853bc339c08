"""Buttons that people click in Slack, over every store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from msgspec.structs import replace

from interactions.conftest import ALERTING, ASKING, without_groups
from remediation.fleet import DRIFTED, KEY
from setpoint.alerting.interactions import GroupedFinding
from setpoint.errors import Conflict, Throttled, Unavailable
from setpoint.model.alerting_config import Approvers
from setpoint.model.policy import Rule
from setpoint.remediation import commands
from setpoint.remediation.engine import remediate, resume_due
from setpoint_tools.testing.slack_faults import FAULTS, Fault

ALICE = "slack:UALICE alice@example.com"


def outcomes(handled):
    return [result.outcome for result in handled.results]


@pytest.mark.parametrize("click", ["approve", "fix"])
def test_what_was_approved_is_put_back_with_the_next_tick_and_the_trail_names_who(harness, click):
    remediate(KEY, harness.world.context)
    handled = harness.click(click)
    assert outcomes(handled) == ["done"]
    assert harness.trail == [("approved", ALICE)]
    (done,) = handled.done
    assert (done.step.what, done.step.by) == ("approved", ALICE)
    assert (handled.posted.channel, handled.posted.ts) == (harness.slack.channel("shop").id, harness.ts)
    assert harness.whispers == []

    harness.world.clock.forward(minutes=1)
    assert resume_due(harness.world.context).outcomes == {"resolved": 1}
    assert harness.world.writes == 1


@pytest.mark.parametrize(("times", "seconds"), [("1h", 3600), ("1d", 86_400), ("1w", 604_800)])
def test_what_is_snoozed_is_quiet_from_the_click_on_for_as_long_as_was_said(harness, times, seconds):
    message = harness.message("snooze", "UALICE", times=times)
    harness.world.clock.forward(minutes=9)
    handled = harness.receive(message)

    exemption = harness.world.state.exemption
    assert exemption.until - exemption.since == timedelta(seconds=seconds)
    assert handled.done[0].quiet_until == exemption.until
    assert exemption.reason == f"exempted in Slack by {ALICE}"
    assert harness.world.state.finding.status == "exempted"


def test_what_was_to_be_snoozed_for_an_hour_two_hours_ago_is_not(harness):
    message = harness.message("snooze", "UALICE", times="1h")
    harness.world.clock.forward(hours=2)

    assert outcomes(harness.receive(message)) == ["declined"]
    assert harness.world.state.exemption is None
    assert "have ended already" in harness.whispers[0][1]


def test_what_is_accepted_stays_quiet_as_long_as_it_stays_so(harness):
    assert outcomes(harness.click("accept")) == ["done"]
    assert harness.world.state.finding.status == "accepted"

    assert harness.world.observe({**DRIFTED, "labels": {"team": "other"}}) == "opened"


@pytest.mark.parametrize("click", ["approve", "snooze", "accept"])
@pytest.mark.parametrize("times", [2, 5])
def test_a_message_that_comes_again_and_a_button_clicked_twice_are_one_order(harness, click, times):
    first, second = harness.message(click, "UALICE"), harness.message(click, "UALICE")
    handled = [harness.receive(message_) for message_ in (first, second, *[first] * times)]

    assert len(harness.trail) == 1
    assert {outcome for result in handled for outcome in outcomes(result)} == {"done"}
    assert len({result.done[0].step for result in handled}) == 1


def test_a_message_that_comes_again_after_an_exemption_was_taken_back_does_not_bring_it_back(harness):
    message = harness.message("snooze", "UALICE")
    harness.receive(message)
    commands.end_exemption(KEY, "ann", harness.world.deps)
    harness.receive(message)

    assert harness.world.state.exemption is None
    assert outcomes(harness.click("snooze")) == ["done"]
    assert harness.world.state.exemption is not None


@pytest.mark.parametrize("click", ["approve", "snooze", "accept"])
def test_what_somebody_else_has_ordered_before_is_said_so(harness, click):
    harness.click(click, "UOPS")
    assert outcomes(harness.click(click, "UALICE")) == ["already"]

    assert [by for _, by in harness.trail] == ["slack:UOPS olga@ops.example.com"]
    assert "UOPS olga@ops.example.com" in harness.whispers[0][1]


def test_a_crash_between_the_order_and_its_entry_is_made_good(harness, mocker):
    message = harness.message("approve", "UALICE")
    mocker.patch.object(harness.world.store, "note", side_effect=Unavailable("gone"))
    with pytest.raises(Unavailable):
        harness.receive(message)
    mocker.stopall()

    assert outcomes(harness.receive(message)) == ["done"]
    assert harness.trail == [("approved", ALICE)]


@pytest.mark.parametrize("click", ["approve", "fix", "snooze", "accept"])
def test_the_button_of_another_drift_does_nothing_and_says_so(harness, click):
    harness.world.drift({**DRIFTED, "labels": {"team": "other"}})

    assert outcomes(harness.click(click)) == ["stale"]
    assert "its drift has changed" in harness.whispers[0][1]
    assert harness.trail == []


@pytest.mark.parametrize("click", ["approve", "snooze", "accept"])
def test_the_button_of_what_is_resolved_does_nothing_and_says_so(harness, click):
    harness.world.observe({**DRIFTED, "versioning": {"enabled": True}, "labels": {"team": "shop"}})
    assert harness.world.state.finding.status == "resolved"

    assert outcomes(harness.click(click)) == ["stale"]
    assert "it is resolved" in harness.whispers[0][1]


def test_what_its_mode_forbids_is_declined(harness):
    harness.world.declare(replace(ASKING, rules=(Rule("all", mode="alert"),)))

    assert outcomes(harness.click("approve")) == ["declined"]
    assert "nothing is remediated in mode alert" in harness.whispers[0][1]


def test_whoever_may_not_is_told_who_may_and_nothing_else_happens(harness):
    handled = harness.click("approve", "UBOB")

    assert outcomes(handled) == ["refused"]
    ((user, text),) = harness.whispers
    assert user == "UBOB"
    assert "<!subteam^SSHOP>" in text
    assert "`*@ops.example.com`" in text
    assert (harness.trail, harness.world.state.remediation) == ([], None)


def test_nobody_may_where_nobody_is_named(harness):
    harness.alerting = without_groups(ALERTING)

    assert outcomes(harness.click("approve", "UOPS")) == ["refused"]
    assert "has no approvers" in harness.whispers[0][1]


def test_approvers_of_other_projects_may_not(harness):
    harness.alerting = replace(ALERTING, approvers=(replace(ALERTING.approvers[0], match=ASKING.rules[0].match),))
    assert outcomes(harness.click("snooze", "UALICE")) == ["done"]
    others = Approvers(replace(ASKING.rules[0].match, projects=("web-*",)), users=("UBOB",))
    harness.alerting = replace(ALERTING, approvers=(others,))
    assert outcomes(harness.click("snooze", "UBOB")) == ["refused"]


@pytest.mark.parametrize(
    "sign", ["is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted"], ids=str.upper
)
def test_guests_strangers_and_bots_may_not_whatever_their_address(harness, sign):
    harness.slack.user("UEVIL", "eve@ops.example.com", **{sign: True})

    assert outcomes(harness.click("approve", "UEVIL")) == ["refused"]


def test_an_address_that_nobody_has_confirmed_counts_for_nothing(harness):
    harness.slack.user("UEVIL", "eve@ops.example.com", is_email_confirmed=False)

    assert outcomes(harness.click("approve", "UEVIL")) == ["refused"]


def test_groups_and_people_are_asked_for_once_in_some_minutes(harness):
    for _ in range(3):
        harness.click("approve")
    assert (harness.slack.calls.count("users.info"), harness.slack.calls.count("usergroups.users.list")) == (1, 1)

    harness.slack.groups["SSHOP"] = []
    harness.world.clock.forward(minutes=6)
    assert outcomes(harness.click("approve")) == ["refused"]


def test_a_group_that_nobody_knows_lets_nobody_in_and_is_told_of(harness):
    del harness.slack.groups["SSHOP"]
    handled = harness.click("approve")

    assert outcomes(handled) == ["refused"]
    assert any("no_such_subteam" in problem for problem in handled.problems)


def test_a_user_whose_address_nobody_may_ask_for_may_by_their_id(harness):
    del harness.slack.users["UOPS"]
    harness.slack.channel("shop")
    assert outcomes(harness.click("approve", "UOPS")) == ["refused"]
    harness.alerting = replace(ALERTING, approvers=(Approvers(users=("UOPS",)),))
    handled = harness.click("approve", "UOPS")

    assert outcomes(handled) == ["done"]
    assert harness.trail == [("approved", "slack:UOPS")]
    assert any("user_not_found" in problem for problem in handled.problems)


def test_why_tells_what_decides_and_who_may_to_anybody_who_asks(harness):
    remediate(KEY, harness.world.context)
    harness.world.drift({**DRIFTED, "labels": {"team": "<!channel>`*&"}})
    ts = harness.show()
    handled = harness.click("why", "UBOB", ts)

    assert handled.results == ()
    ((user, text),) = harness.whispers
    assert user == "UBOB"
    for expected in ("mode approve by rule all", "versioning.enabled", "<!subteam^SSHOP>", "Audit trail"):
        assert expected in text
    assert "<!channel>" not in text
    assert harness.trail == []


def test_an_answer_is_given_in_the_thread_in_which_was_clicked(harness):
    harness.slack.channel("shop").messages[harness.ts].thread = "1.000001"
    harness.click("approve", "UBOB")
    assert harness.slack.channel("shop").whispers[0][2] == "1.000001"


def test_the_app_joins_the_channel_in_which_it_has_to_answer(harness):
    harness.slack.channel("shop").is_member = False
    harness.click("approve", "UBOB")
    assert len(harness.whispers) == 1


def test_an_order_stands_whether_somebody_hears_of_it_or_not(harness):
    ts = harness.show_several(GroupedFinding(KEY, harness.world.state.fingerprint))
    message = harness.message("approve", "UALICE", ts)
    harness.slack.plan = [Fault(), Fault(), FAULTS["dropped before"]]
    handled = harness.receive(message)
    assert outcomes(handled) == ["done"]
    assert len(handled.problems) == 1


@pytest.mark.parametrize("fault", ["too many", "dropped before", "broken after"])
def test_whoever_is_refused_is_told_in_the_end(harness, fault):
    message = harness.message("approve", "UBOB")
    harness.slack.plan = [Fault(), Fault(), FAULTS[fault]]
    with pytest.raises(Throttled if fault == "too many" else Unavailable):
        harness.receive(message)

    harness.receive(message)
    assert "the approvers of" in harness.whispers[-1][1]


def test_who_somebody_is_has_to_be_known_before_anything_is_ordered(harness):
    message = harness.message("approve", "UALICE")
    harness.slack.plan = [FAULTS["broken before"]]
    with pytest.raises(Unavailable):
        harness.receive(message)
    assert harness.trail == []


def test_what_tells_of_no_button_is_dead_lettered_with_the_reason(harness):
    for message in (b"{}", b"no", harness.message("approve", "UALICE").replace(b"setpoint:", b"another:")):
        assert harness.receive(message).button is None
    assert len(harness.world.deps.dead_letters.kept) == 3
    assert all(
        "button" in letter.reason or "pressed" in letter.reason for letter in harness.world.deps.dead_letters.kept
    )


def test_somebody_who_writes_in_between_is_waited_for(harness, mocker):
    real = harness.world.store.commit
    calls = []

    def busy(*args, **more):
        calls.append(args)
        if len(calls) < 4:
            raise Conflict("busy")
        return real(*args, **more)

    mocker.patch.object(harness.world.store, "commit", busy)
    assert outcomes(harness.click("approve")) == ["done"]


def test_a_drift_that_changes_while_it_is_accepted_is_accepted_by_nobody(harness, mocker):
    real = commands.exempt

    def late(*args):
        mocker.stopall()
        harness.world.drift({**DRIFTED, "labels": {"team": "other"}})
        return real(*args)

    mocker.patch.object(commands, "exempt", late)
    harness.click("accept")

    assert harness.world.state.finding.status == "open"


def test_a_drift_that_changes_while_it_is_approved_is_approved_by_nobody(harness, mocker):
    real = commands.approve

    def late(*args):
        mocker.stopall()
        harness.world.drift({**DRIFTED, "labels": {"team": "other"}})
        return real(*args)

    mocker.patch.object(commands, "approve", late)
    assert outcomes(harness.click("approve")) == ["declined"]
    assert harness.trail == []


def test_the_events_of_an_order_are_published(harness):
    harness.click("snooze")
    harness.world.deps.outbox.republish_pending()
    assert harness.world.event_types[-1] == "drift.exempted"


def test_two_who_click_at_once_are_one_approval_and_one_write(harness):
    messages = [harness.message("approve", user) for user in ("UALICE", "UOPS")]
    with ThreadPoolExecutor() as threads:
        handled = list(threads.map(harness.receive, messages * 2))

    assert harness.world.state.remediation.approved_by in {by for _, by in harness.trail}
    assert {outcome for result in handled for outcome in outcomes(result)} <= {"done", "already"}
    harness.world.clock.forward(minutes=1)
    resume_due(harness.world.context)
    assert harness.world.writes == 1
