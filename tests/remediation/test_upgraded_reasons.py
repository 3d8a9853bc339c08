"""An upgrade that says reasons in other words records and reports no open step again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, KEY, World
from setpoint.model.policy import Rule
from setpoint.remediation import earlier_reasons
from setpoint.remediation.engine import remediate
from setpoint_tools.testing.google_faults import Fault

EARLIER = {
    "denied: it cannot be read: storage.buckets.get on it to whoever runs this": (
        "denied: it cannot be read: storage.buckets.get on it to the calling account"
    ),
    "the credentials are not taken; check the service account": (
        "the credentials are not accepted; check the service account"
    ),
    "1200 fields differ, of which 200 were looked at": "1200 fields differ, of which 200 are recorded",
    "no API document tells how to reach it: see to it by hand": (
        "no API document says how to reach it: change it manually"
    ),
    "its API tells none of the ids and times by which it is known, so that it may be another resource": (
        "its API returns none of the ids and times that identify it, so that it may be another resource"
    ),
    "storage.buckets.get at https://h/p: no answer (ConnectionError); it may have been done": (
        "storage.buckets.get at https://h/p: no response (ConnectionError); it may have been done"
    ),
    "storage.buckets.get at https://h/p: no answer, 3 times in a row": (
        "storage.buckets.get at https://h/p: no response, 3 times in a row"
    ),
    "the API is switched off; switch it on with `gcloud services enable run.googleapis.com`": (
        "the API is not enabled; enable it with `gcloud services enable run.googleapis.com`"
    ),
    "machineType: the instance has to be stopped first: stop it, set it, start it": (
        "machineType: the instance must be stopped first: stop it, set it, start it"
    ),
    "zone: the API cannot change it: it has to be recreated": "zone: the API cannot change it: it must be recreated",
    "no API document says how to reach it: change it by hand": "no API document says how to reach it: change it "
    "manually",
    "it is gone: make it again as declared (buckets.insert)": (
        "it was deleted: create it again as declared (buckets.insert)"
    ),
    "it is not written either, since location is not: see to both by hand": (
        "it is not written either, since location is not: change both manually"
    ),
    "no write that can be planned puts it back: see to it by hand": "no planned write reverts it: change it manually",
    "it is not known where it is, so that no rule, pause or limit of a place can be looked up": (
        "its location is not known, so that no rule, pause or limit of a place can be looked up"
    ),
}


@pytest.mark.parametrize(("earlier", "current"), EARLIER.items())
def test_a_reason_in_earlier_words_is_the_same_reason(earlier: str, current: str):
    assert earlier_reasons.current(earlier) == earlier_reasons.current(current) == current


def test_other_numbers_are_another_reason():
    first, other = (f"{count} fields differ, of which 200 were looked at" for count in (1200, 1300))
    assert earlier_reasons.current(first) != earlier_reasons.current(other)


def reworded(world: World, current: str, earlier: str) -> None:
    """What an earlier version would have stored."""
    snapshot = world.store.read(KEY)
    state = snapshot.state
    assert current in state.remediation.reason
    reason = state.remediation.reason.replace(current, earlier)
    world.store.commit(snapshot, replace(state, remediation=replace(state.remediation, reason=reason)))


def test_a_denied_step_is_reported_once_over_an_upgrade(drifted: World):
    drifted.google.fail(Fault(403), verb="GET", times=-1)
    assert remediate(KEY, drifted.context) == "handed_off"
    drifted.ticks(5)
    reworded(drifted, "to the calling account", "to whoever runs this")
    events, trail = drifted.event_types, drifted.trail
    drifted.ticks(300)
    assert (drifted.event_types, drifted.trail) == (events, trail)
    assert "to the calling account" in drifted.state.remediation.reason


def test_a_step_for_another_reason_is_reported(drifted: World):
    drifted.google.fail(Fault(403), verb="GET", times=-1)
    remediate(KEY, drifted.context)
    drifted.ticks(5)
    events = drifted.event_types
    drifted.declare(replace(AUTO, rules=(Rule("all", mode="approve"),)))
    remediate(KEY, drifted.context)
    assert len(drifted.event_types) > len(events)
