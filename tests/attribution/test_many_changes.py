"""Further changes of a resource never remove the author of a drift from the candidates."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from attribution.world import IN_SYNC, World
from contract.records import NOON
from setpoint.detection.actor_resolution import actor_of
from setpoint.model.actors import AuditedChange
from setpoint.model.change_history import LIMIT, remembered
from setpoint.model.drift_onset import DriftOnset

SEEN = DriftOnset(NOON, NOON - timedelta(hours=5))
ALICE, MALLORY = "alice@example.com", "mallory@example.com"


def moment(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def change(principal: str, seconds: float, **more) -> AuditedChange:
    return AuditedChange(
        principal=principal, method="m.update", requested_at=moment(seconds), log_id=f"{principal}{seconds}", **more
    )


def stored(changes: list[AuditedChange]) -> tuple[AuditedChange, ...]:
    known: tuple[AuditedChange, ...] = ()
    for entry in changes:
        known = remembered(known, entry, NOON)
    return known


def later(number: int, principal: str = MALLORY) -> list[AuditedChange]:
    return [change(principal, 120 + 20 * index) for index in range(number)]


BOTH = [change(MALLORY, -20), change(ALICE, 40)]


@pytest.mark.parametrize("number", [0, 6, 7, 8, 9, 40])
def test_who_changes_a_resource_again_and_again_stays_a_candidate(number):
    actor = actor_of(stored([*BOTH, *later(number)]), SEEN)
    assert actor is not None
    assert actor.confidence == "possible"
    assert {actor.principal, *actor.others} == {ALICE, MALLORY}


def test_many_accounts_leave_nobody_certain():
    others = [change(f"sybil-{index}@example.com", 120 + index) for index in range(40)]
    actor = actor_of(stored([*BOTH, *others, change(ALICE, 50)]), SEEN)
    assert actor is None or actor.confidence == "possible"


def test_an_actor_stays_when_their_own_changes_are_only_kept_in_summary():
    before = actor_of([change(ALICE, -20)], SEEN)
    assert before is not None
    assert before.confidence == "certain"
    assert actor_of(stored([change(ALICE, -20), *later(20, ALICE)]), SEEN, before) == before


def test_a_change_by_somebody_else_that_comes_late_and_is_summarised_makes_an_actor_possible():
    before = actor_of([change(ALICE, 40)], SEEN)
    actor = actor_of(stored([change(ALICE, 40), *later(20), change(MALLORY, -20)]), SEEN, before)
    assert actor is not None
    assert actor.confidence == "possible"
    assert MALLORY in {actor.principal, *actor.others}


def test_changes_before_the_last_observation_without_the_drift_take_no_confidence():
    early = [change(MALLORY, -9000 + index) for index in range(20)]
    actor = actor_of(stored([*early, change(ALICE, -10)]), DriftOnset(NOON, moment(-60)))
    assert actor is not None
    assert (actor.principal, actor.confidence) == (ALICE, "certain")


def test_what_is_kept_is_bounded_and_depends_on_no_order():
    changes = [change(f"{index % 5}@example.com", index) for index in range(60)]
    shuffled = [*changes[::-2], *changes[::2]]
    assert stored(changes) == stored([*shuffled, *changes[:30]])
    assert len(stored([change(f"{index}@example.com", index) for index in range(60)])) == 2 * LIMIT


@pytest.mark.parametrize("late", [False, True], ids=["in-order", "late"])
def test_live_entries_that_follow_the_drift_leave_nobody_certain(late):
    world = World()
    world.observe(IN_SYNC, -1000)
    world.observe()
    entries = [(MALLORY, -20.0), (ALICE, 40.0), *((MALLORY, 120.0 + 20 * number) for number in range(10))]
    for principal, seconds in (*entries[1:], entries[0]) if late else entries:
        world.log(principal, seconds)
    assert world.actor is not None
    assert world.actor.confidence == "possible"
    assert MALLORY in {world.actor.principal, *world.actor.others}
