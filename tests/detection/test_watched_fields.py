"""What is said of each resource to be watched is what is watched."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from detection.test_undeclared_changes import BUCKET, EXPORTS, FLEET, Watched, watched
from setpoint.detection.watched_fields import watching, watching_of
from setpoint.model.declaration import Declaration, Scope, desired
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.last_known_good import unpack
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy, Undeclared
from setpoint.model.resource_key import ResourceKey

GRANTS = ResourceKey("//storage.googleapis.com/exports", "iam_policy")
VIEWER = {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.com"]}]}


def test_declared_fields_and_last_known_good_values_are_counted():
    exports = watched()
    shown = watching(exports.desired, Rules(), exports.state)
    assert (shown.declared, shown.good) == (1, len(unpack(exports.state.last_good).values))
    assert str(shown) == f"1 declared field · {shown.good} last known good values"


def test_exact_paths_are_named_and_what_is_whole_has_no_last_known_good_values():
    exports = Watched()
    exports.declare({"location": "EU", "labels": {"cost": "a"}}, exhaustive_paths=("labels",))
    exports.see(EXPORTS)
    assert str(watching(exports.desired, Rules(), exports.state)).endswith(" · exact: labels")
    exports.declare({"location": "EU"}, exact=True)
    exports.see(EXPORTS)
    assert str(watching(exports.desired, Rules(), exports.state)) == "1 declared field · exact: all"


@pytest.mark.parametrize(
    ("policy", "why"),
    [(None, "it was not observed yet"), (Policy(undeclared=Undeclared("off")), "the policy switches them off")],
)
def test_why_there_are_no_last_known_good_values_is_said(policy: Policy | None, why: str):
    exports = Watched(policy=policy)
    assert watching(exports.desired, Rules(policy=policy), None).why_none == why


def test_a_declaration_in_parts_says_that_nothing_beside_it_is_watched():
    exports = Watched()
    (whole,) = exports.desired.declarations
    parts = desired((replace(whole, element="lifecycle.name"),))
    assert "in parts" in watching(parts, Rules(), None).why_none


@pytest.mark.parametrize(("authority", "exact"), [("policy", ("all",)), ("role", ("roles/viewer",)), ("member", ())])
def test_of_a_policy_the_grants_that_are_owned_are_named(authority: Any, exact: tuple[str, ...]):
    wanted = desired((Declaration(GRANTS, BUCKET, VIEWER, authority=authority, source=FLEET),))
    shown = watching(wanted, Rules(), None)
    assert (shown.exact, shown.good, shown.why_none) == (exact, None, "")


def test_a_scope_of_grants_is_named():
    scope = Scope("production", (), ("*",), ancestors=("folders/7",), contents=("iam_policy",))
    exports = watched()
    exports.see(EXPORTS | {"iamConfiguration": {}})
    state = replace(
        exports.state, key=GRANTS, finding=replace(exports.state.finding, ancestors=("projects/1", "folders/7"))
    )
    wanted = desired((Declaration(GRANTS, BUCKET, VIEWER, authority="member", source=FLEET),))
    assert str(watching(wanted, rules((scope,)), state)).endswith(" · exact: all, by scope production")


def test_a_scope_is_named_where_nothing_drifts_and_where_nothing_is_declared():
    scope = Scope("production", (), ("*",), ancestors=("folders/7",), contents=("iam_policy",))
    exports = watched()
    state = replace(exports.state, key=GRANTS, finding=None)
    last = Observation(GRANTS, BUCKET, state.observed_at, data=VIEWER, ancestors=("projects/1", "folders/7"))
    wanted = desired((Declaration(GRANTS, BUCKET, VIEWER, authority="member", source=FLEET),))

    assert str(watching(wanted, rules((scope,)), state, last)).endswith(" · exact: all, by scope production")
    assert str(watching_of(None, rules((scope,)), state, last)) == "nothing declared · exact: all, by scope production"
    elsewhere = replace(last, ancestors=("projects/1", "folders/8"))
    assert str(watching(wanted, rules((scope,)), state, elsewhere)) == "2 declared fields"
    assert watching_of(None, rules((scope,)), state, elsewhere) is None
    assert watching_of(None, rules((scope,)), replace(state, key=ResourceKey(GRANTS.name)), last) is None
