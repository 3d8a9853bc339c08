from __future__ import annotations

from typing import Any

import pytest

from setpoint.comparison.org_policies import compare as compare_org_policies
from setpoint.errors import BadDeclaration
from setpoint.model import field_path, ignore_patterns
from setpoint.model.difference import Difference
from setpoint.model.references import Project
from setpoint.model.resource_key import ResourceKey, is_full_name, project_of
from setpoint.model.severity import severity


def test_a_resource_name_tells_its_project() -> None:
    assert project_of("//compute.googleapis.com/projects/net/zones/europe-west1-b/instances/vm") == "net"
    assert project_of("//storage.googleapis.com/b") == ""


@pytest.mark.parametrize("name", ["//storage.googleapis.com/b", "//k8s.io/projects/p"])
def test_a_full_resource_name_is_known(name: str) -> None:
    assert is_full_name(name)


@pytest.mark.parametrize("name", ["storage.googleapis.com/b", "//b", "//storage.googleapis.com", "//a.b/c d", ""])
def test_what_is_no_full_resource_name_is_known(name: str) -> None:
    assert not is_full_name(name)


def test_a_key_has_one_id_for_ever() -> None:
    assert ResourceKey("//storage.googleapis.com/b").id == "1eea78b7c5a74a329afd5a81b3e9f0c7"
    assert ResourceKey("//storage.googleapis.com/b", "iam_policy").id != ResourceKey("//storage.googleapis.com/b").id


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("labels.last-touched", ("labels", "last-touched")),
        ("lifecycle.rule[*].condition.age", ("lifecycle", "rule", "[*]", "condition", "age")),
        ("rules[priority=1000].action", ("rules", "[priority=1000]", "action")),
        ('labels["a.b"].c', ("labels", "a.b", "c")),
        ('["odd \\"key\\""]', ('odd "key"',)),
    ],
)
def test_a_pattern_is_split_into_its_parts(pattern: str, parts: tuple[str, ...]) -> None:
    assert field_path.parse(pattern) == parts


@pytest.mark.parametrize("pattern", ["a..b", "a[", "a]", "[", "."])
def test_what_is_no_path_is_refused_with_the_place(pattern: str) -> None:
    with pytest.raises(BadDeclaration, match="character"):
        field_path.parse(pattern)


DATA: dict[str, Any] = {
    "labels": {"last-touched": "x", "team": "a", "a.b": "c"},
    "lifecycle": {"rule": [{"condition": {"age": 1, "live": True}}, {"condition": {"age": 2}}]},
    "rules": [{"priority": 1000, "action": "a"}, {"priority": 2000, "action": "b"}],
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("labels.last-touched", {"labels": {"team": "a", "a.b": "c"}}),
        ("labels", {"labels": None}),
        ("labels.*", {"labels": {}}),
        ('labels["a.b"]', {"labels": {"last-touched": "x", "team": "a"}}),
        (
            "lifecycle.rule[*].condition.age",
            {"lifecycle": {"rule": [{"condition": {"live": True}}, {"condition": {}}]}},
        ),
        ("lifecycle.rule[1]", {"lifecycle": {"rule": [{"condition": {"age": 1, "live": True}}]}}),
        ("rules[priority=1000].action", {"rules": [{"priority": 1000}, {"priority": 2000, "action": "b"}]}),
        ("rules[*]", {"rules": []}),
        ("nothing.here", {}),
        ("labels.team.deeper", {}),
    ],
)
def test_a_pattern_leaves_out_what_it_covers_and_nothing_else(pattern: str, expected: dict[str, Any]) -> None:
    wanted = {key: value for key, value in {**DATA, **expected}.items() if value is not None}
    assert ignore_patterns.without(DATA, (pattern,)) == wanted


@pytest.mark.parametrize(
    ("pattern", "is_covered"),
    [
        ("bindings[role=roles/viewer].members[user:m@x.com]", True),
        ("bindings[role=roles/viewer]", True),
        ("bindings[*].members[user:m@x.com]", True),
        ("bindings", True),
        ("bindings[role=roles/owner]", False),
        ("bindings[role=roles/viewer].members[user:other@x.com]", False),
        ("bindings[role=roles/viewer].members[user:m@x.com].deeper", False),
    ],
)
def test_a_grant_is_ignored_by_the_path_that_an_event_tells(pattern: str, is_covered: bool) -> None:
    covering = ignore_patterns.covering("bindings[role=roles/viewer].members[user:m@x.com]", (pattern,))
    assert (covering is not None) == is_covered


def test_leaving_out_copies_nothing_that_it_does_not_touch() -> None:
    kept = ignore_patterns.without(DATA, ("labels.team",))
    assert kept["rules"] is DATA["rules"]
    assert DATA["labels"]["team"] == "a"


@pytest.mark.parametrize(
    ("path", "op", "expected"),
    [
        ("labels.team", "changed", "low"),
        ("description", "changed", "low"),
        ("machineType", "changed", "medium"),
        ("sourceRanges", "changed", "high"),
        ("bindings[role=roles/viewer].members[user:a@x.com]", "unexpected", "high"),
        ("bindings[role=roles/viewer].members[allUsers]", "unexpected", "critical"),
        ("bindings[role=roles/owner].members[user:a@x.com]", "unexpected", "critical"),
        ("bindings[role=roles/owner].members[user:a@x.com]", "missing", "high"),
    ],
)
def test_the_severity_is_that_of_the_field(path: str, op: Any, expected: str) -> None:
    assert severity("modified", "resource", [Difference("labels.a", "changed"), Difference(path, op)]) == expected


def test_a_deletion_is_high_and_the_unmanaged_medium() -> None:
    assert severity("deleted", "resource", []) == "high"
    assert severity("unmanaged", "resource", []) == "medium"
    assert severity("modified", "org_policy", [Difference("x", "changed")]) == "high"


def test_organisation_policies_are_compared_by_constraint() -> None:
    live = [
        {"constraint": "constraints/a", "booleanPolicy": {"enforced": True}, "etag": "x", "updateTime": "t"},
        {"constraint": "constraints/b", "listPolicy": {"allowedValues": ["x", "y"]}},
    ]

    def compared(declared: dict[str, Any], *, exact: bool = False) -> list[tuple[str, str]]:
        return [(policy.path, policy.op) for policy in compare_org_policies(declared, live, Project(), exact=exact)]

    assert compared({"constraint": "a", "booleanPolicy": {"enforced": True}}) == []
    assert compared({"constraint": "constraints/b", "listPolicy": {"allowedValues": ["y", "x"]}}) == []
    assert compared(
        {
            "policies": [
                {"constraint": "a", "booleanPolicy": {"enforced": True}},
                {"constraint": "c", "booleanPolicy": {}},
            ]
        }
    ) == [("[constraint=constraints/c]", "missing")]
    assert compared({"constraint": "a", "booleanPolicy": {"enforced": True}}, exact=True) == [
        ("[constraint=constraints/b]", "unexpected")
    ]
    assert compared({"constraint": "a", "restoreDefault": {}}) == [
        ("[constraint=constraints/a].restoreDefault", "missing"),
        ("[constraint=constraints/a].booleanPolicy", "unexpected"),
    ]
    assert compared({"constraint": "a", "booleanPolicy": {}}) == [
        ("[constraint=constraints/a].booleanPolicy.enforced", "unexpected")
    ]
    assert compared({"constraint": "b", "listPolicy": {"allowedValues": ["z"]}}) == [
        ("[constraint=constraints/b].listPolicy.allowedValues", "changed")
    ]


def test_elements_that_are_left_out_by_their_positions_are_those_that_were_meant() -> None:
    assert ignore_patterns.without({"a": ["x", "y", "z"]}, ("a[0]", "a[1]")) == {"a": ["z"]}
