from __future__ import annotations

import gzip
import json

import pytest

from setpoint.catalog import name_patterns as shipped
from setpoint_tools.distil import documents, patterns


@pytest.mark.parametrize("service", ["pubsub", "dns", "container", "logging"])
def test_the_committed_file_is_what_the_documents_give(folder, service):
    committed = json.loads(gzip.decompress(shipped.FILE.read_bytes()))
    assert committed[service] == patterns.of_service(documents.read(folder, [service])[service])


def test_the_file_is_small_and_carries_no_time():
    data = shipped.FILE.read_bytes()
    assert len(data) < 50_000
    assert data[4:8] == bytes(4)


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("dns/v1/projects/{project}/managedZones/{managedZone}", "projects/*/managedZones/*"),
        ("v2/projects/{projectsId}/locations/{locationsId}/services/{servicesId}", "projects/*/locations/*/services/*"),
        ("b/{bucket}", "b/*"),
        ("v1/folders/{foldersId}/autokeyConfig", "folders/*/autokeyConfig"),
        ("v1/{+name}:export", ""),
        ("v1/status", ""),
    ],
)
def test_a_path_becomes_a_pattern(path, pattern):
    assert patterns.pattern_of(path) == pattern


def test_patterns_are_found_by_asset_type_and_schema():
    assert shipped.of("compute.googleapis.com/Firewall", "Firewall") == ("projects/*/global/firewalls/*",)
    assert shipped.of("compute.googleapis.com/Firewall", "Nothing") == ()
    assert "organizations/*/sinks/*" in shipped.of("logging.googleapis.com/LogSink", "LogSink")


def test_names_have_the_inventorys_hosts():
    assert shipped.full_name("sqladmin.googleapis.com/Instance", "projects/p/instances/i").startswith("//cloudsql.")
    assert shipped.full_name("storage.googleapis.com/Bucket", "b/exports") == "//storage.googleapis.com/exports"
