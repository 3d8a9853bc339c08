"""Each brake through the flow: what is written, and what is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, DRIFTED, KEY, NOON, PLACES, TYPE, URL, World
from setpoint.detection import pipeline
from setpoint.model import safety_limits
from setpoint.model.actors import AuditedChange
from setpoint.model.declaration import Declaration
from setpoint.model.maintenance_windows import Window
from setpoint.model.observation import Observation
from setpoint.model.policy import Limits, Match, Rule
from setpoint.model.resource_key import ResourceKey
from setpoint.model.safety_limits import Pause
from setpoint.model.write_plan import Failed
from setpoint.remediation.engine import remediate, resume_due
from setpoint_tools.testing.google_faults import Fault
from sizes import size

PATCH = "PATCH"


def limited(**limits) -> object:
    return replace(AUTO, limits=replace(AUTO.limits, **limits))


def bucket(number: int) -> ResourceKey:
    return ResourceKey(f"//storage.googleapis.com/bucket-{number}")


def fleet_drifts(world: World, count: int, policy) -> list[ResourceKey]:
    """As many buckets in ten projects, all of which drift at once."""
    keys = [bucket(number) for number in range(count)]
    world.declare_all(
        [
            (Declaration(key, TYPE, {"versioning": {"enabled": True}}, project=f"project-{number % 10}"),)
            for number, key in enumerate(keys)
        ],
        policy,
    )
    for number, key in enumerate(keys):
        live = {"name": f"bucket-{number}", "versioning": {"enabled": False}}
        world.google.put(f"https://storage.googleapis.com/storage/v1/b/bucket-{number}", live)
        seen = Observation(key, TYPE, world.clock(), data=live, ancestors=PLACES, project_id=f"project-{number % 10}")
        pipeline.handle_observation(seen, world.deps)
    return keys


@pytest.mark.thorough
def test_a_surge_writes_no_more_than_the_limit_and_alarms_once(world):
    """Thousands of drifts at once under `auto`, and whatever the clock does in the hours after."""
    count = size(1000, 5000)
    limits = AUTO.limits
    for key in fleet_drifts(world, count, AUTO):
        remediate(key, world.context)
    for _ in range(3):
        world.clock.forward(hours=1)
        resume_due(world.context)

    assert world.writes <= limits.per_fleet
    assert world.event_types.count("remediation.blocked") == 1
    assert world.event_types.count("remediation.started") == world.writes
    (blocked,) = [event for event in world.bus.events if event.type == "remediation.blocked"]
    assert "100 drifts to remediate" in blocked.data.remediation.reason
    held = bucket(count - 1)
    assert [entry.what for entry in world.store.trail(held)] == ["stop"]
    assert "breaker is open" in world.store.trail(held)[0].text


def test_after_a_person_has_looked_the_rest_is_put_back_at_the_pace_of_the_limit(world):
    fleet_drifts(world, 12, limited(surge=10, per_fleet=4, per_project=9))
    for number in range(12):
        remediate(bucket(number), world.context)
    assert (world.writes, world.store.safety_state().value.breaker is None) == (4, False)

    world.brake(lambda now: safety_limits.resume(now, "fleet"))
    counts = []
    for _ in range(4):
        world.ticks(65)
        counts.append(world.writes)

    assert counts == [8, 12, 12, 12]
    assert world.event_types.count("remediation.succeeded") == 12


def test_a_limit_of_a_project_keeps_back_no_other_project(world):
    fleet_drifts(world, 30, limited(per_project=1, per_fleet=50))
    outcomes = [remediate(bucket(number), world.context) for number in range(30)]

    assert (outcomes.count("resolved"), outcomes.count("waiting")) == (10, 20)
    assert "remediation.blocked" not in world.event_types


def test_writes_that_may_have_done_harm_open_the_breaker_and_it_names_their_resources(world):
    fleet_drifts(world, 20, limited(failures=3))
    world.context.live_resources.api.write = lambda _: Failed("it ended half way")
    for number in range(20):
        remediate(bucket(number), world.context)

    assert world.event_types.count("remediation.blocked") == 1
    (blocked,) = [event for event in world.bus.events if event.type == "remediation.blocked"]
    assert "3 writes failed" in blocked.data.remediation.reason
    assert "//storage.googleapis.com/bucket-1" in blocked.data.remediation.reason
    breaker = world.store.safety_state().value.breaker
    assert breaker.resources == tuple(bucket(number).name for number in range(3))
    assert world.event_types.count("remediation.started") == 3


@pytest.mark.parametrize("status", [400, 403, 404, 409, 429, 500, 503])
def test_what_an_api_does_not_do_never_opens_the_breaker(world, status):
    fleet_drifts(world, 20, limited(failures=2))
    world.google.fail(Fault(status), verb=PATCH, times=-1)
    for number in range(20):
        remediate(bucket(number), world.context)
    world.ticks(10)

    assert world.store.safety_state().value.breaker is None


def test_of_all_that_one_permission_denies_one_event_tells_loudly(world):
    fleet_drifts(world, 20, AUTO)
    world.google.fail(Fault(403), verb=PATCH, times=-1)
    for number in range(20):
        remediate(bucket(number), world.context)

    assert world.event_types.count("remediation.failed") == 1
    assert world.event_types.count("remediation.requested") == 20


def test_a_drift_that_comes_back_is_put_back_ever_more_slowly_and_then_left_to_a_person(world):
    world.declare()
    writes = []
    for _ in range(5):
        change = AuditedChange(principal="bob@example.com", method="storage.buckets.update", requested_at=world.clock())
        world.store.remember(KEY, change, world.clock())
        world.drift()
        remediate(KEY, world.context)
        for _ in range(10):
            world.clock.forward(minutes=1)
            resume_due(world.context)
        writes.append(world.writes)

    assert writes == [1, 2, 2, 2, 2]
    assert world.event_types.count("remediation.blocked") == 1
    assert "changed by bob@example.com" in world.state.remediation.reason


def test_a_controller_that_sets_another_value_each_time_is_found_out_too(world):
    world.declare(data={"labels": {"team": "shop"}})
    for number in range(6):
        world.drift({"name": "exports", "labels": {"team": f"other-{number}"}})
        remediate(KEY, world.context)
        world.ticks(10)

    assert world.writes == AUTO.limits.flaps
    assert "drifted again" in world.state.remediation.reason


def test_a_day_of_peace_forgets_returns(world):
    world.declare()
    for _ in range(4):
        world.drift()
        assert remediate(KEY, world.context) == "resolved"
        world.declare()  # its source goes on being applied
        world.clock.forward(days=2)

    assert world.writes == 4


def test_outside_of_its_window_a_drift_waits_and_is_put_back_when_it_opens(world):
    night = Window("0 22 * * *", 4 * 3600)
    world.declare(replace(AUTO, rules=(replace(AUTO.rules[0], windows=(night,)),)))
    world.drift()

    assert remediate(KEY, world.context) == "waiting"
    world.ticks(9 * 60, every=10)
    assert world.writes == 0
    world.ticks(70, every=5)
    assert world.writes == 1


def test_a_stale_declaration_is_not_acted_on_until_it_is_applied_again(world):
    world.declare()
    world.clock.forward(days=8)
    world.drift()

    assert (remediate(KEY, world.context), world.writes) == ("stopped", 0)
    assert world.event_types.count("remediation.blocked") == 1
    world.declare()
    world.ticks(70)
    assert world.writes == 1


def test_a_change_of_declarations_that_is_being_rolled_out_is_left_alone(world):
    world.declare(limited(rollout=1800.0))
    world.drift()

    assert (remediate(KEY, world.context), world.writes) == ("waiting", 0)
    world.ticks(25)
    assert world.writes == 0
    world.ticks(10)
    assert world.writes == 1


def test_a_pause_that_ends_by_itself_ends_by_itself(world):
    world.declare()
    world.drift()
    until = world.clock() + timedelta(hours=2)
    world.brake(lambda now: safety_limits.pause(now, Pause("folders/3", world.clock(), "ann", "migration", until)))

    assert remediate(KEY, world.context) == "waiting"
    world.ticks(110)
    assert world.writes == 0
    world.ticks(20)
    assert world.writes == 1


def test_a_dry_run_rehearses_once_and_looks_again_without_reading(world):
    world.declare(replace(AUTO, dry_run=True))
    world.drift()
    remediate(KEY, world.context)
    reads = len(world.google.requests)
    world.ticks(600, every=5)

    assert (world.writes, len(world.google.requests)) == (0, reads)
    assert world.event_types == ["drift.opened", "remediation.blocked"]
    assert world.state.remediation_due > world.clock() - timedelta(minutes=5)


def test_a_resource_whose_folder_nobody_knows_is_never_written(world):
    world.declare()
    world.google.put(URL, DRIFTED)
    pipeline.handle_observation(Observation(KEY, TYPE, world.clock(), data=DRIFTED), world.deps)

    assert (remediate(KEY, world.context), world.writes) == ("stopped", 0)
    assert "not known in which project" in world.state.remediation.reason


def test_a_label_that_was_set_since_counts_although_no_feed_has_told_of_it(world):
    hands_off = Rule("hands off", Match(labels={"hands": "off"}), mode="alert")
    world.declare(replace(AUTO, rules=(hands_off, *AUTO.rules)))
    world.drift()
    world.google.put(URL, {**DRIFTED, "labels": {**DRIFTED["labels"], "hands": "off"}})

    assert (remediate(KEY, world.context), world.writes) == ("left", 0)


@pytest.mark.parametrize("mode", ["off", "alert"])
def test_a_mode_that_leaves_it_alone_leaves_nothing_to_look_at(world, mode):
    world.declare()
    world.drift()
    world.google.fail(Fault(lost="before"), verb=PATCH)
    remediate(KEY, world.context)
    world.clock.forward(minutes=2)
    resume_due(world.context)
    assert world.state.remediation.step == "waiting"
    world.declare(replace(AUTO, rules=(replace(AUTO.rules[0], mode=mode),)))
    world.ticks(30)

    assert (world.writes, world.state.due) == (0, None)


def test_limits_of_nothing_allow_nothing():
    assert safety_limits.exceeded(safety_limits.SafetyState(), safety_limits.LimitScope("p"), Limits(per_fleet=0), NOON)
    assert (
        safety_limits.next_allowed_write(
            safety_limits.SafetyState(), safety_limits.LimitScope("p"), Limits(per_fleet=0), NOON
        )
        > NOON
    )
