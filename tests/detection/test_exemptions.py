from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from setpoint.detection.finding_state_machine import Transition, advance
from setpoint.detection.verdict import judge
from setpoint.model.declaration import Declaration, desired
from setpoint.model.exemptions import Exemption, is_in_force
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState, decode_state, encode_state

KEY = ResourceKey("//storage.googleapis.com/exports")
TYPE = "storage.googleapis.com/Bucket"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DECLARED = desired((Declaration(KEY, TYPE, {"location": "EU"}),))


def moment(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def after(state: ResourceState | None, minute: int, location: str, now: int) -> Transition:
    seen = Observation(KEY, TYPE, moment(minute), data={"location": location})
    return advance(state, seen, judge(DECLARED, Rules(), seen, None), moment(now))


def drifted() -> ResourceState:
    state = after(None, 0, "US", 0).state
    assert state is not None
    return state


def exempted(until: int | None = 60, *, accepted: bool = False) -> ResourceState:
    state = drifted()
    only = state.fingerprint if accepted else ""
    exemption = Exemption("moving", "ann", moment(1), None if until is None else moment(until), only)
    changed = after(replace(state, exemption=exemption), 0, "US", 1)
    assert (changed.outcome, changed.state is not None) == ("exempted", True)
    assert changed.state is not None
    return changed.state


def event_types(state: ResourceState | None) -> list[str]:
    return [event.type for event in state.pending] if state else []


def status(state: ResourceState | None) -> str:
    return state.finding.status if state and state.finding else ""


def test_an_exempted_finding_says_so_once_and_why():
    state = exempted()

    assert event_types(state) == ["drift.opened", "drift.exempted"]
    assert (state.pending[-1].data.status, state.pending[-1].data.reason) == ("exempted", "moving")
    assert after(state, 0, "US", 2).outcome == "repeated"


def test_whatever_an_exempted_resource_does_it_is_left_alone():
    changed = after(exempted(), 5, "ASIA", 5)

    assert (changed.outcome, status(changed.state)) == ("drifted", "exempted")
    assert event_types(changed.state) == ["drift.opened", "drift.exempted"]


def test_an_exemption_ends_by_the_clock_and_the_finding_is_told_of_again():
    state = exempted(until=60)
    assert state.due == moment(60)

    again = after(state, 0, "US", 60)

    assert (again.outcome, status(again.state)) == ("opened", "open")
    assert again.state is not None
    assert again.state.due is None
    assert again.state.finding is not None
    assert (again.state.finding.first_seen, again.state.finding.episodes) == (moment(0), 1)


def test_an_exempted_resource_that_is_as_declared_again_is_resolved():
    ended = after(exempted(), 5, "EU", 5)

    assert (ended.outcome, status(ended.state)) == ("resolved", "resolved")


def test_a_drift_that_begins_under_an_exemption_is_never_open():
    state = after(exempted(), 5, "EU", 5).state
    new = after(state, 10, "US", 10)

    assert (new.outcome, status(new.state)) == ("exempted", "exempted")


def test_what_was_accepted_is_left_alone_as_it_is_and_not_otherwise():
    state = exempted(None, accepted=True)
    assert (status(state), state.due) == ("accepted", None)

    assert after(state, 5, "US", 5).outcome == "drifted"
    other = after(state, 5, "ASIA", 5)
    assert (other.outcome, status(other.state)) == ("opened", "open")


def test_an_exemption_that_is_taken_back_is_over_at_once():
    state = replace(exempted(), exemption=None)

    assert after(state, 0, "US", 2).outcome == "opened"


def test_an_exemption_is_kept_with_the_record():
    state = exempted()

    assert decode_state(encode_state(state)).exemption == state.exemption


def test_an_exemption_is_in_force_until_its_very_end():
    exemption = Exemption("r", "ann", NOON, moment(60))

    assert is_in_force(exemption, "any", moment(59))
    assert not is_in_force(exemption, "any", moment(60))
