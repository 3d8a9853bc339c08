"""Buttons of messages that show several findings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from interactions.conftest import ALERTING, ASKING
from remediation.fleet import DECLARED, DRIFTED, KEY, NOON, TYPE
from setpoint.alerting.interactions import GroupedFinding
from setpoint.errors import Conflict
from setpoint.model.alerting_config import Approvers
from setpoint.model.declaration import Declaration
from setpoint.model.policy import Match
from setpoint.model.resource_key import ResourceKey

KEYS = [ResourceKey(f"//storage.googleapis.com/bucket-{number}") for number in range(4)]


@pytest.fixture
def fleet(harness):
    """Four buckets with the same drift, one of them in another project."""
    projects = ["shop-prod", "shop-prod", "shop-prod", "web-prod"]
    wanted = [
        (Declaration(key, TYPE, {"versioning": {"enabled": True}}, project=project),)
        for key, project in zip(KEYS, projects, strict=True)
    ]
    harness.world.declare_all([*wanted, (Declaration(KEY, TYPE, DECLARED, project="shop-prod"),)], ASKING)
    for key in KEYS:
        harness.world.observe({**DRIFTED, "name": key.name}, key)
    for key, project in zip(KEYS, projects, strict=True):
        snapshot = harness.world.store.read(key)
        finding = replace(snapshot.state.finding, project=project)
        harness.world.store.commit(snapshot, replace(snapshot.state, finding=finding))
    harness.several = harness.show_several(*shown(harness))
    return harness


def shown(harness, *keys) -> list[GroupedFinding]:
    """The findings with the drift that the message shows."""
    store = harness.world.store
    return [GroupedFinding(key, store.read(key).state.fingerprint, NOON) for key in keys or KEYS]


def approved(harness):
    states = [harness.world.store.read(key).state for key in KEYS]
    return [bool(state.remediation and state.remediation.approved_by) for state in states]


def test_each_finding_that_somebody_may_decide_about_is_approved_and_they_are_told_how_many(fleet):
    handled = fleet.click("approve", ts=fleet.several)

    assert approved(fleet) == [True, True, True, False]
    assert [done.key for done in handled.done] == KEYS[:3]
    assert fleet.whispers == [("UALICE", "Of 4 findings: 3 approved, 1 have other approvers.")]


def test_it_is_one_order_however_often_it_is_told(fleet):
    message = fleet.message("snooze", "UALICE", fleet.several)
    steps = {tuple(done.step for done in fleet.receive(message).done) for _ in range(3)}

    assert len(steps) == 1
    assert all(len(fleet.world.store.trail(key)) == 1 for key in KEYS[:3])


def test_one_that_has_drifted_otherwise_since_is_left_alone(fleet):
    message = fleet.message("approve", "UALICE", fleet.several)
    fleet.world.clock.forward(seconds=1)
    fleet.world.observe({"location": "EU", "name": "b"}, KEYS[0])
    fleet.receive(message)

    assert approved(fleet) == [False, True, True, False]


def test_one_whose_drift_is_not_the_one_that_is_shown_is_left_alone(fleet):
    late = shown(fleet, KEYS[2])[0]._replace(shown_at=NOON + timedelta(days=1))
    ts = fleet.show_several(GroupedFinding(KEYS[0], "another"), *shown(fleet, KEYS[1]), late, GroupedFinding(KEYS[2]))
    handled = fleet.click("accept", ts=ts)

    assert [result.outcome for result in handled.results] == ["stale", "done", "stale", "stale"]


@pytest.mark.usefixtures("hardly_pausing")
def test_one_that_others_write_keeps_back_no_other_and_is_tried_again(fleet, mocker):
    real = fleet.world.store.commit

    def busy(snapshot, *more):
        if snapshot.key == KEYS[0]:
            raise Conflict("busy")
        return real(snapshot, *more)

    mocker.patch.object(fleet.world.store, "commit", busy)
    message = fleet.message("approve", "UALICE", fleet.several)
    with pytest.raises(Conflict):
        fleet.receive(message)
    assert approved(fleet) == [False, True, True, False]
    mocker.stopall()

    assert len(fleet.receive(message).done) == 3
    assert approved(fleet) == [True, True, True, False]


def test_whoever_may_decide_about_none_is_told_who_may(fleet):
    fleet.alerting = replace(ALERTING, approvers=(Approvers(Match(), users=("UOPS",)),))
    fleet.click("approve", ts=fleet.several)

    assert "<@UOPS>" in fleet.whispers[0][1]
    assert not any(approved(fleet))


def test_a_message_whose_findings_are_all_gone_says_so(fleet):
    ts = fleet.show_several()
    assert fleet.click("approve", ts=ts).results == ()
    assert "no longer has findings" in fleet.whispers[0][1]


def test_why_of_several_asks_to_look_at_one(fleet):
    fleet.click("why", ts=fleet.several)
    assert len(fleet.whispers) == 1
