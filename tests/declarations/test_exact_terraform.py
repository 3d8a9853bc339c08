"""What Terraform declares is exactly as declared where a rule or a label says so."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from declarations.states import state, topic
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.readers.load import load
from setpoint.detection.verdict import Verdict, judge
from setpoint.model.declaration import Declaration, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation

HEAD = """\
apiVersion: setpoint.dev/v1
kind: Defaults
metadata: {name: exact}
spec:
"""


def loaded(folder: Path, rules: str = "", **values: Any) -> Declaration:
    if rules:
        (folder / "defaults.yaml").write_text(HEAD + rules)
    resource = topic("a")
    resource["values"] |= values
    (folder / "net.tfstate").write_bytes(state([resource]))
    result = load([str(folder)])
    assert result.problems == []
    [wanted] = result.desired
    [declaration] = wanted.declarations
    return declaration


def drift(declaration: Declaration, **more: Any) -> list[str]:
    data = {"name": "projects/shop-1/topics/a", **declaration.data, **more}
    observation = Observation(declaration.key, declaration.asset_type, datetime(2026, 3, 1, tzinfo=UTC), data=data)
    verdict = judge(desired((declaration,)), Rules(), observation, default_catalogue())
    assert isinstance(verdict, Verdict)
    return [difference.path for difference in verdict.differences]


@pytest.mark.parametrize(
    "rules",
    [
        "  exact: [{paths: [labels]}]",
        "  exact: [{paths: [labels], assetTypes: ['pubsub.googleapis.com/*']}]",
        "  exact: [{paths: [labels], addresses: ['google_pubsub_topic.*']}]",
    ],
)
def test_a_map_is_exactly_as_declared_where_a_rule_says_so(tmp_path: Path, rules: str) -> None:
    declaration = loaded(tmp_path, rules, labels={"team": "a"})
    assert declaration.exhaustive_paths == ("labels",)
    assert drift(declaration, labels={"team": "a"}) == []
    assert drift(declaration, labels={"team": "a", "stranger": "b"}) == ["labels.stranger"]


def test_a_rule_for_another_type_says_nothing(tmp_path: Path) -> None:
    rules = "  exact: [{paths: [labels], assetTypes: ['storage.googleapis.com/*']}]"
    declaration = loaded(tmp_path, rules, labels={"team": "a"})
    assert drift(declaration, labels={"team": "a", "stranger": "b"}) == []


@pytest.mark.parametrize("labels", [None, {}])
def test_a_map_that_nobody_declares_is_exactly_empty(tmp_path: Path, labels: Any) -> None:
    declaration = loaded(tmp_path, "  exact: [{paths: [labels]}]", labels=labels)
    assert drift(declaration, labels={"stranger": "b"}) == ["labels.stranger"]
    assert drift(declaration) == []


def test_a_field_that_the_api_does_not_have_is_left_alone(tmp_path: Path) -> None:
    declaration = loaded(tmp_path, "  exact: [{paths: [noSuchField, labels]}]", labels={"team": "a"})
    assert declaration.exhaustive_paths == ("labels",)


def test_a_whole_resource_is_exactly_as_declared_where_a_rule_says_so(tmp_path: Path) -> None:
    declaration = loaded(tmp_path, "  exact: [{assetTypes: [pubsub.googleapis.com/Topic]}]")
    assert declaration.exact
    assert drift(declaration, kmsKeyName="projects/p/keys/k") == ["kmsKeyName"]


def test_all_rules_that_fit_count_and_owner_rules_beside_them(tmp_path: Path) -> None:
    rules = "  rules: [{projects: ['*'], owner: {team: net}}]\n  exact: [{paths: [labels]}, {paths: [schemaSettings]}]"
    declaration = loaded(tmp_path, rules, labels={"team": "a"})
    assert declaration.owner.team == "net"
    assert declaration.exhaustive_paths == ("labels", "schemaSettings")


@pytest.mark.parametrize(
    ("label", "exact", "paths"),
    [
        ("true", True, ()),
        ("labels", False, ("labels",)),
        ("labels_schema-settings", False, ("labels", "schemaSettings")),
        ("false", False, ()),
    ],
)
def test_a_label_says_it_too(tmp_path: Path, label: str, exact: bool, paths: tuple[str, ...]) -> None:
    declaration = loaded(tmp_path, labels={"setpoint-exact": label})
    assert (declaration.exact, declaration.exhaustive_paths) == (exact, paths)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("  exact: [{}]", "every field of everything"),
        ("  exact: [{paths: ['a[']}]", "a["),
        ("  exact: []", "is empty"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_a_problem(tmp_path: Path, rules: str, message: str) -> None:
    (tmp_path / "defaults.yaml").write_text(HEAD + rules + "\n")
    [problem] = load([str(tmp_path)]).problems
    assert message in problem.message


def test_a_path_of_the_native_format_that_is_not_declared_is_exactly_empty(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //pubsub.googleapis.com/projects/shop-1/topics/a}
spec:
  assetType: pubsub.googleapis.com/Topic
  exact: [labels]
  data: {messageRetentionDuration: 86400s}
"""
    )
    [wanted] = load([str(tmp_path)]).desired
    assert drift(wanted.declarations[0], labels={"stranger": "b"}) == ["labels.stranger"]
