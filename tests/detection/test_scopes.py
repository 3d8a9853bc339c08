from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from setpoint.detection import scopes
from setpoint.detection.verdict import Verdict, judge
from setpoint.model import sources
from setpoint.model.declaration import Declaration, IgnoreRule, Owner, Scope, Selection, desired
from setpoint.model.fleet_rules import rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content, ResourceKey

OBSERVED_AT = datetime(2025, 6, 17, 15, 35, 48, tzinfo=UTC)
BUCKET = "storage.googleapis.com/Bucket"
INSTANCE = "compute.googleapis.com/Instance"
ANCESTORS = ("projects/11", "folders/2", "folders/3", "organizations/9")


def covering(covered_by, observation):
    """The scope that wants a resource declared, or None."""
    explanation = scopes.explain(rules(covered_by), observation)
    return None if explanation.is_exempt else explanation.scope


def observed(
    data: Any = None, name: str = "//storage.googleapis.com/b", asset_type: str = BUCKET, content: Content = "resource"
) -> Observation:
    data = {"location": "EU"} if data is None else data
    return Observation(ResourceKey(name, content), asset_type, OBSERVED_AT, data=data, ancestors=ANCESTORS)


def covered(observation: Observation, **scope: Any) -> bool:
    return covering((Scope("s", **{"projects": (), "asset_types": ("*",), **scope}),), observation) is not None


@pytest.mark.parametrize(
    ("place", "covers"),
    [
        ({"projects": ("11",)}, True),
        ({"projects": ("12",)}, False),
        ({"ancestors": ("folders/2",)}, True),
        ({"ancestors": ("folders/3",)}, True),
        ({"ancestors": ("folders/4",)}, False),
        ({"ancestors": ("organizations/9",)}, True),
        ({"projects": ("12",), "ancestors": ("folders/3",)}, True),
        ({"projects": ("",)}, False),
        ({}, False),
    ],
)
def test_a_scope_covers_its_projects_and_all_that_lies_below_its_folders_and_organisations(
    place: dict[str, Any], covers: bool
) -> None:
    assert covered(observed(), **place) is covers


def test_a_project_is_known_by_its_number_by_the_name_of_the_resource_and_by_what_was_learnt_of_it() -> None:
    instance = observed(name="//compute.googleapis.com/projects/shop-prod/zones/z/instances/i", asset_type=INSTANCE)
    assert covered(instance, projects=("shop-prod",))
    assert not covered(observed(), projects=("shop-prod",))
    assert covered(replace(observed(), project_id="shop-prod"), projects=("shop-prod",))


@pytest.mark.parametrize(
    ("types", "covers"),
    [
        ((BUCKET,), True),
        (("storage.googleapis.com/*",), True),
        (("*/Bucket",), True),
        (("*",), True),
        (("compute.googleapis.com/*", BUCKET), True),
        (("compute.googleapis.com/*",), False),
        (("storage.googleapis.com/Buck",), False),
    ],
)
def test_types_are_named_or_given_by_a_glob(types: tuple[str, ...], covers: bool) -> None:
    assert covered(observed(), projects=("11",), asset_types=types) is covers


@pytest.mark.parametrize(
    ("data", "covers"),
    [
        ({"labels": {"env": "prod", "team": "shop"}}, True),
        ({"resourceLabels": {"env": "prod", "team": "x"}}, True),
        ({"settings": {"userLabels": {"env": "prod", "team": "x"}}}, True),
        ({"metadata": {"labels": {"env": "prod", "team": "x"}}}, True),
        ({"labels": {"env": "prod"}}, False),
        ({"labels": {"env": "dev", "team": "shop"}}, False),
        ({"labels": None}, False),
        ({}, False),
    ],
)
def test_a_label_selector_wants_all_of_its_labels(data: Any, covers: bool) -> None:
    assert covered(observed(data), projects=("11",), labels={"env": "prod", "team": "*"}) is covers


def test_what_is_excepted_needs_no_declaration() -> None:
    def excepted(**exception: Any) -> bool:
        return not covered(
            observed({"labels": {"env": "dev"}}), ancestors=("organizations/9",), exceptions=(Selection(**exception),)
        )

    assert excepted(projects=("11",))
    assert excepted(ancestors=("folders/2",))
    assert excepted(labels={"env": "dev"})
    assert excepted(asset_types=("storage.googleapis.com/*",))
    assert excepted(projects=("11",), labels={"env": "*"})
    assert not excepted(projects=("11",), labels={"env": "prod"})
    assert not excepted(projects=("12",), asset_types=(BUCKET,))


def test_what_others_make_is_left_out_with_the_reason_unless_the_scope_is_strict() -> None:
    made = observed(name="//storage.googleapis.com/gcf-v2-sources-11-europe-west1")
    lax = Scope("lax", ("11",), ("*",))
    assert scopes.explain(rules((lax,)), made)[:3] == (lax, "made by Cloud Functions", "")
    assert judge(None, rules((lax,)), made, None) == "undeclared"
    strict = replace(lax, name="strict", strict=True)
    assert covering((lax, strict), made) == strict
    verdict = judge(None, rules((lax, strict)), made, None)
    assert isinstance(verdict, Verdict)
    assert verdict.kind == "unmanaged"


def test_what_others_make_is_compared_all_the_same_where_it_is_declared() -> None:
    made = observed({"location": "EU"}, name="//storage.googleapis.com/gcf-v2-sources-11-europe-west1")
    declared = desired((Declaration(made.key, BUCKET, {"location": "US"}),))
    verdict = judge(declared, rules(()), made, None)
    assert isinstance(verdict, Verdict)
    assert verdict.kind == "modified"


def test_policies_on_a_resource_are_never_unmanaged_and_access_levels_may_be() -> None:
    assert not covered(observed({}, content="iam_policy"), projects=("11",))
    assert not covered(observed([], content="org_policy"), projects=("11",))
    level = observed(
        {"title": "x"}, asset_type="accesscontextmanager.googleapis.com/AccessLevel", content="access_policy"
    )
    assert covered(level, ancestors=("organizations/9",))


def test_a_resource_that_is_gone_and_of_which_nothing_is_told_ends_its_finding_whatever_labels_a_scope_wants() -> None:
    gone = replace(observed(), deleted=True, data=None)
    scope = Scope("s", ("11",), ("*",), labels={"env": "prod"})
    verdict = judge(None, rules((scope,)), gone, None)
    assert isinstance(verdict, Verdict)
    assert verdict.kind is None


def test_a_scope_that_was_stored_by_an_older_version_is_read_and_means_the_same() -> None:
    stored = (
        b'{"sources":{"git":{"generation":1,"scopes":[{"name":"s","projects":["11"],'
        b'"asset_types":["storage.googleapis.com/Bucket"],"owner":{"team":"t"}}]}},"last_generation":1}'
    )
    (scope,) = sources.rules_of(sources.decode_control(stored)).scopes
    assert scope == Scope("s", ("11",), (BUCKET,), owner=Owner("t"))
    assert covering((scope,), observed()) == scope
    assert sources.encode_control(sources.decode_control(stored)) == stored


def test_a_scope_is_kept_as_it_is() -> None:
    scope = Scope(
        "s",
        (),
        ("*",),
        ancestors=("folders/2",),
        labels={"env": "prod"},
        exceptions=(Selection(labels={"tmp": "*"}),),
        strict=True,
    )
    state = sources.SourceState(generation=1, scopes=(scope,))
    stored = sources.encode_control(sources.Control({"git": state}, 1))
    assert sources.rules_of(sources.decode_control(stored)).scopes == (scope,)
    assert rules((scope,)).digest != rules((replace(scope, strict=False),)).digest


def test_one_scope_that_wants_a_resource_declared_is_enough_in_whatever_order_they_come():
    ignoring = Scope("a", ("11",), ("*",), ignores=(IgnoreRule("storage", text="rule"),))
    wanting = Scope("b", ("11",), ("*",))
    seen = observed()

    assert covering((ignoring, wanting), seen) == covering((wanting, ignoring), seen) == wanting
    assert scopes.explain(rules((ignoring,)), seen).rule == "rule"
