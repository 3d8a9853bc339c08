"""Attacks 5 and 10: an approval is of what was shown, for a day, by others; a source cannot flood the fleet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, DECLARED, DRIFTED, KEY, NOON, TYPE, World
from setpoint.errors import BadRequest, Unavailable
from setpoint.model import remediation_attempt
from setpoint.model.actors import Actor
from setpoint.model.declaration import Declaration
from setpoint.model.exemptions import Exemption
from setpoint.model.policy import Limits, Match, Policy, Rule
from setpoint.model.resource_key import ResourceKey
from setpoint.model.safety_limits import SECOND_BREAKER
from setpoint.remediation import commands
from setpoint.remediation.engine import remediate

ASKING = replace(AUTO, rules=(Rule("all", mode="approve"),))


@pytest.fixture
def world(apis_in_process, rest_in_process, store) -> World:
    apis_in_process.journal.clear()
    return World(apis_in_process, rest_in_process, store)


@pytest.fixture
def asked(world) -> World:
    """A drift that a person is to approve."""
    world.declare(policy=ASKING)
    world.drift()
    assert remediate(KEY, world.context) == "asked"
    return world


def approve(world: World, by: str = "bob@example.com", key: ResourceKey = KEY) -> None:
    commands.approve(
        key, world.store.read(key).state.fingerprint, by, world.deps.store, world.deps.projects, world.deps.clock
    )


def blame(world: World, principal: str, **more) -> None:
    """The audit log says who is behind the drift."""
    snapshot = world.store.read(KEY)
    actor = Actor(
        principal=principal,
        kind="person",
        confidence="certain",
        method="storage.buckets.update",
        requested_at=world.clock(),
        **more,
    )
    state = replace(snapshot.state, finding=replace(snapshot.state.finding, actor=actor))
    world.store.commit(snapshot, state)


def test_an_approval_that_was_not_used_is_over_after_a_day(asked):
    approve(asked)
    asked.clock.forward(hours=25)

    assert (remediate(KEY, asked.context), asked.writes) == ("asked", 0)
    approve(asked)
    asked.clock.forward(hours=23)
    assert (remediate(KEY, asked.context), asked.writes) == ("resolved", 1)


def test_an_approval_is_over_when_the_policy_is_another_one(asked):
    approve(asked)
    other = Rule("other", Match(asset_types=("a/B",)))
    asked.declare(policy=replace(ASKING, rules=(other, *ASKING.rules)))

    assert (remediate(KEY, asked.context), asked.writes) == ("asked", 0)


def test_an_approval_is_over_when_the_declaration_is_another_one(asked):
    approve(asked)
    asked.declare(policy=ASKING, data={**DECLARED, "storageClass": "COLDLINE"})

    assert (remediate(KEY, asked.context), asked.writes) == ("asked", 0)


def test_an_approval_is_over_when_something_else_drifts(asked):
    approve(asked)
    asked.drift({**DRIFTED, "labels": {"team": "other"}})

    assert (remediate(KEY, asked.context), asked.writes) == ("asked", 0)


@pytest.mark.parametrize("by", ["ann@example.com", "slack:U1 ann@example.com", "user:Ann@example.com"])
def test_whoever_made_a_change_may_neither_approve_accept_nor_exempt_it(asked, by):
    blame(asked, "user:ann@example.com")
    for order in (
        lambda: approve(asked, by),
        lambda: commands.accept(KEY, "fine", by, asked.deps),
        lambda: commands.exempt(
            KEY, Exemption("fine", by, asked.clock(), asked.clock() + timedelta(days=1)), asked.deps
        ),
    ):
        with pytest.raises(BadRequest, match="somebody else has to decide"):
            order()
    assert asked.state.exemption is None
    assert (remediate(KEY, asked.context), asked.writes) == ("asked", 0)

    approve(asked, "bob@example.com")
    assert (remediate(KEY, asked.context), asked.writes) == ("resolved", 1)


def test_whoever_may_have_made_a_change_may_not_accept_it_either(asked):
    blame(asked, "carl@example.com", others=("ann@example.com",))
    with pytest.raises(BadRequest, match="somebody else has to decide"):
        commands.accept(KEY, "fine", "ann@example.com", asked.deps)


def test_where_a_rule_asks_for_two_people_one_does_not_do_and_neither_does_the_same_twice(world):
    world.declare(policy=replace(AUTO, rules=(Rule("all", mode="approve", approvals=2),)))
    world.drift()
    remediate(KEY, world.context)
    approve(world, "bob@example.com")
    approve(world, "bob@example.com")
    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)

    approve(world, "carl@example.com")
    assert world.state.remediation.approved_by == "bob@example.com and carl@example.com"
    assert (remediate(KEY, world.context), world.writes) == ("resolved", 1)


def test_an_exemption_takes_an_approval_back(asked):
    approve(asked)
    commands.exempt(KEY, Exemption("later", "bob", asked.clock(), asked.clock() + timedelta(days=1)), asked.deps)
    remediation = asked.state.remediation
    assert (remediation.approved_by, remediation.approvers) == ("", ())


def test_an_approval_that_an_older_version_stored_without_its_time_is_over(asked):
    approve(asked)
    snapshot = asked.store.read(KEY)
    old = replace(snapshot.state.remediation, approved_at=None, approvers=(), approved_under="")
    asked.store.commit(snapshot, replace(snapshot.state, remediation=old))

    assert (remediate(KEY, asked.context), asked.writes) == ("asked", 0)


def test_the_next_commit_of_a_source_does_not_end_the_hold_of_a_roll_out(world):
    held = replace(AUTO, limits=replace(AUTO.limits, rollout=1800.0))
    world.declare(policy=held)
    world.drift()
    assert remediate(KEY, world.context) == "waiting"
    other = Declaration(ResourceKey("//storage.googleapis.com/other"), TYPE, DECLARED, project="shop-prod")
    for _ in range(3):
        world.clock.forward(minutes=5)
        mine = Declaration(KEY, TYPE, DECLARED, project="shop-prod")
        world.declare_all([(mine,), (replace(other, data={"n": str(world.clock.now)}),)], held)
        assert (remediate(KEY, world.context), world.writes) == ("waiting", 0)
    assert "being rolled out" in world.state.remediation.reason

    world.clock.forward(minutes=30)
    assert (remediate(KEY, world.context), world.writes) == ("resolved", 1)


def fleet(world: World, count: int, drifting: int, policy: Policy) -> list[ResourceKey]:
    """So many buckets of one source, of which some drift."""
    keys = [ResourceKey(f"//storage.googleapis.com/b{number:03}") for number in range(count)]
    world.declare_all([(Declaration(key, TYPE, DECLARED, project="shop-prod"),) for key in keys], policy)
    for key in keys[:drifting]:
        name = key.name.rpartition("/")[2]
        world.google.put(f"https://storage.googleapis.com/storage/v1/b/{name}", {**DRIFTED, "name": name})
        world.observe({**DRIFTED, "name": name}, key)
    return keys[:drifting]


def test_99_wrong_declarations_of_one_source_are_not_all_written(apis_in_process, rest_in_process):
    apis_in_process.journal.clear()
    world = World(apis_in_process, rest_in_process)
    limits = Limits(rollout=0.0, per_project=1_000, per_fleet=1_000, per_source=1_000)
    keys = fleet(world, 1_000, 99, replace(AUTO, limits=limits))
    for _ in range(4):
        for key in keys:
            remediate(key, world.context)
        world.clock.forward(minutes=35)

    assert world.writes == 50
    (pause,) = world.store.safety_state().value.pauses
    assert (pause.of, pause.by) == ("sources/git", SECOND_BREAKER)
    assert world.event_types.count("remediation.blocked") == 1
    commands.resume("sources/git", "ann", world.deps.store, world.deps.clock())
    world.clock.forward(hours=2)
    assert remediate(keys[-1], world.context) == "resolved"


def test_one_source_writes_no_more_in_an_hour_than_it_may(apis_in_process, rest_in_process):
    apis_in_process.journal.clear()
    world = World(apis_in_process, rest_in_process)
    limits = Limits(rollout=0.0, per_project=1_000, per_fleet=1_000, per_source=3, source_share=1.0)
    keys = fleet(world, 9, 9, replace(AUTO, limits=limits))
    assert [remediate(key, world.context) for key in keys] == ["resolved"] * 3 + ["waiting"] * 6
    assert "3 writes by source git" in world.store.read(keys[-1]).state.remediation.reason


class Down:
    """An API that answers nobody."""

    def read(self, call: object) -> object:
        raise Unavailable(f"503 for {call}")


def test_a_reading_that_fails_is_looked_at_again_although_nobody_delivers_the_event_again(world):
    world.declare()
    world.drift()
    assert remediate(KEY, world.worker("unlucky", Down())) == "unread"
    assert world.state.remediation is not None
    assert world.state.remediation.due is not None

    world.ticks(120)
    assert world.writes == 1


def test_the_steps_of_an_approval_are_those_of_its_record():
    limits = Limits(approval_lasts=60.0)
    summary = remediation_attempt.DriftSummary("f", 1, (), "d")
    begun = remediation_attempt.start(None, summary, limits, NOON)
    approved = remediation_attempt.approved(begun, "ann", NOON, rules="r")
    assert remediation_attempt.without_lapsed_approval(approved, "r", limits, NOON) == approved
    assert remediation_attempt.without_lapsed_approval(approved, "s", limits, NOON).approved_by == ""
