"""The ids by which Terraform imports resources, by their full resource names."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from setpoint.catalog import terraform_types
from setpoint.catalog.import_ids import UNKNOWN, WHOLE, filled, import_ids, lines

VARIABLE = re.compile(r"\{\{([^{}]+)\}\}")
FACTS = Path(os.environ.get("SETPOINT_FACTS", Path(__file__).resolve().parents[3] / "shared" / "facts"))


@pytest.mark.parametrize(
    ("asset_type", "name", "expected"),
    [
        (
            "compute.googleapis.com/Firewall",
            "//compute.googleapis.com/projects/shop-prod/global/firewalls/allow-ssh",
            ("google_compute_firewall", "projects/shop-prod/global/firewalls/allow-ssh"),
        ),
        ("storage.googleapis.com/Bucket", "//storage.googleapis.com/exports", ("google_storage_bucket", "exports")),
        (
            "container.googleapis.com/Cluster",
            "//container.googleapis.com/projects/shop-prod/zones/europe-west1-b/clusters/c",
            ("google_container_cluster", "projects/shop-prod/locations/europe-west1-b/clusters/c"),
        ),
        (
            "run.googleapis.com/Service",
            "//run.googleapis.com/projects/shop-prod/locations/eu/services/api",
            ("google_cloud_run_v2_service", "projects/shop-prod/locations/eu/services/api"),
        ),
        (
            "cloudkms.googleapis.com/CryptoKey",
            "//cloudkms.googleapis.com/projects/p/locations/eu/keyRings/r/cryptoKeys/k",
            ("google_kms_crypto_key", "projects/p/locations/eu/keyRings/r/cryptoKeys/k"),
        ),
        (
            "monitoring.googleapis.com/AlertPolicy",
            "//monitoring.googleapis.com/projects/12/alertPolicies/34",
            ("google_monitoring_alert_policy", "projects/12/alertPolicies/34"),
        ),
    ],
)
def test_a_name_gives_the_type_and_the_id(asset_type, name, expected):
    assert import_ids(asset_type, name)[0][:2] == expected


def test_the_id_of_a_project_takes_the_place_of_its_number():
    name = "//compute.googleapis.com/projects/12/global/firewalls/f"
    (known,) = import_ids("compute.googleapis.com/Firewall", name, "shop-prod")
    assert known.id == "projects/shop-prod/global/firewalls/f"


def test_a_name_that_does_not_fit_has_no_id():
    assert import_ids("compute.googleapis.com/Firewall", "//compute.googleapis.com/projects/p/firewalls/f") == ()
    assert import_ids("example.googleapis.com/Thing", "//example.googleapis.com/things/1") == ()


def test_what_the_name_does_not_give_is_a_field_of_the_resource():
    lien = ("cloudresourcemanager.googleapis.com/Lien", "//cloudresourcemanager.googleapis.com/liens/p12-l34")
    (known,) = import_ids(*lien, data={"name": "liens/p12-l34", "parent": "projects/12"})
    assert (known.id, known.missing) == ("12/p12-l34", ())


def test_what_nothing_gives_is_named():
    zone = "//dns.googleapis.com/projects/shop-prod/locations/global/managedZones/99"
    data = {"name": "www.example.com.", "type": "A"}
    (known,) = import_ids("dns.googleapis.com/ResourceRecordSet", f"{zone}/rrsets/www.example.com.", data=data)
    assert known.id == "projects/shop-prod/managedZones/{{managed_zone}}/rrsets/www.example.com./A"
    assert known.missing == ("managed_zone",)
    (known,) = import_ids("cloudresourcemanager.googleapis.com/Lien", "//cloudresourcemanager.googleapis.com/liens/l")
    assert (known.id, known.missing) == ("{{parent}}/l", ("parent",))


def test_a_line_with_a_fixed_place_takes_only_names_with_it():
    pool = "//iam.googleapis.com/projects/shop-prod/locations/{}/workloadIdentityPools/ci"
    (known,) = import_ids("iam.googleapis.com/WorkloadIdentityPool", pool.format("global"))
    assert known.id == "projects/shop-prod/locations/global/workloadIdentityPools/ci"
    assert import_ids("iam.googleapis.com/WorkloadIdentityPool", pool.format("eu")) == ()


def test_each_line_gives_its_own_id():
    for asset_type, terraform_type, name, identifier in lines():
        names = re.findall(r"\{\{([\w-]+)\}\}", name)
        values = {variable: f"x{number}" for number, variable in enumerate(names)}
        path = filled(name, values)
        wanted = path if identifier == WHOLE else filled(identifier, values)
        known = {each.type: each.id for each in import_ids(asset_type, f"//host.example.com/{path}")}
        assert known[terraform_type] == wanted, name


@pytest.mark.skipif(not (FACTS / "terraform_fields.jsonl").is_file(), reason=f"no facts at {FACTS}")
def test_each_type_of_the_facts_has_the_id_that_they_know():
    """Of each line the type and the id's template; of each format in the provider's own words the id itself."""
    known = {fact["type"]: fact for fact in read("terraform_fields.jsonl") if "iam" not in fact and fact.get("id")}
    table = [(asset_type, type_, identifier) for asset_type, type_, _, identifier in lines() if type_ in known]
    for asset_type, terraform_type, identifier in table:
        wanted = known[terraform_type]["id"].replace("{{%", "{{")
        assert known[terraform_type]["asset_type"] == asset_type
        wanted = IMPORTED_OTHERWISE.get(terraform_type, wanted)
        assert identifier == wanted or (identifier, wanted) == (WHOLE, "{{name}}"), terraform_type
    assert len({type_ for _, type_, _ in table}) > 350

    formats: dict[str, list[str]] = {}
    for each in read("inventory_names.jsonl"):
        formats.setdefault(each["asset_type"], []).extend(each["formats"])
    by_words = by_shape = 0
    for fact in known.values():
        template = fact["id"].replace("{{%", "{{")
        needed = set(VARIABLE.findall(template))
        for form in formats.get(fact.get("asset_type"), ()):
            form = form.replace("{{%", "{{")  # noqa: PLW2901 - the same format
            variables = VARIABLE.findall(form)
            values = {variable: f"x{number}" for number, variable in enumerate(variables)}
            name = filled(form, values)
            ids = [each.id for each in import_ids(fact["asset_type"], name) if each.type == fact["type"]]
            if VARIABLE.sub("*", form).removeprefix("//").partition("/")[2] == VARIABLE.sub("*", template) != "*":
                assert ids == [name.removeprefix("//").partition("/")[2]], (fact["type"], name)
                by_shape += 1
            elif needed <= set(variables) and needed != {"name"}:
                assert ids == [filled(template, values)], (fact["type"], name)
                by_words += 1
    assert by_shape > 280
    assert by_words > 3


NO_NAME_OF_THE_INVENTORY = {
    "google_access_context_manager_access_levels": "all levels of a policy at once; each has its own type",
    "google_access_context_manager_service_perimeters": "all perimeters of a policy at once; each has its own type",
    "google_dialogflow_agent": "the inventory names agents of Dialogflow CX, which are google_dialogflow_cx_agent",
    "google_scc_folder_scc_big_query_export": "of the API's v1; the inventory has the names of v2, with a location",
    "google_scc_organization_scc_big_query_export": "as above",
    "google_scc_project_scc_big_query_export": "as above",
}
IMPORT_ID_UNKNOWN = {
    "google_apigee_api": "the facts have no id",
    "google_container_aws_cluster": "the facts have no id",
    "google_container_aws_node_pool": "the facts have no id",
    "google_container_azure_client": "the facts have no id",
    "google_container_azure_cluster": "the facts have no id",
    "google_container_azure_node_pool": "the facts have no id",
    "google_dataflow_job": "the facts have no id",
    "google_endpoints_service": "the facts have no id",
    "google_firebaserules_release": "the facts have no id; release ids have slashes",
    "google_service_networking_connection": "the facts have no id; it is made of the peered network and the service",
    "google_storage_transfer_job": "the facts have no id",
}
IMPORT_ID_INCOMPLETE = {
    "google_dns_record_set": "the inventory's name has the number of the zone, and the id its name",
}
IMPORTED_OTHERWISE = {"google_resource_manager_lien": "{{parent}}/{{name}}"}
"""Types that are not imported by what the facts have as their id."""


@pytest.mark.skipif(not (FACTS / "terraform_fields.jsonl").is_file(), reason=f"no facts at {FACTS}")
def test_types_of_the_facts_without_an_import_id_are_listed_with_the_reason():
    facts = [fact for fact in read("terraform_fields.jsonl") if "iam" not in fact and fact.get("asset_type")]
    table = {type_ for _, type_, _, _ in lines()}
    assert {fact["type"] for fact in facts if fact.get("id")} - table == NO_NAME_OF_THE_INVENTORY.keys()
    assert {type_ for _, type_, _, identifier in lines() if identifier == UNKNOWN} == IMPORT_ID_UNKNOWN.keys()


def test_what_a_line_needs_besides_the_name_is_a_field_or_listed():
    for _, type_, name, identifier in lines():
        needed = set(VARIABLE.findall(identifier)) - set(VARIABLE.findall(name))
        needed -= {WHOLE.strip("{}"), UNKNOWN.strip("{}")}
        if needed and type_ not in IMPORT_ID_INCOMPLETE:
            assert needed <= set(terraform_types.of(type_).attributes), type_


def read(name):
    return [json.loads(line) for line in (FACTS / name).read_text().splitlines()]
