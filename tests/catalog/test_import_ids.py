"""The ids by which Terraform imports resources, by their full resource names."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from setpoint.catalog.import_ids import WHOLE, filled, import_ids, lines

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


def read(name):
    return [json.loads(line) for line in (FACTS / name).read_text().splitlines()]
