from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.declarations import apply
from setpoint.detection import ownership
from setpoint.detection.pipeline import Context, handle_observation
from setpoint.detection.verdict import Verdict
from setpoint.model.declaration import Declaration, IgnoreRule, Owner, Scope, Source, desired
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.observation import Observation
from setpoint.model.owner_rules import OwnerRule
from setpoint.model.policy import Policy
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.stores import Snapshot

KEY = ResourceKey("//storage.googleapis.com/exports", "iam_policy")
BUCKET = "storage.googleapis.com/Bucket"
START = datetime(2026, 3, 1, tzinfo=UTC)
PLACE = ("projects/11", "organizations/9")
SCOPE = Scope("all", ("11",), ("*",), owner=Owner("platform"), contents=("iam_policy",))
VIEWER, ADMIN = "roles/storage.objectViewer", "roles/storage.admin"
ALICE, BOB, ALL = "user:alice@example.com", "user:bob@example.com", "allUsers"
ROBOT = "serviceAccount:service-11@gs-project-accounts.iam.gserviceaccount.com"
OWNERS = "projectOwner:prod"

Grant = tuple[str, str]


def policy(*grants: Grant) -> dict[str, Any]:
    return {"bindings": [{"role": role, "members": [member]} for role, member in grants]}


def declared(*grants: Grant, authority: Literal["member", "role", "policy"] = "member") -> Declaration:
    return Declaration(KEY, BUCKET, policy(*grants), authority=authority, owner=Owner("shop"))


def seen(data: Any, *, deleted: bool = False, hours: float = 0) -> Observation:
    return Observation(
        KEY,
        BUCKET,
        START + timedelta(hours=hours),
        data=data,
        deleted=deleted,
        ancestors=PLACE,
        project_id="prod",
    )


def judged(data: Any, *declarations: Declaration, known: Rules | None = None, deleted: bool = False) -> Any:
    wanted = desired(declarations) if declarations else None
    snapshot = Snapshot(KEY, wanted, known or rules((SCOPE,)), None, None)
    return ownership.judge(snapshot, seen(data, deleted=deleted), None)


def grants_in(verdict: Any) -> set[Grant]:
    assert isinstance(verdict, Verdict)
    return {
        (change.observed["role"], change.observed["member"])
        for change in verdict.differences
        if change.op == "unexpected"
    }


def test_a_public_bucket_that_nobody_declares_is_one_critical_finding_of_the_owner_of_the_scope():
    verdict = judged(policy((VIEWER, ALL), (ADMIN, ALICE)))
    assert grants_in(verdict) == {(VIEWER, ALL), (ADMIN, ALICE)}
    assert (verdict.severity, verdict.mode, verdict.owner.team) == ("critical", "alert", "platform")


def test_a_stranger_beside_a_declared_member_is_reported_and_the_declared_one_is_not():
    verdict = judged(policy((VIEWER, ALICE), (VIEWER, BOB)), declared((VIEWER, ALICE)))
    assert grants_in(verdict) == {(VIEWER, BOB)}
    assert verdict.owner.team == "shop"


def test_a_stranger_beside_a_declared_member_of_nobody_is_of_the_owner_of_the_scope():
    grant = replace(declared((VIEWER, ALICE)), owner=Owner())
    assert judged(policy((VIEWER, ALICE), (VIEWER, BOB)), grant).owner.team == "platform"


def test_a_stranger_beside_a_declared_member_is_of_whom_the_defaults_of_the_policy_name():
    grant = replace(declared((VIEWER, ALICE)), owner=Owner(), source=Source(address="module.shop.x.y"))
    by_module = OwnerRule(modules=("module.shop",), owner=Owner("delivery"))
    known = rules((SCOPE,), Policy(defaults=(by_module,)))
    assert judged(policy((VIEWER, ALICE), (VIEWER, BOB)), grant, known=known).owner.team == "delivery"


def test_the_grants_of_all_declarations_of_a_resource_count_together():
    both = declared((VIEWER, ALICE)), declared((ADMIN, BOB), authority="role")
    assert judged(policy((VIEWER, ALICE), (ADMIN, BOB)), *both).kind is None


def test_a_declared_grant_that_is_missing_is_reported_once():
    verdict = judged(policy(), declared((VIEWER, ALICE)))
    assert [change.op for change in verdict.differences] == ["missing"]


def test_a_condition_makes_another_grant():
    conditional = {"role": VIEWER, "members": [ALICE], "condition": {"title": "until", "expression": "x"}}
    verdict = judged({"bindings": [conditional]}, declared((VIEWER, ALICE)))
    assert {change.op for change in verdict.differences} == {"missing", "unexpected"}


@pytest.mark.parametrize(
    "scope",
    [
        Scope("elsewhere", ("12",), ("*",), contents=("iam_policy",)),
        Scope("resources", ("11",), ("*",)),
        Scope("instances", ("11",), ("compute.googleapis.com/*",), contents=("iam_policy",)),
        Scope("ignored", ("11",), ("*",), contents=("iam_policy",), ignores=(IgnoreRule("storage"),)),
    ],
)
def test_outside_of_the_scope_grants_that_nobody_declares_are_no_finding(scope: Scope):
    assert judged(policy((VIEWER, ALL)), known=rules((scope,))) == "undeclared"
    assert judged(policy((VIEWER, ALL)), declared((VIEWER, ALL)), known=rules((scope,))).kind is None


def test_a_policy_that_is_gone_is_no_finding():
    assert judged(None, deleted=True) == "undeclared"


def test_a_scope_of_grants_alone_asks_for_no_declaration_of_resources():
    bucket = Observation(ResourceKey(KEY.name), BUCKET, START, data={"location": "EU"}, ancestors=PLACE)
    snapshot = Snapshot(bucket.key, None, rules((SCOPE,)), None, None)
    assert ownership.judge(snapshot, bucket, None) == "undeclared"


def test_a_finding_is_resolved_when_the_grant_is_removed():
    store, bus = MemoryStore(), MemoryBus()
    apply.declare(store, [], (SCOPE,), START)
    context = Context(store, bus, MemoryDeadLetters(), clock=lambda: START)
    store.write_project_ids({"11": "prod"})
    assert handle_observation(seen(policy((VIEWER, ALL))), context) == "opened"
    assert handle_observation(seen(policy(), hours=1), context) == "resolved"
    assert handle_observation(seen(policy((VIEWER, ALL)), hours=2), context) == "opened"
    assert handle_observation(seen({}, deleted=True, hours=3), context) == "resolved"


GRANTS = st.sets(st.tuples(st.sampled_from((VIEWER, ADMIN)), st.sampled_from((ALICE, BOB, ALL))))
GOOGLE = st.sets(
    st.sampled_from((("roles/storage.legacyBucketOwner", OWNERS), ("roles/storage.legacyObjectOwner", OWNERS)))
)


@given(have=GRANTS, google=GOOGLE, first=GRANTS, other=GRANTS, authority=st.sampled_from(("member", "role")))
def test_what_is_reported_is_what_nobody_declared_less_what_google_grants(
    have: set[Grant], google: set[Grant], first: set[Grant], other: set[Grant], authority: Literal["member", "role"]
):
    declarations = [declared(*sorted(first), authority=authority)] if first else []
    declarations += [declared(*sorted(other))] if other else []
    verdict = judged(policy(*sorted(have | google)), *declarations)
    wanted = first | other
    roles = {role for role, _ in first} if authority == "role" else set()
    excluded = {(role, member) for role, member in have - first if role in roles}
    assert grants_in(verdict) == (have - wanted) | excluded
    missing = {change.path for change in verdict.differences if change.op == "missing"}
    assert len(missing) == len(wanted - have)
    assert len(verdict.differences) == len((have - wanted) | excluded) + len(wanted - have)
