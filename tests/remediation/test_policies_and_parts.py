"""IAM policies, several declarations of one resource, and drifts that take more than one write, through the flow."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, FIREWALL, FIREWALL_URL, GRANTS, KEY, TYPE, URL, World
from remediation.test_faults import opened_firewall
from setpoint.detection import pipeline
from setpoint.model.declaration import Declaration, Source
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.remediation.engine import remediate

VIEWER = "roles/storage.objectViewer"
ADMIN = "roles/storage.admin"
READERS = {"role": VIEWER, "members": ["group:billing@example.com"]}
APPROVE = replace(AUTO, rules=(replace(AUTO.rules[0], mode="approve"),))
BACKEND = ResourceKey("//compute.googleapis.com/projects/shop-prod/global/backendServices/web")
BACKEND_URL = "https://compute.googleapis.com/compute/v1/projects/shop-prod/global/backendServices/web"
BACKEND_TYPE = "compute.googleapis.com/BackendService"


def grants(bindings, authority="policy", **more) -> Declaration:
    return Declaration(GRANTS, TYPE, {"bindings": bindings}, project="shop-prod", authority=authority, **more)


def granted(world: World, bindings) -> None:
    """The bucket's policy is so, and a feed tells of it."""
    world.google.put(URL, {"name": "exports"})
    world.google.put_policy(URL, {"version": 3, "bindings": bindings})
    world.observe({"bindings": bindings}, GRANTS)


def held(world: World) -> set[tuple[str, str]]:
    return {
        (binding["role"], member) for binding in world.google.policy(URL)["bindings"] for member in binding["members"]
    }


def test_a_grant_to_the_world_is_taken_back_and_conditions_stay(world):
    conditional = {
        "role": ADMIN,
        "members": ["user:ann@example.com"],
        "condition": {"title": "until", "expression": "request.time < timestamp('2027-01-01T00:00:00Z')"},
    }
    world.declare_all([(grants([READERS, conditional]),)])
    granted(world, [{"role": VIEWER, "members": ["group:billing@example.com", "allUsers"]}, conditional])

    assert remediate(GRANTS, world.context) == "resolved"

    policy = world.google.policy(URL)
    assert held(world) == {(VIEWER, "group:billing@example.com"), (ADMIN, "user:ann@example.com")}
    assert policy["version"] == 3
    assert conditional["condition"] in [binding.get("condition") for binding in policy["bindings"]]
    assert world.event_types[-1] == "remediation.succeeded"


def test_a_policy_that_somebody_changes_meanwhile_is_read_again_and_nothing_of_theirs_is_lost(world):
    world.declare_all([(grants([READERS], authority="role"),)])
    granted(world, [{"role": VIEWER, "members": ["allUsers"]}])
    theirs = [{"role": VIEWER, "members": ["allUsers"]}, {"role": ADMIN, "members": ["user:bob@example.com"]}]
    written = world.context.live_resources.api.write

    class Meanwhile:
        read = world.context.live_resources.api.read

        def write(self, plan):
            if not world.writes and theirs:
                world.google.put_policy(URL, {"version": 3, "bindings": theirs})
                theirs.clear()
            return written(plan)

    theirs_now = list(theirs)
    context = world.worker("worker-1", Meanwhile())
    assert remediate(GRANTS, context) == "failed"
    assert held(world) == {(binding["role"], member) for binding in theirs_now for member in binding["members"]}
    world.ticks(10)

    assert held(world) == {(VIEWER, "group:billing@example.com"), (ADMIN, "user:bob@example.com")}


def test_one_who_owns_a_member_never_takes_away_from_others(world):
    world.declare_all([(grants([READERS], authority="member"),)])
    granted(world, [{"role": VIEWER, "members": ["user:other@example.com", "allUsers"]}])

    assert remediate(GRANTS, world.context) == "resolved"
    assert held(world) == {
        (VIEWER, "group:billing@example.com"),
        (VIEWER, "user:other@example.com"),
        (VIEWER, "allUsers"),
    }


def test_several_declarations_of_one_policy_are_put_back_one_after_the_other_without_undoing_each_other(world):
    ann = {"role": ADMIN, "members": ["user:ann@example.com"]}
    declared_role = grants([READERS], authority="role", source=Source(file="a.yaml"))
    other = grants([ann], authority="member", source=Source(file="b.yaml"))
    world.declare_all([(declared_role, other)])
    granted(world, [{"role": VIEWER, "members": ["allUsers"]}, {"role": ADMIN, "members": ["user:bob@example.com"]}])

    assert remediate(GRANTS, world.context) == "changed"
    assert remediate(GRANTS, world.context) == "resolved"

    assert world.writes == 2
    assert held(world) == {
        (VIEWER, "group:billing@example.com"),
        (ADMIN, "user:ann@example.com"),
        (ADMIN, "user:bob@example.com"),
    }


def test_what_cannot_be_written_is_handed_off_with_the_reasons(world):
    world.declare(data={"location": "EU"})
    world.drift({"name": "exports", "location": "US"})

    assert [remediate(KEY, world.context) for _ in range(2)] == ["handed_off"] * 2

    assert (world.writes, world.event_types) == (0, ["drift.opened", "remediation.requested"])
    remediation = world.bus.events[-1].data.remediation
    assert remediation.step == "handed_off"
    assert "location" in remediation.reason
    assert remediation.declared == [{"location": "EU"}]


def test_what_was_handed_off_and_is_put_back_by_others_has_succeeded(world):
    world.declare(data={"location": "EU"})
    world.drift({"name": "exports", "location": "US"})
    remediate(KEY, world.context)
    world.observe({"name": "exports", "location": "EU"})

    assert world.event_types[-2:] == ["drift.resolved", "remediation.succeeded"]


def test_a_deletion_is_handed_off(world):
    world.declare()
    world.drift()
    world.google.delete(URL)

    assert remediate(KEY, world.context) == "unread"  # what the inventory shows is not called deleted
    assert world.event_types == ["drift.opened"]
    pipeline.handle_observation(Observation(KEY, TYPE, world.clock(), deleted=True), world.deps)
    assert remediate(KEY, world.context) == "handed_off"
    assert world.writes == 0
    assert "never automatic" in world.bus.events[-1].data.remediation.reason


@pytest.fixture
def two_methods(world) -> World:
    """A backend service of which two things differ that two methods put back."""
    wanted = {"description": "the shop", "securityPolicy": "global/securityPolicies/strict", "timeoutSec": 30}
    live = {**wanted, "name": "web", "description": "", "securityPolicy": "global/securityPolicies/none"}
    world.declare_all([(Declaration(BACKEND, BACKEND_TYPE, wanted, project="shop-prod"),)], APPROVE)
    world.google.polls = 0
    world.google.put(BACKEND_URL, live)
    world.observe(live, BACKEND, BACKEND_TYPE)
    return world


def test_what_takes_two_methods_is_put_back_under_one_approval(two_methods):
    world = two_methods
    assert remediate(BACKEND, world.context) == "asked"
    world.approve(BACKEND)

    assert remediate(BACKEND, world.context) == "changed"
    assert remediate(BACKEND, world.context) == "resolved"

    assert world.writes == 2
    assert world.event_types.count("remediation.requested") == 1
    succeeded = world.bus.events[-1].data.remediation
    assert (succeeded.step, succeeded.approved_by) == ("done", "ann")


def test_what_nobody_approved_is_asked_for_although_a_part_was(two_methods):
    """Somebody changes another field before the second step."""
    world = two_methods
    remediate(BACKEND, world.context)
    world.approve(BACKEND)
    assert remediate(BACKEND, world.context) == "changed"
    live = {**world.google.get(BACKEND_URL), "timeoutSec": 99}
    world.google.put(BACKEND_URL, live)
    world.observe(live, BACKEND, BACKEND_TYPE)

    assert (remediate(BACKEND, world.context), world.writes) == ("asked", 1)


def test_what_disturbs_is_asked_for_and_done_when_approved(world, mocker):
    world.declare()
    world.drift()
    planned = world.context.live_resources.plan

    def disturbing(*args, **named):
        return replace(planned(*args, **named), side_effects=("it restarts",))

    mocker.patch.object(world.context.live_resources, "plan", disturbing)
    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)
    assert "it restarts" in world.bus.events[-1].data.remediation.reason

    world.approve()
    assert remediate(KEY, world.context) == "resolved"


def test_a_part_of_a_large_drift_is_not_enough_to_go_by(world):
    """Rules look at fields; where not all of them were kept, a person has a look."""
    labels = {f"label-{number}": "x" for number in range(9000)}
    world.declare(data={"labels": labels})
    world.drift({"name": "exports", "labels": {}})

    assert world.state.finding.difference_count > len(world.state.finding.differences)
    assert (remediate(KEY, world.context), world.writes) == ("asked", 0)


def test_a_firewall_is_put_back_by_an_operation(world):
    opened_firewall(world)
    remediate(FIREWALL, world.context)
    world.ticks(3)

    assert world.google.get(FIREWALL_URL)["disabled"] is False
