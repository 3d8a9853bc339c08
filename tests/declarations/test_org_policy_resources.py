"""Organisation policies of API v2 as resources, and those of API v1 in Terraform."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.compare import compare
from setpoint.comparison.org_policies import compare as compare_v1
from setpoint.declarations.apply import declare
from setpoint.declarations.readers.load import LoadResult, load
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.references import Project
from setpoint.model.resource_key import ResourceKey

OBSERVED_AT = datetime(2025, 6, 17, 15, 35, 48, tzinfo=UTC)
TYPE = "orgpolicy.googleapis.com/Policy"
OWN = Project("shop", "11")
TAGGED = {"expression": "resource.matchTag('1/env', 'prod')", "title": "prod"}


def differences(declared: dict[str, Any], live: dict[str, Any]) -> list[tuple[str, str]]:
    differences = compare(declared, live, default_catalogue().schema_for(TYPE), own=OWN)
    return [(difference.path, difference.op) for difference in differences]


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"rules": [{"enforce": "TRUE"}]}, {"rules": [{"enforce": True}], "etag": "x", "updateTime": "t"}),
        ({"rules": [{"enforce": False}]}, {"rules": [{}]}),
        ({"rules": [{"allowAll": "TRUE", "denyAll": ""}]}, {"rules": [{"allowAll": True}]}),
        (
            {"rules": [{"values": {"allowedValues": ["is:a", "in:eu"]}}]},
            {"rules": [{"values": {"allowedValues": ["in:eu", "a"]}}]},
        ),
        (
            {"rules": [{"enforce": False}, {"enforce": True, "condition": TAGGED}]},
            {"rules": [{"enforce": True, "condition": TAGGED}, {"enforce": False}]},
        ),
        ({"inheritFromParent": False, "reset": True}, {"reset": True}),
        (
            {"rules": [{"enforce": True, "parameters": '{"a":["x"]}'}]},
            {"rules": [{"enforce": True, "parameters": {"a": ["x"]}}]},
        ),
        ({"etag": "x", "reset": True}, {"etag": "y", "reset": True}),
    ],
)
def test_a_policy_of_api_v2_is_compared_by_meaning(declared: dict[str, Any], live: dict[str, Any]) -> None:
    for part in ("spec", "dryRunSpec"):
        assert differences({part: declared}, {part: live}) == []


@pytest.mark.parametrize(
    ("declared", "live", "path"),
    [
        ({"rules": [{"enforce": "TRUE"}]}, {"rules": [{}]}, "rules[0].enforce"),
        ({"rules": [{"enforce": True}]}, {"reset": True}, "rules"),
        ({"reset": True}, {"rules": [{"denyAll": True}]}, "reset"),
        ({"inheritFromParent": True}, {}, "inheritFromParent"),
        (
            {"rules": [{"enforce": True, "condition": TAGGED}]},
            {"rules": [{"enforce": True, "condition": {**TAGGED, "expression": "true"}}]},
            "rules[0].condition.expression",
        ),
        (
            {"rules": [{"values": {"deniedValues": ["a", "b"]}}]},
            {"rules": [{"values": {"deniedValues": ["a"]}}]},
            "rules[0].values.deniedValues",
        ),
        (
            {"rules": [{"enforce": True}]},
            {"rules": [{"enforce": True}, {"enforce": False, "condition": TAGGED}]},
            "rules[1]",
        ),
    ],
)
def test_what_a_policy_of_api_v2_no_longer_says_is_drift(
    declared: dict[str, Any], live: dict[str, Any], path: str
) -> None:
    for part in ("spec", "dryRunSpec"):
        assert [where for where, _ in differences({part: declared}, {part: live})] == [f"{part}.{path}"]


@pytest.mark.parametrize("place", ["projects/shop", "projects/11", "folders/22", "organizations/33"])
def test_a_policy_is_found_by_its_resources_id_or_number(tmp_path: Path, place: str) -> None:
    numbered = place.replace("shop", "11")
    document = {
        "apiVersion": "setpoint.dev/v1",
        "kind": "Declaration",
        "metadata": {"name": f"//orgpolicy.googleapis.com/{place}/policies/compute.requireOsLogin"},
        "spec": {
            "assetType": TYPE,
            "data": {"name": f"{place}/policies/compute.requireOsLogin", "spec": {"rules": [{"enforce": True}]}},
        },
    }
    (tmp_path / "a.yaml").write_text(msgspec.json.encode(document).decode())
    result = load([str(tmp_path)])
    assert result.problems == []
    deps = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue())
    declare(deps.store, result.desired, (), OBSERVED_AT)
    deps.store.write_project_ids({"11": "shop"})
    for enforce, outcome in ((True, "in_sync"), (False, "opened")):
        data = {"name": f"{numbered}/policies/compute.requireOsLogin", "spec": {"rules": [{"enforce": enforce}]}}
        observation = Observation(
            ResourceKey(f"//orgpolicy.googleapis.com/{numbered}/policies/compute.requireOsLogin"),
            TYPE,
            OBSERVED_AT.replace(hour=15 + (not enforce)),
            data=data,
            ancestors=("projects/11", "organizations/33") if "projects" in place else (numbered, "organizations/33"),
        )
        assert pipeline.handle_observation(observation, deps) == outcome


def v1(declared: dict[str, Any], live: dict[str, Any]) -> list[Difference]:
    constraint = {"constraint": "constraints/x"}
    return list(compare_v1({**constraint, **declared}, [{**constraint, **live}], OWN, exact=False))


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"booleanPolicy": {"enforced": True}}, {"booleanPolicy": {"enforced": True}, "etag": "x", "version": 1}),
        ({"booleanPolicy": {"enforced": False}}, {"booleanPolicy": {}}),
        ({"restoreDefault": {}}, {"restoreDefault": {}}),
        (
            {"listPolicy": {"allowedValues": ["is:a", "under:folders/1"]}},
            {"listPolicy": {"allowedValues": ["under:folders/1", "a"]}},
        ),
        ({"listPolicy": {"inheritFromParent": False, "allValues": "DENY"}}, {"listPolicy": {"allValues": "DENY"}}),
        (
            {"listPolicy": {"deniedValues": ["a"], "allValues": "ALL_VALUES_UNSPECIFIED"}},
            {"listPolicy": {"deniedValues": ["a"]}},
        ),
    ],
)
def test_a_policy_of_api_v1_is_compared_by_meaning(declared: dict[str, Any], live: dict[str, Any]) -> None:
    assert v1(declared, live) == []


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"booleanPolicy": {"enforced": False}}, {"restoreDefault": {}}),
        ({"restoreDefault": {}}, {"booleanPolicy": {}}),
        ({"restoreDefault": {}}, {"listPolicy": {}}),
        ({"restoreDefault": {}}, {"listPolicy": {"allValues": "ALLOW"}}),
        ({"listPolicy": {"allValues": "DENY"}}, {"listPolicy": {"allValues": "ALLOW"}}),
        ({"listPolicy": {"allowedValues": ["a"]}}, {"listPolicy": {"deniedValues": ["a"]}}),
        ({"listPolicy": {"allowedValues": ["a"]}}, {"listPolicy": {"allowedValues": ["a"], "inheritFromParent": True}}),
        ({"listPolicy": {"allowedValues": ["in:a"]}}, {"listPolicy": {"allowedValues": ["a"]}}),
    ],
)
def test_what_a_policy_of_api_v1_no_longer_says_is_drift(declared: dict[str, Any], live: dict[str, Any]) -> None:
    assert v1(declared, live)


def terraform(tmp_path: Path, kind: str, **values: Any) -> LoadResult:
    resource = {
        "address": f"{kind}.x",
        "mode": "managed",
        "type": kind,
        "name": "x",
        "provider_name": "registry.terraform.io/hashicorp/google",
        "values": {"version": 0, "etag": "x", "boolean_policy": [], "list_policy": [], "restore_policy": [], **values},
    }
    state = {"format_version": "1.0", "values": {"root_module": {"resources": [resource]}}}
    (tmp_path / "state.json").write_text(msgspec.json.encode(state).decode())
    return load([str(tmp_path)])


EU = [{"all": False, "values": ["in:eu-locations"]}]


@pytest.mark.parametrize(
    ("kind", "values", "name", "meant"),
    [
        (
            "google_project_organization_policy",
            {"project": "shop", "boolean_policy": [{"enforced": True}]},
            "projects/shop",
            {"booleanPolicy": {"enforced": True}},
        ),
        (
            "google_folder_organization_policy",
            {"folder": "folders/22", "list_policy": [{"allow": EU, "deny": [], "inherit_from_parent": True}]},
            "folders/22",
            {"listPolicy": {"allowedValues": ["in:eu-locations"], "inheritFromParent": True}},
        ),
        (
            "google_folder_organization_policy",
            {"folder": "22", "list_policy": [{"allow": [], "deny": [{"all": True, "values": []}]}]},
            "folders/22",
            {"listPolicy": {"allValues": "DENY"}},
        ),
        (
            "google_organization_policy",
            {"org_id": "33", "restore_policy": [{"default": True}]},
            "organizations/33",
            {"restoreDefault": {}},
        ),
    ],
)
def test_terraforms_policies_of_api_v1_are_read(
    tmp_path: Path, kind: str, values: dict[str, Any], name: str, meant: dict[str, Any]
) -> None:
    result = terraform(tmp_path, kind, constraint="compute.x", **values)
    assert (result.problems, result.skipped.total()) == ([], 0)
    ((declaration,),) = [wanted.declarations for wanted in result.desired]
    assert declaration.key == ResourceKey(f"//cloudresourcemanager.googleapis.com/{name}", "org_policy")
    assert declaration.data == {"constraint": "compute.x", **meant}


def test_a_policy_of_terraform_that_says_nothing_is_counted_and_not_declared(tmp_path: Path) -> None:
    result = terraform(tmp_path, "google_organization_policy", org_id="33", constraint="x")
    assert (list(result.desired), result.skipped.total()) == ([], 1)
