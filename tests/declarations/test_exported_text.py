"""Code for what nobody declares: Terraform, Config Connector and native, each read back as what was observed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import export
from setpoint.declarations.exported_text import NO_IMPORT_ID, NO_KIND, as_text
from setpoint.declarations.readers import documents
from setpoint.declarations.readers.load import load_documents
from setpoint.detection import verdict
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
P = "projects/shop-prod"
COMPUTE = "https://www.googleapis.com/compute/v1"
RESOURCES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bucket": (
        "storage.googleapis.com/Bucket",
        "//storage.googleapis.com/exports",
        {
            "name": "exports",
            "location": "US",
            "labels": {"team": "shop"},
            "storageClass": "NEARLINE",
            "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]},
        },
    ),
    "firewall": (
        "compute.googleapis.com/Firewall",
        f"//compute.googleapis.com/{P}/global/firewalls/allow-ssh",
        {
            "name": "allow-ssh",
            "network": f"{COMPUTE}/{P}/global/networks/default",
            "allowed": [{"IPProtocol": "tcp", "ports": ["22"]}],
            "sourceRanges": ["10.0.0.0/8"],
            "priority": 900,
        },
    ),
    "key": (
        "cloudkms.googleapis.com/CryptoKey",
        f"//cloudkms.googleapis.com/{P}/locations/eu/keyRings/r/cryptoKeys/k",
        {"name": f"{P}/locations/eu/keyRings/r/cryptoKeys/k", "purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "99s"},
    ),
    "account": (
        "iam.googleapis.com/ServiceAccount",
        f"//iam.googleapis.com/{P}/serviceAccounts/robot@shop-prod.iam.gserviceaccount.com",
        {"email": "robot@shop-prod.iam.gserviceaccount.com", "displayName": "${Robot}"},
    ),
    "disk": (
        "compute.googleapis.com/Disk",
        f"//compute.googleapis.com/{P}/zones/europe-west1-b/disks/d",
        {"name": "d", "sizeGb": "20", "type": f"{COMPUTE}/{P}/zones/europe-west1-b/diskTypes/pd-ssd"},
    ),
}
IDS = {
    "bucket": ("google_storage_bucket.exports", "exports"),
    "firewall": ("google_compute_firewall.allow-ssh", f"{P}/global/firewalls/allow-ssh"),
    "key": ("google_kms_crypto_key.k_eu", f"{P}/locations/eu/keyRings/r/cryptoKeys/k"),
    "account": (
        "google_service_account.robot",
        f"{P}/serviceAccounts/robot@shop-prod.iam.gserviceaccount.com",
    ),
    "disk": ("google_compute_disk.d_europe-west1-b", f"{P}/zones/europe-west1-b/disks/d"),
}


def observed(name: str) -> Observation:
    asset_type, full_name, data = RESOURCES[name]
    return Observation(ResourceKey(full_name), asset_type, NOON, data=data, project_id="shop-prod")


def written(name: str, form: str) -> str:
    observation = observed(name)
    exported = export.export(observation, default_catalogue()).declaration
    text = as_text(exported, observation, form, default_catalogue(), "shop-prod")
    assert text.refusal == ""
    return text.text


@pytest.mark.parametrize("name", RESOURCES)
def test_terraform_imports_the_resource_and_configures_it(name):
    hcl2 = pytest.importorskip("hcl2")
    text = written(name, "terraform")
    tree = hcl2.loads(text)

    address, identifier = IDS[name]
    (block,) = tree["import"]
    assert (block["to"].strip("${}"), block["id"].strip('"')) == (address, identifier)
    terraform_type, label = address.split(".")
    (resource,) = tree["resource"]
    assert list(resource) == [f'"{terraform_type}"']
    assert "required, and not known" not in text
    assert "${Robot}" not in text.replace("$${Robot}", "")
    assert f'"{label}"' in text


@pytest.mark.parametrize("name", RESOURCES)
@pytest.mark.parametrize("form", ["krm", "native"])
def test_a_manifest_is_read_as_the_resource_without_a_difference(name, form):
    text = written(name, form)
    loaded = load_documents(documents.parse(text, "new.yaml"))
    ((declaration,),) = (several.declarations for several in loaded.desired)

    observation = observed(name)
    assert (loaded.problems, declaration.key) == ([], observation.key)
    assert verdict.differences(declaration, observation, default_catalogue()) == ()


@pytest.mark.parametrize("name", RESOURCES)
def test_config_connector_acquires_the_resource_and_never_deletes_it(name):
    text = written(name, "krm")

    own = RESOURCES[name][1].rpartition("/")[2].partition("@")[0]
    assert f"resourceID: {own}" in text
    assert "cnrm.cloud.google.com/deletion-policy: abandon" in text
    assert "cnrm.cloud.google.com/project-id: shop-prod" in text


@pytest.mark.parametrize(("form", "line"), [("krm", "  size: 20\n"), ("terraform", "= 20\n")])
def test_an_integer_that_the_api_writes_as_text_is_a_number(form, line):
    assert line in written("disk", form)


def test_a_field_is_an_integer_where_config_connector_has_one_and_the_provider_has_text():
    data = {"name": "exports", "location": "US", "retentionPolicy": {"retentionPeriod": "86400"}}
    key = ResourceKey("//storage.googleapis.com/exports")
    observation = Observation(key, "storage.googleapis.com/Bucket", NOON, data=data, project_id="shop-prod")
    exported = export.export(observation, default_catalogue()).declaration

    assert "retentionPeriod: 86400\n" in as_text(exported, observation, "krm", default_catalogue()).text
    assert 'retention_period = "86400"\n' in as_text(exported, observation, "terraform", default_catalogue()).text


def test_what_has_no_known_id_or_kind_is_said_so():
    data = {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.com"]}]}
    key = ResourceKey("//storage.googleapis.com/exports", "iam_policy")
    observation = Observation(key, "storage.googleapis.com/Bucket", NOON, data=data)
    exported = export.export(observation, default_catalogue()).declaration

    assert as_text(exported, observation, "terraform", default_catalogue()).refusal == NO_IMPORT_ID
    assert as_text(exported, observation, "krm", default_catalogue()).refusal == NO_KIND


def test_an_id_that_nobody_knows_is_to_be_filled_in_by_name():
    full_name = f"//dns.googleapis.com/{P}/locations/global/managedZones/99/rrsets/www.example.com."
    data = {"name": "www.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}
    observation = Observation(
        ResourceKey(full_name), "dns.googleapis.com/ResourceRecordSet", NOON, data=data, project_id="shop-prod"
    )
    exported = export.export(observation, default_catalogue()).declaration
    text = as_text(exported, observation, "terraform", default_catalogue()).text

    assert text.startswith("# fill in {{managed_zone}} of the id: https://registry.terraform.io/")
    assert 'id = "projects/shop-prod/managedZones/{{managed_zone}}/rrsets/www.example.com./A"' in text


def test_a_secret_is_in_no_format():
    asset_type, full_name, data = RESOURCES["bucket"]
    data = {**data, "labels": {"token": "hunter2hunter2"}}
    observation = Observation(ResourceKey(full_name), asset_type, NOON, data=data, project_id="shop-prod")
    exported = export.export(observation, default_catalogue()).declaration
    for form in ("native", "krm", "terraform"):
        assert "hunter2" not in json.dumps(as_text(exported, observation, form, default_catalogue()))
