"""What a finding counts and dates, and when it is ignored rather than in sync."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from setpoint.detection.finding_state_machine import advance
from setpoint.detection.verdict import judge
from setpoint.model.declaration import Declaration, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

KEY = ResourceKey("//storage.googleapis.com/exports")
START = datetime(2025, 6, 17, 12, tzinfo=UTC)
TYPE = "storage.googleapis.com/Bucket"


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def seen(number: float, **data) -> Observation:
    return Observation(KEY, TYPE, minute(number), data=data)


def declared(*ignored: str, settle: float | None = None, **data):
    return desired((Declaration(KEY, TYPE, data, ignore=ignored, settle=settle),))


EU = declared(location="EU")
BOTH = declared(location="EU", class_="STANDARD")


def after(state, observation, wanted=EU, now=None):
    return advance(state, observation, judge(wanted, Rules(), observation, None), now or observation.observed_at)


def test_the_same_observation_judged_again_by_other_rules_is_not_counted_twice():
    first = after(None, seen(0, location="US")).state
    again = after(first, seen(0, location="US"), BOTH).state
    assert (first.finding.count, again.finding.count) == (1, 1)
    assert after(again, seen(1, location="US"), BOTH).state.finding.count == 2


def test_a_finding_that_was_never_another_has_no_time_of_a_change():
    state = after(None, seen(0, location="US")).state
    assert state.finding.changed_at is None
    assert after(state, seen(5, location="US")).state.finding.changed_at is None


def test_a_finding_keeps_the_time_at_which_it_became_what_it_is():
    state = after(None, seen(0, location="US")).state
    state = after(state, seen(3, location="ASIA")).state
    assert state.finding.changed_at == minute(3)
    state = after(state, seen(7, location="ASIA")).state
    assert (state.finding.changed_at, state.finding.first_seen, state.finding.last_seen) == (
        minute(3),
        minute(0),
        minute(7),
    )


def test_a_drift_that_comes_back_begins_anew_without_a_time_of_a_change():
    state = after(None, seen(0, location="US")).state
    state = after(state, seen(3, location="ASIA")).state
    state = after(state, seen(4, location="EU")).state
    state = after(state, seen(5, location="US")).state
    assert (state.finding.changed_at, state.finding.first_seen, state.finding.count) == (None, minute(5), 1)


def drifted_in_both():
    return after(None, seen(0, location="US", class_="COLDLINE"), BOTH).state


def test_a_finding_whose_differences_are_all_ignored_by_now_ends_as_ignored():
    ignoring = declared("location", "class_", location="EU", class_="STANDARD")
    ended = after(drifted_in_both(), seen(0, location="US", class_="COLDLINE"), ignoring)
    assert (ended.outcome, ended.state.finding.reason) == ("resolved", "ignored")


def test_a_finding_of_which_one_difference_is_ignored_and_another_is_over_ends_as_in_sync():
    ignoring = declared("location", location="EU", class_="STANDARD")
    ended = after(drifted_in_both(), seen(1, location="US", class_="STANDARD"), ignoring)
    assert (ended.outcome, ended.state.finding.reason) == ("resolved", "in sync")


def test_a_finding_of_which_one_difference_is_ignored_and_another_is_not_stays_open():
    ignoring = declared("location", location="EU", class_="STANDARD")
    still = after(drifted_in_both(), seen(1, location="US", class_="COLDLINE"), ignoring)
    assert still.outcome == "changed"
    assert [difference.path for difference in still.state.finding.differences] == ["class_"]


def test_a_grace_period_that_grows_while_a_drift_waits_is_waited_for_to_its_new_end():
    waiting = after(None, seen(0, location="US"), declared(settle=60.0, location="EU")).state
    assert waiting.settling.due == minute(1)
    longer = declared(settle=300.0, location="EU")
    waiting = after(waiting, seen(0, location="US"), longer, now=minute(0.5)).state
    assert (waiting.settling.since, waiting.settling.due) == (minute(0), minute(5))
    assert after(waiting, seen(0, location="US"), longer, now=minute(4.9)).outcome == "repeated"
    assert after(waiting, seen(0, location="US"), longer, now=minute(5)).outcome == "opened"


def test_a_grace_period_that_shrinks_while_a_drift_waits_ends_no_later_than_the_new_one():
    waiting = after(None, seen(0, location="US"), declared(settle=300.0, location="EU")).state
    shorter = declared(settle=60.0, location="EU")
    waiting = after(waiting, seen(0, location="US"), shorter, now=minute(0.5)).state
    assert waiting.settling.due == minute(1.5)
    assert after(waiting, seen(0, location="US"), shorter, now=minute(1.5)).outcome == "opened"
