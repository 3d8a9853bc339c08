"""Grants that nobody declares in a scope of grants are removed where the policy asks for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, GRANTS, TYPE, URL, World
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult, load
from setpoint.model.declaration import Declaration, Mode, Scope, Source, desired
from setpoint.model.policy import Limits, Policy, Undeclared, UndeclaredGrants
from setpoint.remediation import commands
from setpoint.remediation.engine import preview, remediate

VIEWER, ADMIN, OWNER = "roles/storage.objectViewer", "roles/storage.admin", "roles/owner"
ANN, BOB, EVE = "user:ann@example.com", "user:bob@example.com", "user:eve@example.com"


@pytest.fixture
def world(apis_in_process, rest_in_process, store) -> World:
    apis_in_process.journal.clear()
    return World(apis_in_process, rest_in_process, store)


def member(role: str, who: str) -> Declaration:
    source = Source(file=f"{who}.yaml", line=1)
    data = {"bindings": [{"role": role, "members": [who]}]}
    return Declaration(GRANTS, TYPE, data, project="shop-prod", authority="member", source=source)


def declare(
    world: World,
    *wanted: Declaration,
    grants: UndeclaredGrants = "remove",
    mode: Mode | None = "auto",
    policy: Policy = AUTO,
) -> None:
    scope = Scope(
        "all", ("shop-prod", "12"), ("*",), mode=mode, contents=("iam_policy",), source=Source("scope.yaml", 1)
    )
    chosen = replace(policy, undeclared=Undeclared(grants=grants))
    loaded = LoadResult([desired(wanted)] if wanted else [], scopes=(scope,), policy=chosen)
    apply.sync(loaded, ApplyRequest("git", prune=True, max_removals=1.0), world.deps, world.clock())
    world.clock.forward(seconds=1)


def granted(world: World, *grants: tuple[str, str], **condition: Any) -> None:
    bindings = [{"role": role, "members": [who], **condition} for role, who in grants]
    world.google.put(URL, {"name": "exports"})
    world.google.put_policy(URL, {"version": 3, "bindings": bindings})
    world.observe({"bindings": bindings}, GRANTS)


def held(world: World) -> set[tuple[str, str]]:
    return {(binding["role"], who) for binding in world.google.policy(URL)["bindings"] for who in binding["members"]}


def test_a_stranger_beside_a_declared_member_is_removed_and_nobody_else(world):
    declare(world, member(VIEWER, ANN))
    granted(world, (VIEWER, ANN), (VIEWER, "allUsers"))

    assert remediate(GRANTS, world.context) == "resolved"
    assert held(world) == {(VIEWER, ANN)}
    assert world.event_types[-1] == "remediation.succeeded"


def test_a_stranger_is_removed_where_nobody_declares_anything(world):
    declare(world)
    granted(world, (VIEWER, "allUsers"))

    assert remediate(GRANTS, world.context) == "resolved"
    assert held(world) == set()


@pytest.mark.parametrize(("grants", "mode"), [("report", "auto"), ("remove", "alert"), ("remove", "off")])
def test_without_the_policy_or_the_scope_nothing_is_removed(world, grants: UndeclaredGrants, mode: Mode):
    declare(world, member(VIEWER, ANN), grants=grants, mode=mode)
    granted(world, (VIEWER, ANN), (VIEWER, "allUsers"))

    remediate(GRANTS, world.context)
    assert (world.writes, held(world)) == (0, {(VIEWER, ANN), (VIEWER, "allUsers")})


def test_a_dry_run_writes_nothing(world):
    declare(world, policy=replace(AUTO, dry_run=True))
    granted(world, (VIEWER, "allUsers"))

    assert (remediate(GRANTS, world.context), world.writes) == ("rehearsed", 0)


def test_a_removal_waits_for_its_approval_where_the_scope_says_so(world):
    declare(world, member(VIEWER, ANN), mode="approve")
    granted(world, (VIEWER, ANN), (VIEWER, "allUsers"))

    assert (remediate(GRANTS, world.context), world.writes) == ("asked", 0)
    commands.approve(
        GRANTS,
        world.store.read(GRANTS).state.fingerprint,
        "bob",
        world.deps.store,
        world.deps.projects,
        world.deps.clock,
    )
    assert remediate(GRANTS, world.context) == "resolved"
    assert held(world) == {(VIEWER, ANN)}


def test_a_declared_grant_that_is_missing_is_added_and_the_stranger_waits_for_the_mode_of_the_scope(world):
    declare(world, member(VIEWER, ANN), mode="alert")
    granted(world, (VIEWER, EVE))

    remediate(GRANTS, world.context)
    assert held(world) == {(VIEWER, ANN), (VIEWER, EVE)}


@pytest.mark.parametrize("mode", ["auto", "approve"])
def test_the_last_owner_is_never_removed_not_even_with_an_approval(world, mode: Mode):
    declare(world, member(VIEWER, ANN), mode=mode, policy=replace(AUTO, limits=replace(AUTO.limits, grants_lost=1.0)))
    granted(world, (VIEWER, ANN), (OWNER, BOB), (ADMIN, EVE))

    remediate(GRANTS, world.context)
    if mode == "approve":
        commands.approve(
            GRANTS,
            world.store.read(GRANTS).state.fingerprint,
            "carl",
            world.deps.store,
            world.deps.projects,
            world.deps.clock,
        )
        remediate(GRANTS, world.context)
    assert (OWNER, BOB) in held(world)
    assert (ADMIN, EVE) not in held(world)
    world.ticks(30)
    assert (OWNER, BOB) in held(world)


@pytest.mark.parametrize(
    "role", [OWNER, "roles/resourcemanager.organizationAdmin", "roles/resourcemanager.folderAdmin"]
)
def test_beside_an_expired_owner_the_last_one_is_not_removed(world, role):
    declare(world, member(VIEWER, ANN), policy=replace(AUTO, limits=replace(AUTO.limits, grants_lost=1.0)))
    expired = {"title": "over", "expression": 'request.time < timestamp("2020-01-01T00:00:00Z")'}
    bindings = [
        {"role": VIEWER, "members": [ANN]},
        {"role": role, "members": [BOB]},
        {"role": role, "members": [EVE], "condition": expired},
        {"role": role, "members": ["deleted:user:carl@example.com?uid=1"]},
    ]
    world.google.put(URL, {"name": "exports"})
    world.google.put_policy(URL, {"version": 3, "bindings": bindings})
    world.observe({"bindings": bindings}, GRANTS)

    remediate(GRANTS, world.context)
    world.ticks(30)
    assert (role, BOB) in held(world)


def test_one_of_two_owners_is_removed(world):
    declare(world, member(OWNER, ANN), policy=replace(AUTO, limits=replace(AUTO.limits, grants_lost=1.0)))
    granted(world, (OWNER, ANN), (OWNER, EVE))

    remediate(GRANTS, world.context)
    assert held(world) == {(OWNER, ANN)}


def test_many_removals_at_once_need_a_person(world):
    declare(world)
    granted(world, (VIEWER, ANN), (VIEWER, BOB), (VIEWER, EVE))

    assert (remediate(GRANTS, world.context), world.writes) == ("asked", 0)


def test_a_conditional_grant_is_removed_with_its_condition_alone(world):
    declare(world, member(VIEWER, ANN))
    conditional = {"role": VIEWER, "members": [ANN], "condition": {"title": "t", "expression": "true"}}
    bindings = [{"role": VIEWER, "members": [ANN]}, conditional]
    world.google.put(URL, {"name": "exports"})
    world.google.put_policy(URL, {"version": 3, "bindings": bindings})
    world.observe({"bindings": bindings}, GRANTS)

    assert remediate(GRANTS, world.context) == "resolved"
    assert world.google.policy(URL)["bindings"] == [{"role": VIEWER, "members": [ANN]}]


def test_a_grant_by_privileged_access_manager_is_revoked_by_a_person_alone(world):
    declare(world)
    expression = 'request.time < timestamp("2026-03-01T14:00:00Z")'
    granted(world, (ADMIN, EVE), condition={"title": "Created by: PAM", "expression": expression})

    assert (remediate(GRANTS, world.context), world.writes) == ("asked", 0)
    assert "Privileged Access Manager" in world.store.read(GRANTS).state.remediation.reason


def test_a_grant_whose_declaration_was_just_removed_is_left_until_the_rollout_is_over(world):
    slow = replace(AUTO, limits=Limits(rollout=1800.0, source_share=1.0))
    declare(world, member(VIEWER, ANN), policy=slow)
    granted(world, (VIEWER, ANN))
    declare(world, policy=slow)

    assert (remediate(GRANTS, world.context), world.writes) == ("waiting", 0)
    world.clock.forward(minutes=31)
    assert remediate(GRANTS, world.context) == "resolved"


def test_sources_that_were_applied_too_long_ago_remove_nothing(world):
    declare(world)
    world.clock.now += timedelta(days=9)
    granted(world, (VIEWER, "allUsers"))

    assert (remediate(GRANTS, world.context), world.writes) == ("stopped", 0)


def test_the_preview_says_what_would_be_removed(world):
    declare(world, policy=replace(AUTO, dry_run=True))
    granted(world, (VIEWER, "allUsers"))

    shown = preview(GRANTS, world.context)
    assert shown is not None
    assert shown[1].summary == (f"bindings[role={VIEWER}].members[allUsers]: remove",)


@pytest.mark.parametrize(("text", "grants"), [("", "report"), ("grants: remove, ", "remove")])
def test_a_policy_says_whether_undeclared_grants_are_removed(tmp_path, text: str, grants: str):
    (tmp_path / "policy.yaml").write_text(
        "apiVersion: setpoint.dev/v1\nkind: Policy\nmetadata: {name: fleet}\n"
        f"spec: {{undeclared: {{{text}report: severe}}}}\n"
    )
    loaded = load([str(tmp_path)])
    assert loaded.problems == []
    assert loaded.policy.undeclared.grants == grants


def test_a_policy_that_says_something_else_of_undeclared_grants_is_a_problem(tmp_path):
    (tmp_path / "policy.yaml").write_text(
        "apiVersion: setpoint.dev/v1\nkind: Policy\nmetadata: {name: fleet}\nspec: {undeclared: {grants: delete}}\n"
    )
    (problem,) = load([str(tmp_path)]).problems
    assert "grants" in problem.field
