from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.detection.finding_state_machine import Transition, advance
from setpoint.detection.verdict import judge
from setpoint.model import lifecycle
from setpoint.model.declaration import Declaration, Scope, desired
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState

KEY = ResourceKey("//compute.googleapis.com/projects/shop/zones/europe-west1-b/instances/web-1")
TYPE = "compute.googleapis.com/Instance"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DECLARED = desired((Declaration(KEY, TYPE, {"machineType": "e2-small"}, project="shop"),))


def moment(second: int) -> datetime:
    return NOON + timedelta(seconds=second)


def seen(second: int, machine: str = "e2-small", status: str = "RUNNING", **more: Any) -> Observation:
    data = {"machineType": machine, "status": status, **more}
    return Observation(KEY, TYPE, moment(second), data=data, ancestors=("projects/12",))


def after(
    state: ResourceState | None,
    observation: Observation,
    now: int,
    wanted: Any = DECLARED,
    known: Rules = Rules(),  # noqa: B008 - frozen
) -> Transition:
    return advance(state, observation, judge(wanted, known, observation, None), moment(now))


def settling(second: int = 0, now: int = 0) -> ResourceState:
    transition = after(None, seen(second, "e2-medium", "STAGING"), now)
    assert (transition.outcome, transition.state is not None) == ("settling", True)
    assert transition.state is not None
    return transition.state


def test_a_drift_of_a_resource_that_is_being_worked_on_raises_no_alarm_at_once():
    state = settling()

    assert (state.finding, state.pending) == (None, ())


def test_a_drift_that_ends_while_it_settles_is_never_heard_of():
    transition = after(settling(), seen(5), 5)

    assert transition.outcome == "in_sync"
    assert transition.state is not None
    assert (transition.state.finding, transition.state.pending, transition.state.settling) == (None, (), None)


def test_a_drift_that_stays_when_the_work_is_done_opens_at_once_and_tells_when_it_began():
    transition = after(settling(), seen(5, "e2-medium"), 5)

    assert transition.outcome == "opened"
    assert transition.state is not None
    assert transition.state.finding is not None
    assert transition.state.finding.first_seen == moment(0)


def test_what_nobody_observes_again_opens_when_its_time_has_passed():
    state = settling()
    same = seen(0, "e2-medium", "STAGING")

    assert after(state, same, 29).outcome == "repeated"
    assert after(state, same, 30).outcome == "opened"


def test_two_observations_of_a_drift_that_are_far_enough_apart_need_no_waiting_however_late_they_come():
    state = settling(0, now=600)

    assert after(state, seen(10, "e2-medium", "STAGING"), 601).outcome == "settling"
    assert after(state, seen(30, "e2-medium", "STAGING"), 601).outcome == "opened"


def test_the_time_runs_from_the_first_sight_and_not_from_the_last_change():
    first = settling()
    second = after(first, seen(20, "e2-large", "STAGING"), 20).state

    assert second is not None
    assert after(second, seen(20, "e2-large", "STAGING"), 30).outcome == "opened"


def test_a_drift_that_settled_once_settles_anew_when_it_comes_back():
    back = after(settling(), seen(5), 5).state

    assert after(back, seen(60, "e2-medium", "STAGING"), 60).outcome == "settling"


def test_an_open_finding_changes_at_once_whatever_state_its_resource_is_in():
    opened = after(None, seen(0, "e2-medium"), 0).state

    assert after(opened, seen(1, "e2-large", "STAGING"), 1).outcome == "changed"


def test_a_grant_and_a_deletion_do_not_settle():
    grants = ResourceKey(KEY.name, "iam_policy")
    policy = desired((Declaration(grants, TYPE, {"bindings": []}, project="shop"),))
    given = [{"role": "roles/viewer", "members": ["allUsers"]}]
    public = Observation(grants, TYPE, moment(0), data={"bindings": given, "status": "UPDATING"})

    assert advance(None, public, judge(policy, Rules(), public, None), moment(0)).outcome == "opened"
    gone = Observation(KEY, TYPE, moment(0), deleted=True, data={"status": "STOPPING"})
    assert after(None, gone, 0).outcome == "opened"


def test_an_exposure_does_not_settle():
    firewall = ResourceKey("//compute.googleapis.com/projects/shop/global/firewalls/ssh")
    wanted = desired((Declaration(firewall, "compute.googleapis.com/Firewall", {"sourceRanges": ["10.0.0.0/8"]}),))
    open_ = Observation(firewall, "t", moment(0), data={"sourceRanges": ["0.0.0.0/0"], "status": "UPDATING"})

    assert advance(None, open_, judge(wanted, Rules(), open_, None), moment(0)).outcome == "opened"


def test_a_declaration_says_how_long_a_difference_has_to_last():
    with_grace = desired((Declaration(KEY, TYPE, {"machineType": "e2-small"}, settle=300.0),))
    hasty = desired((Declaration(KEY, TYPE, {"machineType": "e2-small"}, settle=0.0),))

    waiting = after(None, seen(0, "e2-medium"), 0, with_grace)
    assert waiting.outcome == "settling"
    assert after(waiting.state, seen(0, "e2-medium"), 299, with_grace).outcome == "repeated"
    assert after(waiting.state, seen(0, "e2-medium"), 300, with_grace).outcome == "opened"
    assert after(None, seen(0, "e2-medium", "STAGING"), 0, hasty).outcome == "opened"


def test_what_nobody_declares_settles_while_it_is_made():
    known = rules((Scope("shop", projects=("shop",), asset_types=(TYPE,)),))

    waiting = after(None, seen(0, status="PROVISIONING"), 0, None, known)
    assert waiting.outcome == "settling"
    assert after(waiting.state, seen(5), 5, None, known).outcome == "opened"


def test_what_is_declared_no_longer_does_not_settle_either():
    transition = after(settling(), seen(1, "e2-medium", "STAGING"), 1, None)

    assert transition.state is not None
    assert transition.state.settling is None


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 40)), min_size=1, max_size=12))
def test_a_drift_that_lasts_is_a_finding_in_the_end_and_one_that_is_over_is_not(steps):
    state, second = None, 0
    for drifted, busy, pause in steps:
        second += pause + 1
        observation = seen(second, "e2-medium" if drifted else "e2-small", "STAGING" if busy else "RUNNING")
        state = after(state, observation, second).state or state
    assert state is not None
    last = seen(second, "e2-medium" if steps[-1][0] else "e2-small", "STAGING" if steps[-1][1] else "RUNNING")
    state = after(state, last, second + 30).state or state
    is_open = state.finding is not None and state.finding.status == "open"
    assert is_open == steps[-1][0]
    assert state.settling is None


@pytest.mark.parametrize("data", [{"status": "PROVISIONING"}, {"state": "STATE_UPDATING"}, {"reconciling": True}])
def test_a_resource_says_that_it_is_being_worked_on(data):
    assert lifecycle.is_transitional(data)


@pytest.mark.parametrize("data", [{"status": "RUNNING"}, {"state": "ACTIVE"}, {"status": {"x": 1}}, [], None, {}])
def test_a_resource_that_rests_is_not_being_worked_on(data):
    assert not lifecycle.is_transitional(data)
    assert not lifecycle.is_gone(data)
