from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from setpoint.detection.finding_state_machine import advance
from setpoint.detection.verdict import Verdict, judge
from setpoint.model import ignore_patterns
from setpoint.model.declaration import Declaration, IgnoreRule, Scope, Source, desired
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

KEY = ResourceKey("//storage.googleapis.com/exports")
TYPE = "storage.googleapis.com/Bucket"
START = datetime(2026, 3, 1, tzinfo=UTC)
RULE = "fleet/.setpointignore:3: exports"


def seen(data: Any, *, deleted: bool = False, key: ResourceKey = KEY) -> Observation:
    return Observation(key, TYPE, START, deleted=deleted, data=data, ancestors=("projects/12",))


def verdict(declaration: Declaration, observation: Observation) -> Verdict:
    judged = judge(desired((declaration,)), Rules(), observation, None)
    assert isinstance(judged, Verdict)
    return judged


def declared(data: Any, *patterns: str, **by: str) -> Declaration:
    source = Source("fleet/a.yaml", 7)
    return Declaration(KEY, TYPE, data, ignore=(*patterns, *by), source=source, ignored_by=by)


def kept_quiet(verdict_: Verdict) -> list[tuple[str, str]]:
    return [
        (suppression.difference.path if suppression.difference else suppression.kind, suppression.rule)
        for suppression in verdict_.suppressed
    ]


def test_a_difference_that_a_rule_covers_is_no_drift_and_is_kept_with_the_rule():
    judged = verdict(declared({"location": "EU", "labels": {"a": "1"}}, "labels.a"), seen({"location": "EU"}))

    assert (judged.kind, judged.fingerprint, judged.differences) == (None, "", ())
    assert kept_quiet(judged) == [("labels.a", "fleet/a.yaml:7: ignore labels.a")]


def test_what_no_rule_covers_is_drift_and_is_told_without_the_rest():
    observation = seen({"location": "US", "labels": {"a": "2"}})
    judged = verdict(declared({"location": "EU", "labels": {"a": "1"}}, labels=RULE), observation)

    assert [difference.path for difference in judged.differences] == ["location"]
    assert kept_quiet(judged) == [("labels.a", RULE)]


def test_a_resource_that_is_left_alone_as_a_whole_has_no_drift_whatever_it_is():
    alone = declared({"location": "EU"}, **{ignore_patterns.ALL: RULE})

    assert kept_quiet(verdict(alone, seen({"location": "US"}))) == [("location", RULE)]
    assert kept_quiet(verdict(alone, seen(None, deleted=True))) == [("deleted", RULE)]
    assert kept_quiet(verdict(alone, seen({"location": "EU"}))) == []


def test_a_rule_for_a_field_does_not_hide_that_the_resource_is_gone():
    judged = verdict(declared({"location": "EU"}, "location"), seen(None, deleted=True))

    assert (judged.kind, judged.suppressed) == ("deleted", ())


def test_elements_that_are_alike_but_for_an_ignored_field_are_alike():
    want = {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 3}}]}}
    have = {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 4}}]}}
    judged = verdict(declared(want, "lifecycle.rule[*].condition"), seen(have))

    assert judged.kind is None
    assert kept_quiet(judged) == [
        ("lifecycle.rule[0].condition.age", "fleet/a.yaml:7: ignore lifecycle.rule[*].condition")
    ]


def test_a_grant_that_a_rule_covers_is_kept_quiet():
    key = ResourceKey(KEY.name, "iam_policy")
    role = "roles/viewer"
    wanted = Declaration(key, TYPE, {"bindings": []}, ignore=(f"bindings[role={role}]",), source=Source("a.yaml", 1))
    judged = verdict(wanted, seen({"bindings": [{"role": role, "members": ["user:a@example.com"]}]}, key=key))

    assert judged.kind is None
    assert len(judged.suppressed) == 1


def test_something_unmanaged_that_a_rule_means_is_kept_quiet():
    alone = (IgnoreRule(r"^(?:.+/)?exports(?:/|$)", text=RULE),)
    known = rules((Scope("all", projects=("12",), asset_types=(TYPE,), ignores=alone),))
    judged = judge(None, known, seen({}), None)

    assert isinstance(judged, Verdict)
    assert judged.kind is None
    assert kept_quiet(judged) == [("unmanaged", RULE)]


def test_an_open_finding_ends_when_a_rule_covers_it_and_says_so_and_comes_back_without_the_rule():
    observation = seen({"location": "US"})
    plain, ignoring = declared({"location": "EU"}), declared({"location": "EU"}, "location")
    opened = advance(None, observation, verdict(plain, observation), START).state
    ended = advance(opened, observation, verdict(ignoring, observation), START)
    back = advance(ended.state, observation, verdict(plain, observation), START)

    assert (ended.outcome, back.outcome) == ("resolved", "opened")
    assert ended.state is not None
    assert ended.state.finding is not None
    assert (ended.state.finding.reason, len(ended.state.suppressed)) == ("ignored", 1)
    assert back.state is not None
    assert back.state.suppressed == ()


def test_a_thousand_differences_that_are_ignored_are_kept_as_far_as_there_is_room():
    many = {f"key-{number}": "x" * 100 for number in range(1000)}
    judged = verdict(declared({"labels": many}, "labels"), seen({"labels": {}}))

    assert judged.kind is None
    assert 0 < len(judged.suppressed) < 1000


_VALUES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2) | st.lists(st.integers(0, 2), max_size=2))


@given(_VALUES, _VALUES, st.sets(st.sampled_from("abcd")))
def test_what_is_told_and_what_is_kept_quiet_is_together_what_differs(want, have, names):
    everything = verdict(declared(want), seen(have))
    judged = verdict(declared(want, *sorted(names)), seen(have))

    quiet = {suppression.difference.path for suppression in judged.suppressed if suppression.difference}
    paths = {difference.path for difference in judged.differences}
    assert quiet | paths == {difference.path for difference in everything.differences}
    assert all(path.partition("[")[0] in names for path in quiet)
    assert all(path.partition("[")[0] not in names for path in paths)
