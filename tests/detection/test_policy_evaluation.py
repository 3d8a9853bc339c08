from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.detection.verdict import Verdict, judge
from setpoint.model import maintenance_windows
from setpoint.model import policy as policies
from setpoint.model.declaration import Declaration, Owner, desired
from setpoint.model.fleet_rules import rules
from setpoint.model.maintenance_windows import Window
from setpoint.model.observation import Observation
from setpoint.model.policy import Match, Policy, PolicyInput, Rule
from setpoint.model.resource_key import ResourceKey

KEY = ResourceKey("//storage.googleapis.com/exports")
TYPE = "storage.googleapis.com/Bucket"
CASE = PolicyInput(
    TYPE,
    "resource",
    "modified",
    "medium",
    team="shop",
    projects=frozenset(("shop-prod", "12")),
    ancestors=("projects/12", "folders/3", "organizations/4"),
    labels={"env": "prod"},
    paths=("labels.a", "labels.b"),
    actor="ann@example.com",
)


@pytest.mark.parametrize(
    "match",
    [
        Match(),
        Match(asset_types=("storage.googleapis.com/*",)),
        Match(contents=("iam_policy", "resource")),
        Match(projects=("shop-*",)),
        Match(projects=("12",)),
        Match(ancestors=("folders/9", "folders/3")),
        Match(labels={"env": "*"}),
        Match(teams=("sh?p",)),
        Match(kinds=("modified",)),
        Match(severities=("medium", "high")),
        Match(paths=("labels.*",)),
        Match(actors=("*@example.com",)),
    ],
)
def test_a_rule_matches_what_fits_all_that_it_says(match):
    assert policies.first_match(Policy(rules=(Rule("r", match),)), CASE) is not None


@pytest.mark.parametrize(
    ("match", "unfit"),
    [
        (Match(asset_types=("compute.googleapis.com/*",)), "asset_types"),
        (Match(contents=("iam_policy",)), "contents"),
        (Match(projects=("shop",)), "projects"),
        (Match(ancestors=("folders/9",)), "ancestors"),
        (Match(labels={"env": "test"}), "labels"),
        (Match(labels={"env": "prod", "tier": "*"}), "labels"),
        (Match(teams=("billing",)), "teams"),
        (Match(kinds=("deleted",)), "kinds"),
        (Match(severities=("low",)), "severities"),
        (Match(paths=("labels.a",)), "paths"),
        (Match(actors=("bob@*",)), "actors"),
    ],
)
def test_what_does_not_fit_is_told_by_the_name_of_the_field(match, unfit):
    policy = Policy(rules=(Rule("r", match), Rule("rest")))

    assert policies.explain(policy, CASE) == (("r", unfit), ("rest", ""))
    chosen = policies.first_match(policy, CASE)
    assert chosen is not None
    assert chosen.name == "rest"


def test_where_nobody_knows_who_it_was_no_rule_with_actors_matches():
    assert policies.first_match(Policy(rules=(Rule("r", Match(actors=("*",))),)), CASE._replace(actor="")) is None


def test_a_rule_for_fields_does_not_match_a_resource_that_is_gone():
    assert policies.first_match(Policy(rules=(Rule("r", Match(paths=("*",))),)), CASE._replace(paths=())) is None


_MODES = st.sampled_from((None, *policies.MODES))


@given(_MODES, _MODES)
def test_of_two_modes_the_more_careful_counts_whoever_says_it(first, other):
    chosen = policies.more_restrictive(first, other)

    assert chosen == policies.more_restrictive(other, first)
    modes = [mode for mode in (first, other) if mode is not None]
    assert chosen == (min(modes, key=policies.MODES.index) if modes else "alert")


def verdict(policy: Policy | None, mode=None, settle=None) -> Verdict:
    wanted = Declaration(KEY, TYPE, {"location": "EU"}, mode=mode, settle=settle, owner=Owner("shop"))
    seen = Observation(KEY, TYPE, datetime(2026, 3, 1, tzinfo=UTC), data={"location": "US"}, ancestors=("projects/12",))
    judged = judge(desired((wanted,)), rules((), policy), seen, None)
    assert isinstance(judged, Verdict)
    return judged


def test_a_policy_gives_a_drift_its_severity_mode_and_settling_time():
    policy = Policy(rules=(Rule("r", Match(teams=("shop",)), severity="low", mode="auto", settle=60.0),))

    assert (verdict(policy).severity, verdict(policy).mode, verdict(policy).settle) == ("low", "auto", 60.0)
    assert (verdict(None).severity, verdict(None).mode, verdict(None).settle) == ("medium", "alert", 0.0)


def test_an_author_may_ask_for_more_care_than_the_policy_and_not_for_less():
    auto, alert = (Policy(rules=(Rule("r", mode=mode),)) for mode in ("auto", "alert"))

    assert verdict(auto, mode="approve").mode == "approve"
    assert verdict(alert, mode="auto").mode == "alert"
    assert verdict(Policy(rules=(Rule("r"),)), mode="auto").mode == "auto"


def test_a_rule_that_says_nothing_of_settling_leaves_it_to_the_declaration():
    assert verdict(Policy(rules=(Rule("r"),)), settle=5.0).settle == 5.0


def test_another_policy_is_other_rules_and_one_that_moved_is_not():
    policy_, moved = Policy(rules=(Rule("r"),)), Policy(rules=(Rule("r"),), source=policies.Source("b.yaml", 9))

    assert rules((), policy_).digest == rules((), moved).digest != rules((), Policy()).digest != rules(()).digest


BERLIN = Window("0 22 * * MON-FRI", 8 * 3600.0, "Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "is_open"),
    [
        ("2026-11-24T21:00:00+00:00", True),  # Tuesday 22:00 in Berlin
        ("2026-11-24T20:59:59+00:00", False),
        ("2026-11-25T04:59:59+00:00", True),
        ("2026-11-25T05:00:00+00:00", False),
        ("2026-11-22T22:00:00+00:00", False),  # Sunday
        ("2026-07-07T20:00:00+00:00", True),  # in summer an hour earlier
    ],
)
def test_a_window_is_open_from_its_start_for_as_long_as_it_says(now, is_open):
    assert maintenance_windows.is_open((BERLIN,), datetime.fromisoformat(now)) == is_open


@given(st.integers(0, 31_536_000).map(lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)))
def test_a_window_that_begins_each_minute_and_lasts_one_is_always_open(now):
    assert maintenance_windows.is_open((Window("* * * * *", 60.0),), now)
    assert not maintenance_windows.is_open((Window("* * * * *", 0.0),), now.replace(second=1))
    assert maintenance_windows.is_open((), now + timedelta(0)) is False
