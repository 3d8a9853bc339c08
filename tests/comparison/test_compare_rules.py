"""Rules of a policy about comparing: what they make equal, and the real change that they must not hide."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison import compare as comparing
from setpoint.comparison import explain
from setpoint.detection import verdict
from setpoint.model.compare_rules import CompareRule, rules_for
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.fleet_rules import rules, with_policy
from setpoint.model.observation import Observation, parse
from setpoint.model.policy import Policy
from setpoint.model.references import Project
from setpoint.model.resource_key import ResourceKey
from setpoint.remediation import merge

TWO, SWAPPED = ["10.0.0.0/8", "11.0.0.0/8"], ["11.0.0.0/8", "10.0.0.0/8"]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIREWALL = "compute.googleapis.com/Firewall"


def paths(how: str, path: str, declared: object, observed: object, asset_type: str = FIREWALL) -> list[str]:
    overrides = rules_for((CompareRule(how, path),), asset_type)
    schema = default_catalogue().schema_for(asset_type)
    walk = comparing.comparison_of(declared, observed, schema, own=Project("shop", "12"), overrides=overrides)
    return [difference.path for difference in walk.differences]


EQUAL = [
    ("ignore-case", "description", {"description": "Web"}, {"description": "WEB"}),
    ("ignore-case", "sourceTags", {"sourceTags": ["Web", "b"]}, {"sourceTags": ["web", "B"]}),
    ("number", "labels.port", {"labels": {"port": "080"}}, {"labels": {"port": "80"}}),
    ("duration", "labels.ttl", {"labels": {"ttl": "60s"}}, {"labels": {"ttl": "1m"}}),
    ("reference", "labels.net", {"labels": {"net": "projects/shop/global/networks/n"}},
     {"labels": {"net": "https://www.googleapis.com/compute/v1/projects/shop/global/networks/n"}}),
    ("set", "allowed[*].ports", {"allowed": [{"IPProtocol": "tcp", "ports": ["1", "2"]}]},
     {"allowed": [{"IPProtocol": "tcp", "ports": ["2", "1"]}]}),
    ("set", "anything", {"anything": [{"a": 1}, {"a": 2}]}, {"anything": [{"a": 2}, {"a": 1}]}),
    ("list", "anything", {"anything": [{"a": 1}, {"b": 2}]}, {"anything": [{"a": 1}, {"b": 2, "c": 3}]}),
]  # fmt: skip
DIFFERENT = [
    ("literal", "network", {"network": "global/networks/n"}, {"network": "projects/shop/global/networks/n"}),
    ("literal", "sourceRanges", {"sourceRanges": TWO}, {"sourceRanges": SWAPPED}),
    ("literal", "priority", {"priority": 1000}, {"priority": "1000"}),
    ("ignore-case", "description", {"description": "Web"}, {"description": "Web2"}),
    ("ignore-case", "sourceTags", {"sourceTags": ["web"]}, {"sourceTags": ["web", "ssh"]}),
    ("number", "labels.port", {"labels": {"port": "80"}}, {"labels": {"port": "81"}}),
    ("number", "labels.port", {"labels": {"port": "80"}}, {"labels": {"port": "all"}}),
    ("number", "labels.n", {"labels": {"n": "9007199254740993"}}, {"labels": {"n": "9007199254740992"}}),
    ("number", "labels.n", {"labels": {"n": "1e400"}}, {"labels": {"n": "1e500"}}),
    ("number", "labels.n", {"labels": {"n": "nan"}}, {"labels": {"n": "x"}}),
    ("duration", "labels.ttl", {"labels": {"ttl": "60s"}}, {"labels": {"ttl": "61s"}}),
    ("reference", "labels.net", {"labels": {"net": "projects/shop/global/networks/n"}},
     {"labels": {"net": "projects/shop/global/networks/m"}}),
    ("set", "sourceRanges", {"sourceRanges": ["10.0.0.0/8"]}, {"sourceRanges": ["0.0.0.0/0"]}),
    ("set", "sourceRanges", {"sourceRanges": ["10.0.0.0/8"]}, {"sourceRanges": ["10.0.0.0/8", "0.0.0.0/0"]}),
    ("set", "anything", {"anything": [1, 1, 2]}, {"anything": [1, 2, 2]}),
    ("list", "sourceRanges", {"sourceRanges": TWO}, {"sourceRanges": SWAPPED}),
    ("set", "description", {"description": "a"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("how", "path", "declared", "observed"), EQUAL)
def test_a_rule_makes_equal_what_it_says(how, path, declared, observed):
    assert paths(how, path, declared, observed) == []


@pytest.mark.parametrize(("how", "path", "declared", "observed"), DIFFERENT)
def test_a_rule_hides_no_other_change(how, path, declared, observed):
    assert len(paths(how, path, declared, observed)) == 1


def test_a_rule_is_for_its_field_alone_and_for_its_types():
    declared = {"description": "Web", "name": "Web"}
    observed = {"description": "WEB", "name": "WEB"}
    assert paths("ignore-case", "description", declared, observed) == ["name"]
    elsewhere = rules_for((CompareRule("ignore-case", "description", ("run.googleapis.com/*",)),), FIREWALL)
    assert elsewhere == ()


def test_the_first_rule_that_fits_counts():
    overrides = rules_for((CompareRule("literal", "description"), CompareRule("ignore-case", "*")), FIREWALL)
    walk = comparing.comparison_of({"description": "a"}, {"description": "A"}, None, own=Project(), overrides=overrides)
    assert [difference.path for difference in walk.differences] == ["description"]


def test_an_explanation_names_the_rule():
    overrides = rules_for((CompareRule("ignore-case", "description"),), FIREWALL)
    explained = explain.examine({"description": "a"}, {"description": "A"}, None, Project(), overrides=overrides)
    assert [note.reason for note in explained.notes] == ["compared as ignore-case by the policy (description)"]


def declared_firewall() -> Desired:
    key = ResourceKey("//compute.googleapis.com/projects/shop/global/firewalls/web")
    return Desired((Declaration(key, FIREWALL, {"description": "Web", "priority": 1}, project="shop"),), "d")


def observed_firewall(description: str) -> Observation:
    observation = parse(
        b'{"asset":{"name":"//compute.googleapis.com/projects/shop/global/firewalls/web",'
        b'"assetType":"compute.googleapis.com/Firewall","updateTime":"2026-03-01T12:00:00Z",'
        b'"resource":{"data":{"description":"%s","priority":1}}}}' % description.encode(),
        {},
    )
    assert observation is not None
    return observation


def test_a_verdict_follows_the_rules_of_the_policy_and_is_judged_anew_when_they_change():
    plain = rules((), Policy("p"))
    ruled = rules((), Policy("p", compare=(CompareRule("ignore-case", "description", (FIREWALL,)),)))
    before = verdict.judge(declared_firewall(), plain, observed_firewall("WEB"), default_catalogue())
    after = verdict.judge(declared_firewall(), ruled, observed_firewall("WEB"), default_catalogue())
    other = verdict.judge(declared_firewall(), ruled, observed_firewall("SSH"), default_catalogue())

    assert (before.kind, after.kind, other.kind) == ("modified", None, "modified")
    assert before.judged_by != after.judged_by


def test_what_is_equal_by_a_rule_is_not_written_back():
    ruled = rules((), Policy("p", compare=(CompareRule("ignore-case", "description"),)))
    (declaration,) = with_policy(declared_firewall(), ruled, None).declarations
    recording = merge.record(
        declaration.data, {"description": "WEB", "priority": 2}, None, Project(), overrides=declaration.compare
    )
    assert [change.difference.path for change in recording.changes] == ["priority"]


def test_a_rule_of_literal_equality_counts_what_the_server_adds_to_an_object():
    key = ResourceKey("//compute.googleapis.com/projects/shop/global/firewalls/web")
    declared = Declaration(key, FIREWALL, {"logConfig": {"enable": True}}, project="shop")
    observed = Observation(key, FIREWALL, NOW, data={"logConfig": {"enable": True, "metadata": "INCLUDE_ALL_METADATA"}})
    ruled = rules((), Policy("p", compare=(CompareRule("literal", "logConfig", (FIREWALL,)),)))
    kinds = [
        verdict.judge(Desired((declared,), "d"), fleet, observed, default_catalogue()).kind
        for fleet in (rules((), Policy("p")), ruled)
    ]
    assert kinds == [None, "modified"]
