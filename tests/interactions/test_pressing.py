"""Buttons that people press in Slack, over every store."""

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


@pytest.mark.parametrize("press", ["approve", "fix"])
def test_what_was_approved_is_put_back_with_the_next_tick_and_the_trail_names_who(desk, press):
    remediate(KEY, desk.world.hands)
    handled = desk.press(press)
    assert outcomes(handled) == ["done"]
    assert desk.trail == [("approved", ALICE)]
    (done,) = handled.done
    assert (done.step.what, done.step.by) == ("approved", ALICE)
    assert (handled.posted.channel, handled.posted.ts) == (desk.slack.channel("shop").id, desk.ts)
    assert desk.whispers == []

    desk.world.clock.forward(minutes=1)
    assert resume_due(desk.world.hands).outcomes == {"resolved": 1}
    assert desk.world.writes == 1


@pytest.mark.parametrize(("times", "seconds"), [("1h", 3600), ("1d", 86_400), ("1w", 604_800)])
def test_what_is_snoozed_is_quiet_from_the_press_on_for_as_long_as_was_said(desk, times, seconds):
    message = desk.message("snooze", "UALICE", times=times)
    desk.world.clock.forward(minutes=9)
    handled = desk.receive(message)

    exemption = desk.world.state.exemption
    assert exemption.until - exemption.since == timedelta(seconds=seconds)
    assert handled.done[0].quiet_until == exemption.until
    assert exemption.reason == f"exempted in Slack by {ALICE}"
    assert desk.world.state.finding.status == "exempted"


def test_what_was_to_be_snoozed_for_an_hour_two_hours_ago_is_not(desk):
    message = desk.message("snooze", "UALICE", times="1h")
    desk.world.clock.forward(hours=2)

    assert outcomes(desk.receive(message)) == ["declined"]
    assert desk.world.state.exemption is None
    assert "is over" in desk.whispers[0][1]


def test_what_is_accepted_stays_quiet_as_long_as_it_stays_so(desk):
    assert outcomes(desk.press("accept")) == ["done"]
    assert desk.world.state.finding.status == "accepted"

    assert desk.world.observe({**DRIFTED, "labels": {"team": "other"}}) == "opened"


@pytest.mark.parametrize("press", ["approve", "snooze", "accept"])
@pytest.mark.parametrize("times", [2, 5])
def test_a_message_that_comes_again_and_a_button_pressed_twice_are_one_order(desk, press, times):
    first, second = desk.message(press, "UALICE"), desk.message(press, "UALICE")
    handled = [desk.receive(message_) for message_ in (first, second, *[first] * times)]

    assert len(desk.trail) == 1
    assert {outcome for result in handled for outcome in outcomes(result)} == {"done"}
    assert len({result.done[0].step for result in handled}) == 1


def test_a_message_that_comes_again_after_an_exemption_was_taken_back_does_not_bring_it_back(desk):
    message = desk.message("snooze", "UALICE")
    desk.receive(message)
    commands.end_exemption(KEY, "ann", desk.world.deps)
    desk.receive(message)

    assert desk.world.state.exemption is None
    assert outcomes(desk.press("snooze")) == ["done"]
    assert desk.world.state.exemption is not None


@pytest.mark.parametrize("press", ["approve", "snooze", "accept"])
def test_what_somebody_else_has_ordered_before_is_said_so(desk, press):
    desk.press(press, "UOPS")
    assert outcomes(desk.press(press, "UALICE")) == ["already"]

    assert [by for _, by in desk.trail] == ["slack:UOPS olga@ops.example.com"]
    assert "UOPS olga@ops.example.com" in desk.whispers[0][1]


def test_a_crash_between_the_order_and_its_entry_is_made_good(desk, mocker):
    message = desk.message("approve", "UALICE")
    mocker.patch.object(desk.world.store, "note", side_effect=Unavailable("gone"))
    with pytest.raises(Unavailable):
        desk.receive(message)
    mocker.stopall()

    assert outcomes(desk.receive(message)) == ["done"]
    assert desk.trail == [("approved", ALICE)]


@pytest.mark.parametrize("press", ["approve", "fix", "snooze", "accept"])
def test_the_button_of_another_drift_does_nothing_and_says_so(desk, press):
    desk.world.drift({**DRIFTED, "labels": {"team": "other"}})

    assert outcomes(desk.press(press)) == ["stale"]
    assert "another drift by now" in desk.whispers[0][1]
    assert desk.trail == []


@pytest.mark.parametrize("press", ["approve", "snooze", "accept"])
def test_the_button_of_what_is_resolved_does_nothing_and_says_so(desk, press):
    desk.world.observe({**DRIFTED, "versioning": {"enabled": True}, "labels": {"team": "shop"}})
    assert desk.world.state.finding.status == "resolved"

    assert outcomes(desk.press(press)) == ["stale"]
    assert "it is resolved" in desk.whispers[0][1]


def test_what_its_mode_forbids_is_declined(desk):
    desk.world.declare(replace(ASKING, rules=(Rule("all", mode="alert"),)))

    assert outcomes(desk.press("approve")) == ["declined"]
    assert "nothing is remediated in mode alert" in desk.whispers[0][1]


def test_whoever_may_not_is_told_who_may_and_nothing_else_happens(desk):
    handled = desk.press("approve", "UBOB")

    assert outcomes(handled) == ["refused"]
    ((user, text),) = desk.whispers
    assert user == "UBOB"
    assert "<!subteam^SSHOP>" in text
    assert "`*@ops.example.com`" in text
    assert (desk.trail, desk.world.state.remediation) == ([], None)


def test_nobody_may_where_nobody_is_named(desk):
    desk.alerting = without_groups(ALERTING)

    assert outcomes(desk.press("approve", "UOPS")) == ["refused"]
    assert "has no approvers" in desk.whispers[0][1]


def test_approvers_of_other_projects_may_not(desk):
    desk.alerting = replace(ALERTING, approvers=(replace(ALERTING.approvers[0], match=ASKING.rules[0].match),))
    assert outcomes(desk.press("snooze", "UALICE")) == ["done"]
    others = Approvers(replace(ASKING.rules[0].match, projects=("web-*",)), users=("UBOB",))
    desk.alerting = replace(ALERTING, approvers=(others,))
    assert outcomes(desk.press("snooze", "UBOB")) == ["refused"]


@pytest.mark.parametrize(
    "sign", ["is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted"], ids=str.upper
)
def test_guests_strangers_and_bots_may_not_whatever_their_address(desk, sign):
    desk.slack.user("UEVIL", "eve@ops.example.com", **{sign: True})

    assert outcomes(desk.press("approve", "UEVIL")) == ["refused"]


def test_an_address_that_nobody_has_confirmed_counts_for_nothing(desk):
    desk.slack.user("UEVIL", "eve@ops.example.com", is_email_confirmed=False)

    assert outcomes(desk.press("approve", "UEVIL")) == ["refused"]


def test_groups_and_people_are_asked_for_once_in_some_minutes(desk):
    for _ in range(3):
        desk.press("approve")
    assert (desk.slack.calls.count("users.info"), desk.slack.calls.count("usergroups.users.list")) == (1, 1)

    desk.slack.groups["SSHOP"] = []
    desk.world.clock.forward(minutes=6)
    assert outcomes(desk.press("approve")) == ["refused"]


def test_a_group_that_nobody_knows_lets_nobody_in_and_is_told_of(desk):
    del desk.slack.groups["SSHOP"]
    handled = desk.press("approve")

    assert outcomes(handled) == ["refused"]
    assert any("no_such_subteam" in problem for problem in handled.problems)


def test_a_user_whose_address_nobody_may_ask_for_may_by_their_id(desk):
    del desk.slack.users["UOPS"]
    desk.slack.channel("shop")
    assert outcomes(desk.press("approve", "UOPS")) == ["refused"]
    desk.alerting = replace(ALERTING, approvers=(Approvers(users=("UOPS",)),))
    handled = desk.press("approve", "UOPS")

    assert outcomes(handled) == ["done"]
    assert desk.trail == [("approved", "slack:UOPS")]
    assert any("user_not_found" in problem for problem in handled.problems)


def test_why_tells_what_decides_and_who_may_to_anybody_who_asks(desk):
    remediate(KEY, desk.world.hands)
    desk.world.drift({**DRIFTED, "labels": {"team": "<!channel>`*&"}})
    ts = desk.show()
    handled = desk.press("why", "UBOB", ts)

    assert handled.results == ()
    ((user, text),) = desk.whispers
    assert user == "UBOB"
    for expected in ("mode approve by rule all", "versioning.enabled", "<!subteam^SSHOP>", "Audit trail"):
        assert expected in text
    assert "<!channel>" not in text
    assert desk.trail == []


def test_an_answer_is_given_in_the_thread_in_which_was_pressed(desk):
    desk.slack.channel("shop").messages[desk.ts].thread = "1.000001"
    desk.press("approve", "UBOB")
    assert desk.slack.channel("shop").whispers[0][2] == "1.000001"


def test_the_app_joins_the_channel_in_which_it_has_to_answer(desk):
    desk.slack.channel("shop").is_member = False
    desk.press("approve", "UBOB")
    assert len(desk.whispers) == 1


def test_an_order_stands_whether_somebody_hears_of_it_or_not(desk):
    ts = desk.show_several(GroupedFinding(KEY, desk.world.state.fingerprint))
    message = desk.message("approve", "UALICE", ts)
    desk.slack.plan = [Fault(), Fault(), FAULTS["dropped before"]]
    handled = desk.receive(message)
    assert outcomes(handled) == ["done"]
    assert len(handled.problems) == 1


@pytest.mark.parametrize("fault", ["too many", "dropped before", "broken after"])
def test_whoever_is_refused_is_told_in_the_end(desk, fault):
    message = desk.message("approve", "UBOB")
    desk.slack.plan = [Fault(), Fault(), FAULTS[fault]]
    with pytest.raises(Throttled if fault == "too many" else Unavailable):
        desk.receive(message)

    desk.receive(message)
    assert "the approvers of" in desk.whispers[-1][1]


def test_who_somebody_is_has_to_be_known_before_anything_is_ordered(desk):
    message = desk.message("approve", "UALICE")
    desk.slack.plan = [FAULTS["broken before"]]
    with pytest.raises(Unavailable):
        desk.receive(message)
    assert desk.trail == []


def test_what_tells_of_no_button_is_dead_lettered_with_the_reason(desk):
    for message in (b"{}", b"no", desk.message("approve", "UALICE").replace(b"setpoint:", b"another:")):
        assert desk.receive(message).button is None
    assert len(desk.world.deps.dead_letters.kept) == 3
    assert all("button" in letter.reason or "pressed" in letter.reason for letter in desk.world.deps.dead_letters.kept)


def test_somebody_who_writes_in_between_is_waited_for(desk, mocker):
    real = desk.world.store.commit
    calls = []

    def busy(*args, **more):
        calls.append(args)
        if len(calls) < 4:
            raise Conflict("busy")
        return real(*args, **more)

    mocker.patch.object(desk.world.store, "commit", busy)
    assert outcomes(desk.press("approve")) == ["done"]


def test_a_drift_that_changes_while_it_is_accepted_is_accepted_by_nobody(desk, mocker):
    real = commands.exempt

    def late(*args):
        mocker.stopall()
        desk.world.drift({**DRIFTED, "labels": {"team": "other"}})
        return real(*args)

    mocker.patch.object(commands, "exempt", late)
    desk.press("accept")

    assert desk.world.state.finding.status == "open"


def test_a_drift_that_changes_while_it_is_approved_is_approved_by_nobody(desk, mocker):
    real = commands.approve

    def late(*args):
        mocker.stopall()
        desk.world.drift({**DRIFTED, "labels": {"team": "other"}})
        return real(*args)

    mocker.patch.object(commands, "approve", late)
    assert outcomes(desk.press("approve")) == ["declined"]
    assert desk.trail == []


def test_the_events_of_an_order_are_published(desk):
    desk.press("snooze")
    desk.world.deps.outbox.republish_pending()
    assert desk.world.event_types[-1] == "drift.exempted"


def test_two_who_press_at_once_are_one_approval_and_one_write(desk):
    messages = [desk.message("approve", user) for user in ("UALICE", "UOPS")]
    with ThreadPoolExecutor() as threads:
        handled = list(threads.map(desk.receive, messages * 2))

    assert desk.world.state.remediation.approved_by in {by for _, by in desk.trail}
    assert {outcome for result in handled for outcome in outcomes(result)} <= {"done", "already"}
    desk.world.clock.forward(minutes=1)
    resume_due(desk.world.hands)
    assert desk.world.writes == 1
