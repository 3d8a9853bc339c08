"""Ignore rules, names, acceptances and hand-offs, where they meet remediation."""

from __future__ import annotations

import pytest

from remediation.fleet import AUTO, DRIFTED, KEY, PLACES, TYPE, World
from setpoint.detection import pipeline
from setpoint.errors import BadRequest
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from setpoint.model.policy import Match, Policy, Rule
from setpoint.model.resource_key import ResourceKey
from setpoint.model.safety_limits import Pause
from setpoint.remediation import commands
from setpoint.remediation.engine import remediate


def teach(world: World) -> None:
    """The project tells its own id."""
    key = ResourceKey("//cloudresourcemanager.googleapis.com/projects/12")
    kind = "cloudresourcemanager.googleapis.com/Project"
    itself = Observation(key, kind, world.clock(), data={"projectId": "shop-prod"}, ancestors=PLACES)
    pipeline.handle_observation(itself, world.deps)


def drift_as_fed(world: World) -> None:
    """A feed names no project's id for a bucket."""
    world.google.put("https://storage.googleapis.com/storage/v1/b/exports", DRIFTED)
    pipeline.handle_observation(Observation(KEY, TYPE, world.clock(), data=DRIFTED, ancestors=PLACES), world.deps)
    world.clock.forward(seconds=1)


def test_what_is_put_back_beside_something_ignored_was_put_back_and_flaps_like_anything(world):
    world.declare(ignore=("labels",))
    for _ in range(6):
        world.drift({**DRIFTED, "labels": {"team": "other"}})
        remediate(KEY, world.context)
        world.clock.forward(minutes=10)

    assert "remediation.succeeded" in world.event_types
    assert world.writes < 6
    assert world.state.remediation.step == "stopped"


@pytest.mark.parametrize("project", ["", "12"])
def test_a_pause_by_the_projects_id_holds_what_is_declared_without_it(world, project):
    world.declare_all([(Declaration(KEY, TYPE, {"versioning": {"enabled": True}}, project=project),)], AUTO)
    teach(world)
    drift_as_fed(world)
    commands.pause(Pause("projects/shop-prod", world.clock(), "ann", "incident"), world.deps.store)

    assert (remediate(KEY, world.context), world.writes) == ("waiting", 0)


def test_a_rule_by_the_projects_id_is_for_what_is_declared_without_it(world):
    rules = (Rule("shop", Match(projects=("shop-prod",)), mode="off"), Rule("all", mode="auto"))
    policy = Policy(rules=rules, dry_run=False, limits=AUTO.limits)
    world.declare_all([(Declaration(KEY, TYPE, {"versioning": {"enabled": True}}),)], policy)
    teach(world)
    drift_as_fed(world)

    assert (remediate(KEY, world.context), world.writes) == ("left", 0)


def test_a_resource_is_not_paused_by_a_name_that_nobody_knows(world):
    world.declare()

    with pytest.raises(BadRequest, match="no resource is known by this name"):
        commands.pause(Pause("//storage.googleapis.com/other", world.clock()), world.deps.store)


def test_what_was_handed_off_is_put_back_when_the_policy_says_so(world):
    world.declare(Policy(rules=(Rule("all", mode="auto", executor="handoff"),), dry_run=False, limits=AUTO.limits))
    world.drift()
    assert remediate(KEY, world.context) == "handed_off"

    world.declare(AUTO)
    world.ticks(minutes=120, every=5)

    assert world.writes == 1
    assert world.event_types.count("remediation.requested") == 1


def test_what_was_accepted_is_told_of_when_it_comes_back(world):
    world.declare()
    world.drift()
    commands.accept(KEY, "better so", "ann", world.deps)
    world.observe({**DRIFTED, "versioning": {"enabled": True}})

    assert world.observe(DRIFTED) == "opened"
