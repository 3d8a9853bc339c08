"""Who is behind a drift, by the changes that are known."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from contract.records import NOON
from setpoint.detection.actor_resolution import actor_of, confident_principal, describe, narrowed, seen_again
from setpoint.model.actors import AuditedChange
from setpoint.model.drift_onset import DriftOnset
from setpoint.model.policy import Policy

DEPLOY = "deploy@shop-ops.iam.gserviceaccount.com"
PIPELINE = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/subject/repo:shop"
STAFF = "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/bob"
SEEN = DriftOnset(NOON, NOON - timedelta(hours=1))


def moment(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def change(principal: str = "alice@example.com", seconds: float = -30, **more) -> AuditedChange:
    log_id = f"{principal}{seconds}"
    return AuditedChange(
        **{"principal": principal, "method": "m.update", "requested_at": moment(seconds), "log_id": log_id} | more
    )


def attributed(*changes: AuditedChange, onset: DriftOnset = SEEN, **more) -> tuple[str, str] | None:
    actor = actor_of(changes, onset, **more)
    return None if actor is None else (actor.principal, actor.confidence)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "certain"),
        (-120, "certain"),
        (-121, "likely"),
        (-900, "likely"),
        (-901, None),
        (60, "certain"),
        (61, None),
    ],
)
def test_a_change_explains_what_is_seen_soon_after_it(seconds, expected):
    actor = attributed(change(seconds=seconds))
    assert actor == (("alice@example.com", expected) if expected else None)


def test_where_the_resource_was_not_seen_before_nothing_is_certain():
    assert attributed(change(), onset=DriftOnset(NOON)) == ("alice@example.com", "likely")


def test_what_was_over_before_the_last_observation_without_the_drift_does_not_explain_it():
    assert attributed(change(seconds=-30), onset=DriftOnset(NOON, moment(-20))) is None
    assert attributed(change(seconds=-30), change("bob", -10), onset=DriftOnset(NOON, moment(-20))) == (
        "bob",
        "certain",
    )


def test_of_two_observations_of_one_instant_nobody_knows_which_came_first():
    assert attributed(change(), onset=DriftOnset(NOON, NOON)) == ("alice@example.com", "likely")


def test_what_is_declared_otherwise_was_changed_by_nobody():
    assert attributed(change(), onset=DriftOnset(NOON, NOON, declared=True)) is None


def test_an_operation_counts_from_when_it_was_over():
    long = change(seconds=-3600, done_at=moment(-10))
    assert attributed(long) == ("alice@example.com", "certain")
    assert attributed(replace(long, done_at=None)) is None


def test_of_several_people_none_is_sure_and_all_are_told_the_latest_first():
    actor = actor_of((change("alice", -60), change("bob", -30), change("carol", -45), change("bob", -50)), SEEN)
    assert (actor.principal, actor.confidence, actor.others) == ("bob", "possible", ("carol", "alice"))
    assert (confident_principal(actor), describe(actor)) == ("", "bob or carol or alice")


def test_one_who_changed_it_twice_is_one():
    assert attributed(change(seconds=-60), change(seconds=-30)) == ("alice@example.com", "certain")


def test_somebody_unknown_makes_it_possible_and_is_nobody_else():
    assert attributed(change(""), change("alice", -20)) == ("alice", "possible")
    assert attributed(change("")) is None
    assert attributed() is None


@pytest.mark.parametrize(
    ("principal", "through", "hand"),
    [
        ("alice@example.com", (), "person"),
        ("alice@example.com", (DEPLOY,), "person"),
        (STAFF, (DEPLOY,), "person"),
        (DEPLOY, (), "applier"),
        (PIPELINE, (DEPLOY,), "applier"),
        (PIPELINE, (), "service"),
        ("app@shop-prod.iam.gserviceaccount.com", (), "service"),
        ("123-compute@developer.gserviceaccount.com", (), "service"),
        ("service-123@gcp-sa-pubsub.iam.gserviceaccount.com", (), "google"),
        ("123@cloudservices.gserviceaccount.com", (), "google"),
        ("system@google.com", (), "google"),
    ],
)
def test_whose_hand_it_was(principal, through, hand):
    policy = Policy(appliers=("deploy@*",))
    actor = actor_of((change(principal, through=through),), SEEN, None, policy)
    assert actor.kind == hand


def test_who_was_told_stays_when_the_changes_are_forgotten():
    before = actor_of((change(),), SEEN)
    assert actor_of((), SEEN, before) == before
    assert actor_of((change("bob", 3600),), SEEN, before) == before


def test_nobody_is_surer_because_a_change_was_forgotten():
    both = actor_of((change("alice", -60), change("bob", -30)), SEEN)
    assert attributed(change("bob", -30), before=both) == ("bob", "possible")


def test_who_is_known_not_to_have_done_it_is_not_told_any_more():
    before = actor_of((change(),), SEEN)
    assert actor_of((change(),), DriftOnset(NOON, moment(-1)), before) is None


@pytest.mark.parametrize(
    ("late", "shows", "expected"),
    [
        (-10, True, DriftOnset(moment(-10), moment(-100), again=(NOON,))),
        (-10, False, DriftOnset(NOON, moment(-10))),
        (10, False, DriftOnset(moment(60), moment(10))),
        (10, True, DriftOnset(NOON, moment(-100), again=(moment(10),))),
        (-200, True, DriftOnset(NOON, moment(-100))),
        (60, False, DriftOnset(moment(60), moment(60))),
        (0, False, DriftOnset(NOON, NOON)),
    ],
)
def test_a_late_observation_narrows_down_when_the_drift_began(late, shows, expected):
    assert narrowed(DriftOnset(NOON, moment(-100)), moment(late), shows=shows, latest=moment(60)) == expected


def test_of_several_that_showed_it_the_first_after_what_showed_something_else_counts():
    known = seen_again(seen_again(DriftOnset(NOON), moment(10)), moment(20))

    assert narrowed(known, moment(5), shows=False, latest=moment(60)) == DriftOnset(
        moment(10), moment(5), again=(moment(20),)
    )
