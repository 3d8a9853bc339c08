"""Who owns what Terraform declares, and what of it is left alone: by labels, by rules, by address."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from declarations.states import GOOGLE, state, topic
from setpoint.declarations import apply, apply_states
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import load
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration, Owner
from setpoint.model.observation import Observation
from setpoint.model.owner_rules import modules_of
from setpoint.model.resource_key import ResourceKey

RULES = """\
apiVersion: setpoint.dev/v1
kind: Defaults
metadata: {name: owners}
spec:
  rules:
    - modules: ["module.net"]
      owner: {team: network, slack: "#network"}
      mode: approve
    - files: ["*/data/*"]
      owner: {team: data}
      settle: 5m
    - projects: ["shop-*"]
      owner: {team: shop}
"""


def in_module(name: str, module: str, **values: Any) -> bytes:
    resource = topic(name)
    instance = {"attributes": resource["values"] | values, "index_key": "a.b"}
    written = {"mode": "managed", "module": module, "type": resource["type"], "name": "t", "provider": GOOGLE}
    document = {"version": 4, "serial": 1, "lineage": module, "resources": [written | {"instances": [instance]}]}
    return json.dumps(document).encode()


def loaded(folder: Path) -> dict[str, Declaration]:
    result = load([str(folder)])
    assert result.problems == []
    return {
        declaration.key.name.rpartition("/")[2]: declaration
        for desired in result.desired
        for declaration in desired.declarations
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "defaults.yaml").write_text(RULES)
    (tmp_path / "net.tfstate").write_bytes(in_module("a", 'module.net["eu"].module.topics'))
    (tmp_path / "data" / "data.tfstate").write_bytes(state([topic("b")], lineage="data"))
    (tmp_path / "shop.tfstate").write_bytes(state([topic("c")], lineage="shop"))
    labelled = topic("d")
    labelled["values"]["labels"] = {"setpoint-owner": "orders"}
    (tmp_path / "labelled.tfstate").write_bytes(state([labelled], lineage="labelled"))
    (tmp_path / "other.tfstate").write_bytes(state([topic("e", project="other")], lineage="other"))
    return tmp_path


def test_every_resource_has_the_owner_of_its_label_or_of_the_first_rule_that_fits(folder: Path) -> None:
    declarations = loaded(folder)

    assert {name: declaration.owner.team for name, declaration in declarations.items()} == {
        "a": "network",
        "b": "data",
        "c": "shop",
        "d": "orders",
        "e": "",
    }
    assert declarations["a"].owner == Owner("network", "#network")
    assert (declarations["a"].mode, declarations["b"].settle) == ("approve", 300)


def test_a_declaration_has_its_address_with_modules_and_keys(folder: Path) -> None:
    assert loaded(folder)["a"].source.address == 'module.net["eu"].module.topics.google_pubsub_topic.t["a.b"]'


def test_rules_that_are_read_after_their_documents_are_a_problem(folder: Path) -> None:
    (folder / "defaults.yaml").rename(folder / "z.yaml")
    [problem] = load([str(folder)]).problems
    assert "read first" in problem.message


def test_a_rule_that_says_nothing_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "defaults.yaml").write_text(RULES.partition("    - files")[0].partition("      owner")[0])
    [problem] = load([str(tmp_path)]).problems
    assert "owner, mode, settle or ignore" in problem.message


@pytest.mark.parametrize(
    "line",
    [
        "google_pubsub_topic.b labels.team",
        "module.net*.module.topics.* labels.team",
        'module.net["eu"].module.topics.google_pubsub_topic.t["a.b"] labels.team',
        'module.net["eu"].* labels.team',
        "module.net[*].* labels.team",
        'module.net["*"].module.topics.google_pubsub_topic.t[*] labels.team',
    ],
)
def test_an_ignore_line_may_name_an_address(folder: Path, line: str) -> None:
    (folder / ".setpointignore").write_text(f"{line}\n")
    declarations = loaded(folder)

    ignoring = {name for name, declaration in declarations.items() if declaration.ignore == ("labels.team",)}
    assert ignoring == ({"b"} if line.startswith("google") else {"a"})


@pytest.mark.parametrize("key", ["a", "a b", "10.0.0.0/8", "a]b", 'say \\"a\\"', "x.module.y", "ü"])
def test_an_address_that_is_copied_into_an_ignore_file_names_its_resource_alone(tmp_path: Path, key: str) -> None:
    address = f'module.net["{key}"].google_pubsub_topic.t["a.b"]'
    (tmp_path / "net.tfstate").write_bytes(in_module("a", f'module.net["{key}"]'))
    (tmp_path / "other.tfstate").write_bytes(in_module("b", 'module.net["e"]'))
    (tmp_path / ".setpointignore").write_text(f"{address} labels.team\n")

    declarations = loaded(tmp_path)

    assert declarations["a"].source.address == address
    assert {name for name, declaration in declarations.items() if declaration.ignore} == {"a"}


@pytest.mark.parametrize("key", ["eu", "a]b.module.x", "10.0.0.0/8", 'say \\"a\\".module.b'])
def test_the_modules_around_a_resource_are_known_whatever_their_keys_are(key: str) -> None:
    address = f'module.net["{key}"].module.topics[0].google_pubsub_topic.t'
    assert modules_of(address) == ("module.net", "module.net.module.topics")


POLICY = """\
apiVersion: setpoint.dev/v1
kind: Policy
metadata: {name: fleet}
spec:
  defaults:
    - folders: [folders/123456789012]
      owner: {team: network}
      settle: 5m
    - files: ["gs://states/*"]
      owner: {team: platform}
      mode: alert
      ignore: [labels.team]
"""
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def observed(name: str, context: Context, minute: int = 0, **data: Any) -> str:
    body = {"name": f"projects/shop-prod/topics/{name}", "labels": {"team": "shop"}} | data
    place = ("projects/111111111111", "folders/123456789012", "organizations/1")
    observation = Observation(
        ResourceKey(f"//pubsub.googleapis.com/projects/shop-prod/topics/{name}"),
        "pubsub.googleapis.com/Topic",
        NOW + timedelta(minutes=minute),
        data=body,
        ancestors=place if name == "a" else place[:1],
    )
    return pipeline.handle_observation(observation, context)


@pytest.fixture
def policed(tmp_path: Path, deps: Context) -> Context:
    """A store with topics of a stored state, and a policy with defaults."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    apply.sync(load([str(tmp_path / "policy.yaml")]), ApplyRequest("policy"), deps, NOW)
    loaded_state = apply_states.load_state(state([topic("a"), topic("b")]), "gs://states/net.tfstate")
    apply.sync(loaded_state, ApplyRequest("gs://states/net.tfstate"), deps, NOW)
    return deps


def test_the_policy_gives_owners_to_stored_states_by_folder_and_url(policed: Context) -> None:
    assert observed("a", policed, messageRetentionDuration="7200s") == "settling"
    assert observed("b", policed, messageRetentionDuration="7200s") == "opened"

    finding = policed.store.read(ResourceKey("//pubsub.googleapis.com/projects/shop-prod/topics/b")).state.finding
    assert (finding.owner.team, finding.mode) == ("platform", "alert")


def test_the_policy_leaves_paths_alone_and_hides_no_other_change(policed: Context) -> None:
    labels = {"team": "other"}
    assert observed("b", policed, labels=labels, messageRetentionDuration="86400s") == "in_sync"
    assert observed("b", policed, 1, labels=labels, messageRetentionDuration="7200s") == "opened"


def test_a_rule_of_files_knows_no_folders(tmp_path: Path) -> None:
    (tmp_path / "defaults.yaml").write_text(RULES.replace('projects: ["shop-*"]', "folders: [folders/1]"))
    assert "folders" in str(load([str(tmp_path)]).problems[0])
