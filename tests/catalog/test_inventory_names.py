"""The table of inventory names: every type in both directions, and names that only the data of an asset tells."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from setpoint.catalog import inventory_names
from setpoint.model.observation import parse

WORDS = ("zones", "regions", "locations")
ZONAL = "//container.googleapis.com/projects/p/zones/europe-west1-b/clusters/shop"


def filled(form: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1]
        # Where a format has `zones/`, its placeholder may be called a location.
        if name == "zone" or form[: match.start()].endswith("/zones/"):
            return "europe-west1-b"
        if name in ("region", "location"):
            return "europe-west1"
        return "123456789012" if "number" in name else "x"

    return re.sub(r"\{%?(\w+)\}", value, form)


def formats():
    for asset_type in inventory_names.known_types():
        known = inventory_names.entry(asset_type)
        assert known is not None
        for form in known.formats:
            yield asset_type, filled(form)


FACTS = Path(os.environ.get("SETPOINT_FACTS", Path(__file__).resolve().parents[3] / "shared" / "facts"))


def test_all_types_that_google_lists_are_known():
    assert len(inventory_names.known_types()) >= 628


@pytest.mark.skipif(not (FACTS / "inventory_types.txt").is_file(), reason=f"no facts at {FACTS}")
def test_every_type_of_the_facts_is_known():
    listed = {line.partition("\t")[0] for line in (FACTS / "inventory_types.txt").read_text().splitlines() if line}
    assert sorted(listed - set(inventory_names.known_types())) == []


@pytest.mark.skipif(not (FACTS / "inventory_names.jsonl").is_file(), reason=f"no facts at {FACTS}")
def test_every_name_of_the_facts_fits_its_type_and_stays_as_it_is():
    wrong = []
    for line in (FACTS / "inventory_names.jsonl").read_text().splitlines():
        row = json.loads(line)
        for form in row["formats"]:
            name = filled(form.replace("{{", "{").replace("}}", "}").replace("{%", "{"))
            if inventory_names.inventory_name(row["asset_type"], name) != name:
                wrong.append(name)
            if not inventory_names.fits(row["asset_type"], name):
                wrong.append(f"{name} does not fit {row['asset_type']}")
    assert wrong == []


def test_a_name_of_the_inventory_stays_as_it_is_and_fits_its_type():
    wrong = [
        name
        for asset_type, name in formats()
        if inventory_names.inventory_name(asset_type, name) != name or not inventory_names.fits(asset_type, name)
    ]
    assert wrong == []


def test_a_name_with_another_word_for_its_location_becomes_that_of_the_inventory():
    wrong = []
    for asset_type, name in formats():
        place = re.search(r"\A(//[^/]+/[^/]+/[^/]+)/(zones|regions|locations)/", name)
        for word in WORDS if place else ():
            other = f"{place[1]}/{word}/{name[place.end() :]}"
            if inventory_names.inventory_name(asset_type, other) != name:
                wrong.append(other)
    assert wrong == []


@pytest.mark.parametrize(
    ("asset_type", "name", "expected"),
    [
        ("container.googleapis.com/Cluster", ZONAL.replace("zones", "locations"), ZONAL),
        ("logging.googleapis.com/LogMetric", "//logging.googleapis.com/projects/p/metrics/my%2Fmetric",
         "//logging.googleapis.com/projects/p/metrics/my/metric"),
        ("sqladmin.googleapis.com/Instance", "//sqladmin.googleapis.com/projects/p/instances/i",
         "//cloudsql.googleapis.com/projects/p/instances/i"),
        ("storage.googleapis.com/Bucket", "//storage.googleapis.com/projects/_/buckets/b",
         "//storage.googleapis.com/b"),
        ("cloudbuild.googleapis.com/BuildTrigger", "//cloudbuild.googleapis.com/projects/1/triggers/t",
         "//cloudbuild.googleapis.com/projects/1/locations/global/triggers/t"),
        ("pubsub.googleapis.com/Topic", "//pubsub.googleapis.com/projects/p/topics/a%2Fb",
         "//pubsub.googleapis.com/projects/p/topics/a%2Fb"),
    ],
)  # fmt: skip
def test_a_declared_name_becomes_that_of_the_inventory(asset_type, name, expected):
    assert inventory_names.inventory_name(asset_type, name) == expected


@pytest.mark.parametrize(
    ("asset_type", "name", "data", "expected"),
    [
        ("dns.googleapis.com/ManagedZone", "//dns.googleapis.com/projects/p/managedZones/123456789",
         {"name": "shop", "id": "123456789"}, "//dns.googleapis.com/projects/p/managedZones/shop"),
        ("iam.googleapis.com/ServiceAccount", "//iam.googleapis.com/projects/p/serviceAccounts/123456789012345678901",
         {"name": "projects/p/serviceAccounts/a@p.iam.gserviceaccount.com", "email": "a@p.iam.gserviceaccount.com"},
         "//iam.googleapis.com/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com"),
        ("iam.googleapis.com/ServiceAccountKey",
         "//iam.googleapis.com/projects/p/serviceAccounts/123456789012345678901/keys/k",
         {"name": "projects/p/serviceAccounts/a@p.iam.gserviceaccount.com/keys/k"},
         "//iam.googleapis.com/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com/keys/k"),
        ("monitoring.googleapis.com/NotificationChannel",
         "//monitoring.googleapis.com/projects/1/notificationChannels/2",
         {"name": "projects/p/notificationChannels/2"},
         "//monitoring.googleapis.com/projects/p/notificationChannels/2"),
        ("apikeys.googleapis.com/Key",
         "//apikeys.googleapis.com/projects/1/locations/global/keys/0d4f5c6a-1b2c-4d5e-8f90-a1b2c3d4e5f6",
         {"name": "projects/1/locations/global/keys/maps"},
         "//apikeys.googleapis.com/projects/1/locations/global/keys/maps"),
    ],
)  # fmt: skip
def test_the_data_of_an_asset_tells_the_name_by_which_it_is_declared(asset_type, name, data, expected):
    assert next(inventory_names.natural_names(asset_type, name, data)) == expected


def test_a_resource_that_is_named_by_its_own_name_has_no_other():
    name = "//compute.googleapis.com/projects/p/zones/europe-west1-b/disks/data"
    data = {"name": "data", "id": "123456789", "selfLink": f"https://www.googleapis.com/compute/v1/{name[25:]}"}
    assert list(inventory_names.natural_names("compute.googleapis.com/Disk", name, data)) == []


def test_an_access_level_inside_an_asset_of_the_organisation_has_its_own_name():
    level = {"name": "accessPolicies/987/accessLevels/office", "title": "Office"}
    raw = {
        "asset": {
            "name": "//cloudresourcemanager.googleapis.com/organizations/1",
            "assetType": "cloudresourcemanager.googleapis.com/Organization",
            "updateTime": "2026-03-01T12:00:00Z",
            "accessLevel": level,
        }
    }
    observation = parse(json.dumps(raw).encode())
    assert observation.key.name == "//accesscontextmanager.googleapis.com/accessPolicies/987/accessLevels/office"
    assert observation.asset_type == "accesscontextmanager.googleapis.com/AccessLevel"
