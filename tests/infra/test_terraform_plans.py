"""Terraform plans, applies, plans again and destroys infra/, with stand-ins for the providers.

``inventories/`` says what each option adds to the base and what it takes away, and what some options do together; write
them again with ``SETPOINT_WRITE_INVENTORIES=1 pytest --long tests/infra/test_terraform_plans.py``, and review the
change like code.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.blocks import CODE, EXAMPLES, INFRA, TERRAFORM
from infra.hcl import strings
from infra.options import BASE, EVERYTHING, OPTIONS, TOGETHER, has, together
from infra.workspace import TerraformError, Workspace, addresses
from setpoint.declarations import apply_archive
from setpoint.declarations.readers import documents, native
from setpoint.model.source_grants import SourceGrant

pytestmark = pytest.mark.skipif(
    not TERRAFORM, reason="NO TERRAFORM: infra/ is not planned; install it to try the module"
)

INVENTORIES = Path(__file__).with_name("inventories")
_WRITES = bool(os.environ.get("SETPOINT_WRITE_INVENTORIES"))


UNPROTECTED = {**BASE, "deletion_protection": False}
"""The base, with which an option can be switched off again that holds data."""


@pytest.fixture(scope="module")
def base(module) -> set[str]:
    module.apply(UNPROTECTED)
    return module.resources()


def inventory(name: str) -> dict[str, list[str]]:
    return yaml.safe_load((INVENTORIES / f"{name}.yaml").read_text())


def check_inventory(name: str, planned: dict[str, list[str]]) -> None:
    file = INVENTORIES / f"{name}.yaml"
    if _WRITES:
        file.write_text(yaml.safe_dump(planned, sort_keys=False))
    assert planned == inventory(name), f"{file.name} is not what Terraform plans"


@pytest.mark.thorough
def test_the_base_comes_up_as_its_inventory_says(base):
    check_inventory("base", {"adds": sorted(base)})


def test_a_root_that_passes_null_for_what_it_leaves_out_gets_what_the_module_defaults(module, base):
    """As a module does that hands on variables of its own."""
    assert base
    defaulted = [block.labels[0] for block in CODE.named("variable") if "default" in block.attributes]
    module.set({**dict.fromkeys(defaulted), **UNPROTECTED})
    assert module.changes() == []


@pytest.mark.long
@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_alone_comes_up_as_its_inventory_says_and_takes_the_one_before_away(module, base, option):
    """Each is applied to what the one before has left, so that what an option leaves behind is found, too."""
    module.apply({**UNPROTECTED, **OPTIONS[option]})
    made = module.resources()
    check_inventory(option, {"adds": sorted(made - base), "removes": sorted(base - made)})
    assert module.changes() == []


REPEATED = TOGETHER[-2:]
"""Applied, one to what the other has left, and planned again."""


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(len(TOGETHER)))
def test_options_together_make_what_their_inventories_say_and_take_what_was_before_away(module, base, number):
    """The inventory of an installation has what its options make only together, and what they do not make then.

    Most are planned only: what an option misses without another is known when it is planned.
    """
    options = TOGETHER[number]
    values = {**UNPROTECTED, **together(options)}
    made, alone = resources_with(module, values, options in REPEATED), [inventory(option) for option in options]
    removed = {address for option in alone for address in option["removes"]}
    expected = (base - removed).union(*(option["adds"] for option in alone))
    beyond = {"adds": sorted(made - expected), "removes": sorted(expected - made)}
    check_inventory(f"together-{number + 1}", {"options": list(options), **beyond})
    if options in REPEATED:
        assert module.changes() == []


def resources_with(module: Workspace, values: dict[str, Any], applied: bool) -> set[str]:
    """The addresses of all that is there with these variables, or would be."""
    if not applied:
        return module.planned_resources(values)
    module.apply(values)
    return module.resources()


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_is_planned_without_each_variable_that_it_does_not_need(option):
    rows = [row for names in TOGETHER if has(row := together(names), option)]
    others = {variable for values in OPTIONS.values() for variable in values} - OPTIONS[option].keys()
    assert {variable for variable in others if all(variable in row for row in rows)} == set()
    assert all(has(together(names), option) for names in TOGETHER if option in names)


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_is_planned_again_in_every_run(option):
    """Beside others; the long runs plan it again alone."""
    planned_again = [*map(together, REPEATED), EVERYTHING]
    assert any(has(row, option) for row in planned_again)
    assert any(not has(row, option) for row in planned_again)


def test_the_base_goes_and_leaves_nothing(module, base):
    module.apply(UNPROTECTED)
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
    assert sources.grant("team-a") == SourceGrant(
        "team-a",
        uploaders=("group:team-a@example.com", "serviceAccount:ci@team-a.iam.gserviceaccount.com"),
        ancestors=("folders/918177713511",),
        asset_types=("storage.googleapis.com/Bucket",),
    )


def test_places_that_nothing_is_known_of_make_another_object_of_the_sources_document(module, with_sources):
    expected = {**BASE, **OPTIONS["sources"], **OPTIONS["uploaders"], "sources_not_seen_yet": True}
    planned = module.plan(expected, "-target=google_storage_bucket_object.sources")
    first, second = written_sources(with_sources), written_sources(planned)
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
    module.set({**BASE, **values})
    assert len(module.planned_changes()) > 100


def test_every_inventory_is_of_an_option_or_of_several():
    several = {f"together-{number}" for number in range(1, len(TOGETHER) + 1)}
    assert {file.stem for file in INVENTORIES.glob("*.yaml")} == {"base", *OPTIONS, *several}


def test_the_readme_of_the_module_has_every_variable_with_its_description():
    text = (INFRA / "README.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", text, re.MULTILINE))
    assert rows == {
        variable.labels[0]: strings(variable.attributes["description"])[0].rstrip(".")
        for variable in CODE.named("variable")
    }


def test_everything_together_comes_up_as_planned_needs_no_change_afterwards_and_goes_but_for_tables(everything):
    """Tables stay while they are protected, with what they lie in; everything goes once they are not."""
    module, planned = everything
    module.run("validate")
    module.apply_plan()
    assert module.resources() == addresses(planned)
    assert module.changes() == []
    with pytest.raises(TerraformError, match="cannot be destroyed while deletion_protection is true"):
        module.destroy()
    kinds = {re.sub(r"\..*", "", address) for address in module.resources()}
    assert {"google_bigquery_table", "google_bigquery_dataset"} <= kinds <= STAY
    module.put_state(unprotected(json.loads(module.state())))
    assert module.destroy() == []


STAY = {
    "google_bigquery_table",
    "google_bigquery_dataset",
    "google_project_service",
    "google_kms_crypto_key_iam_member",
}


def unprotected(state: dict[str, Any]) -> dict[str, Any]:
    """A state after an apply with ``deletion_protection = false``, as far as that matters to what is there."""
    for resource in state["resources"]:
        for instance in resource["instances"]:
            if instance["attributes"].get("deletion_protection"):
                instance["attributes"]["deletion_protection"] = False
    return {**state, "serial": state["serial"] + 1}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_copy_of_an_example_comes_up_from_a_version_in_git_and_needs_no_change_afterwards(
    tmp_path, standins, repository, example
):
    workspace = Workspace.of_example(tmp_path / "root", standins, example.name, repository)
    workspace.apply({})
    assert workspace.changes() == []


CHANGED_BY_EACH_PLAN = """
resource "google_pubsub_topic" "x" {
  name    = "x"
  project = "fleet-ops"
  labels  = { planned = formatdate("hhmmss", timestamp()) }
}
resource "google_monitoring_dashboard" "x" {
  project        = "fleet-ops"
  dashboard_json = jsonencode({ displayName = "x", mosaicLayout = { tiles = [{ xPos = 0, width = 6 }] } })
}
resource "google_pubsub_topic" "same" {
  name    = data.archive_file.same.output_md5
  project = "fleet-ops"
}
data "archive_file" "same" {
  type                    = "zip"
  source_content          = "same"
  source_content_filename = "same"
  output_path             = "same.zip"
}
"""


def test_what_each_plan_makes_anew_and_what_the_api_drops_is_a_change_of_the_second_plan(tmp_path, standins):
    """Planned with providers that Terraform installs and starts, as it does with those of a registry."""
    (tmp_path / "main.tf").write_text(CHANGED_BY_EACH_PLAN)
    Workspace(tmp_path, standins).apply({})
    again = Workspace(tmp_path, standins, attached=False)
    assert again.changes() == ["google_monitoring_dashboard.x", "google_pubsub_topic.x"]


PLANTED = """
resource "google_pubsub_topic" "attribute" {
  nam = "x"
}
resource "google_pubsub_topic" "missing" {}
resource "google_pubsub_topic" "block" {
  name = "x"
  push {}
}
resource "google_bigquery_table" "json" {
  dataset_id = "d"
  table_id   = "t"
  schema     = "{"
}
output "reference" {
  value = google_pubsub_topic.no_such
}
"""


def test_planted_mistakes_are_found(tmp_path, standins):
    workspace = Workspace.of_module(tmp_path, standins)
    (tmp_path / "infra" / "planted.tf").write_text(PLANTED)
    with pytest.raises(TerraformError) as refused:
        workspace.plan(BASE)
    for refusal in (
        'named "nam" is not expected here',
        'The argument "name" is required',
        'type "push" are not expected',
        "invalid JSON",
        '"no_such" has not been declared in the root module',
    ):
        assert refusal in re.sub(r"\s+", " ", str(refused.value))
