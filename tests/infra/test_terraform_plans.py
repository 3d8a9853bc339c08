"""Terraform plans, applies, plans again and destroys infra/, with stand-ins for the providers.

``inventories/`` says what each option adds to the base and what it takes away; write them anew with
``SETPOINT_WRITE_INVENTORIES=1 pytest tests/infra/test_terraform_plans.py``, and review the change like code.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import setpoint
from infra.blocks import CODE, EXAMPLES, INFRA, TERRAFORM
from infra.hcl import strings
from infra.options import BASE, EVERYTHING, OPTIONS
from infra.packed import commit, copy_repository
from infra.workspace import TerraformError, Workspace
from setpoint.declarations import apply_archive
from setpoint.declarations.readers import documents, native
from setpoint.model.source_grants import Grant

pytestmark = pytest.mark.skipif(
    not TERRAFORM, reason="NO TERRAFORM: infra/ is not planned; install it to try the module"
)

INVENTORIES = Path(__file__).with_name("inventories")
_WRITES = bool(os.environ.get("SETPOINT_WRITE_INVENTORIES"))
VERSION = f"v{setpoint.__version__}"


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> str:
    """The address of the module in a repository of Git with one version, for Terraform."""
    folder = copy_repository(tmp_path_factory.mktemp("repository"))
    return f"{commit(folder, VERSION)}//infra?ref={VERSION}"


@pytest.fixture(scope="module")
def base(module) -> set[str]:
    module.apply(BASE)
    return module.resources()


def check_inventory(name: str, planned: dict[str, list[str]]) -> None:
    file = INVENTORIES / f"{name}.yaml"
    if _WRITES:
        file.write_text(yaml.safe_dump(planned, sort_keys=False))
    assert planned == yaml.safe_load(file.read_text()), f"{file.name} is not what Terraform plans"


def test_the_base_comes_up_as_its_inventory_says(base):
    check_inventory("base", {"adds": sorted(base)})


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_alone_comes_up_as_its_inventory_says_and_takes_the_one_before_away(module, base, option, request):
    """Each is applied to what the one before has left, so that what an option leaves behind is found, too."""
    module.apply({**BASE, **OPTIONS[option]})
    made = module.resources()
    check_inventory(option, {"adds": sorted(made - base), "removes": sorted(base - made)})
    if request.config.getoption("long"):  # the plan after everything together and after each example is for all runs
        assert module.changes() == []


def test_the_base_goes_and_leaves_nothing(module, base):
    module.apply({**BASE, "deletion_protection": False})
    assert module.resources() == base
    assert module.destroy() == []


@pytest.fixture(scope="module")
def with_sources(module) -> dict[str, Any]:
    return module.plan({**BASE, **OPTIONS["sources"], **OPTIONS["uploaders"]})


def written_sources(planned: dict[str, Any]) -> dict[str, Any]:
    """The object with the document `Sources`."""
    (written,) = [
        change["change"]["after"]
        for change in planned["resource_changes"]
        if change["address"].endswith("google_storage_bucket_object.sources")
    ]
    return written


def test_each_source_gets_its_folder_of_the_bucket_and_nobody_gets_the_whole(with_sources):
    uploads = [
        change["change"]["after"]
        for change in with_sources["resource_changes"]
        if change["type"] == "google_storage_bucket_iam_member" and "objectCreator" in change["change"]["after"]["role"]
    ]
    folder = 'resource.name.startsWith("projects/_/buckets/fleet-ops-setpoint/objects/{}/")'
    assert {(upload["member"], upload["condition"][0]["expression"]) for upload in uploads} == {
        ("serviceAccount:ci@fleet-ops.iam.gserviceaccount.com", folder.format("platform")),
        ("serviceAccount:ci@fleet-ops.iam.gserviceaccount.com", folder.format("default")),
        ("group:team-a@example.com", folder.format("team-a")),
        ("serviceAccount:ci@team-a.iam.gserviceaccount.com", folder.format("team-a")),
    }


def test_the_sources_document_that_terraform_writes_is_one_that_setpoint_reads(with_sources):
    written = written_sources(with_sources)
    assert written["name"] == apply_archive.SOURCES
    assert written["metadata"] == {"not-seen-yet": "false"}
    (document,) = documents.parse(written["content"], "sources.json")
    sources = native.read(document)
    assert [grant.name for grant in sources.grants] == ["default", "platform", "team-a"]
    assert sources.grant("team-a") == Grant(
        "team-a",
        uploaders=("group:team-a@example.com", "serviceAccount:ci@team-a.iam.gserviceaccount.com"),
        ancestors=("folders/918177713511",),
        asset_types=("storage.googleapis.com/Bucket",),
    )


def test_places_that_nothing_is_known_of_make_another_object_of_the_sources_document(module, with_sources):
    expected = {**BASE, **OPTIONS["sources"], **OPTIONS["uploaders"], "sources_not_seen_yet": True}
    first, second = written_sources(with_sources), written_sources(module.plan(expected))
    assert second["metadata"] == {"not-seen-yet": "true"}
    assert second["content"] != first["content"]
    (before, after) = (next(documents.parse(part["content"], "sources.json")) for part in (first, second))
    assert after.value == before.value


UNKNOWN_TYPES = {
    "remediation": {
        "enabled": True,
        "within": "projects/shop-prod",
        "resources": ["nowhere.googleapis.com/A"],
        "policies": ["nowhere.googleapis.com/B"],
    },
    "deep_reads": {"enabled": True, "within": "projects/shop-prod", "resources": ["nowhere.googleapis.com/C"]},
}


def test_types_whose_permissions_are_not_known_are_refused_by_their_names(module):
    with pytest.raises(TerraformError, match=r"not know: nowhere\S+/A, nowhere\S+/B, nowhere\S+/C\. docs/asset-types"):
        module.plan({**BASE, **UNKNOWN_TYPES})


def test_a_root_that_passes_null_for_what_it_leaves_out_gets_what_the_module_defaults(module):
    """As a module does that hands on variables of its own."""
    defaulted = [block.labels[0] for block in CODE.named("variable") if "default" in block.attributes]
    planned = module.plan({**dict.fromkeys(defaulted), **BASE})
    expected = module.plan(BASE)
    assert planned["planned_values"] == expected["planned_values"]


ODD: dict[str, dict[str, Any]] = {
    "names at their longest, a number in place of a text, parents of a kind": {
        **OPTIONS["remediation-of-resources"],
        "remediation_role_in": 566099688680,
        "project_id": "a" * 29 + "1",
        "watch": ["organizations/1", "organizations/2", "folders/3", "folders/3"],
        "firestore": {"database": "d" * 63},
        "uploaders": ["group:x@example.com"],
        "sources": {"s" * 200: {"uploaders": ["group:x@example.com"], "everywhere": True}},
        "state_buckets": {"b" * 63: {"everywhere": True}},
        "kms_key": f"projects/keys/locations/eur3/keyRings/{'r' * 63}/cryptoKeys/{'k' * 63}",
    },
    "other regions, and no types": {
        "region": "northamerica-northeast1",
        "firestore": {"location": "nam5"},
        "reports": {"enabled": True, "location": "EU"},
        "asset_types": {"RESOURCE": [], "IAM_POLICY": [], "ORG_POLICY": []},
    },
}


@pytest.mark.parametrize("values", ODD.values(), ids=ODD)
def test_odd_values_that_are_allowed_can_be_planned(module, values):
    planned = module.plan({**BASE, **values})["planned_values"]["root_module"]["resources"]
    assert len(planned) > 100


def test_every_inventory_is_of_an_option():
    assert {file.stem for file in INVENTORIES.glob("*.yaml")} == {"base", *OPTIONS}


def test_the_readme_of_the_module_has_every_variable_with_its_description():
    text = (INFRA / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", text, re.MULTILINE))
    assert rows == {
        variable.labels[0]: strings(variable.attributes["description"])[0].rstrip(".")
        for variable in CODE.named("variable")
    }


def test_everything_together_comes_up_needs_no_change_afterwards_and_goes(tmp_path, standins):
    workspace = Workspace.of_module(tmp_path, standins)
    workspace.run("validate")
    workspace.apply({**BASE, **EVERYTHING, "deletion_protection": False})
    assert workspace.changes() == []
    assert workspace.destroy() == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_copy_of_an_example_comes_up_from_a_version_in_git_and_needs_no_change_afterwards(
    tmp_path, standins, repository, example
):
    workspace = Workspace.of_example(tmp_path / "root", standins, example.name, repository)
    workspace.run("validate")
    workspace.apply({})
    assert workspace.changes() == []


@pytest.mark.parametrize(
    ("planted", "refusal"),
    [
        ('resource "google_pubsub_topic" "x" {\n  nam = "x"\n}', 'named "nam" is not expected here'),
        ('resource "google_pubsub_topic" "x" {}', 'The argument "name" is required'),
        ('resource "google_pubsub_topic" "x" {\n  name = "x"\n  push {}\n}', 'type "push" are not expected'),
        (
            'resource "google_bigquery_table" "x" {\n  dataset_id = "d"\n  table_id = "t"\n  schema = "{"\n}',
            "invalid JSON",
        ),
        ('output "x" {\n  value = google_pubsub_topic.no_such\n}', "has not been declared"),
    ],
    ids=["attribute", "missing", "block", "json", "reference"],
)
def test_a_planted_mistake_is_found(tmp_path, standins, planted, refusal):
    workspace = Workspace.of_module(tmp_path, standins)
    (tmp_path / "infra" / "planted.tf").write_text(planted + "\n")
    with pytest.raises(TerraformError, match=refusal):
        workspace.plan(BASE)
