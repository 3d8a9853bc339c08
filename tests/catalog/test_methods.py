from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from catalog.test_asset_types import published
from setpoint.catalog.methods import ApiResource, default_methods
from setpoint.catalog.permissions import permission
from setpoint.catalog.schemas import default_catalogue
from setpoint.remediation import api_requests, iam_planner
from setpoint.remediation.manual_only_fields import not_written_whole
from setpoint.remediation.setter_methods import SPECIAL

NAMES = {
    ("compute.googleapis.com/Instance", "//compute.googleapis.com/projects/p/zones/z/instances/i"): (
        "https://compute.googleapis.com/compute/v1/projects/p/zones/z/instances/i"
    ),
    ("compute.googleapis.com/GlobalAddress", "//compute.googleapis.com/projects/p/global/addresses/a"): (
        "https://compute.googleapis.com/compute/v1/projects/p/global/addresses/a"
    ),
    ("storage.googleapis.com/Bucket", "//storage.googleapis.com/exports"): (
        "https://storage.googleapis.com/storage/v1/b/exports"
    ),
    ("sqladmin.googleapis.com/Instance", "//cloudsql.googleapis.com/projects/p/instances/i"): (
        "https://sqladmin.googleapis.com/v1/projects/p/instances/i"
    ),
    ("bigquery.googleapis.com/Table", "//bigquery.googleapis.com/projects/p/datasets/d/tables/t"): (
        "https://bigquery.googleapis.com/bigquery/v2/projects/p/datasets/d/tables/t"
    ),
    ("dns.googleapis.com/ManagedZone", "//dns.googleapis.com/projects/p/managedZones/7"): (
        "https://dns.googleapis.com/dns/v1/projects/p/managedZones/7"
    ),
    ("container.googleapis.com/Cluster", "//container.googleapis.com/projects/p/zones/z/clusters/c"): (
        "https://container.googleapis.com/v1/projects/p/locations/z/clusters/c"
    ),
    ("cloudresourcemanager.googleapis.com/Project", "//cloudresourcemanager.googleapis.com/projects/p"): (
        "https://cloudresourcemanager.googleapis.com/v3/projects/p"
    ),
    ("iam.googleapis.com/ServiceAccount", "//iam.googleapis.com/projects/p/serviceAccounts/7"): (
        "https://iam.googleapis.com/v1/projects/p/serviceAccounts/7"
    ),
    ("run.googleapis.com/Service", "//run.googleapis.com/projects/p/locations/l/services/s"): (
        "https://run.googleapis.com/v2/projects/p/locations/l/services/s"
    ),
    ("logging.googleapis.com/LogSink", "//logging.googleapis.com/organizations/1/sinks/s"): (
        "https://logging.googleapis.com/v2/organizations/1/sinks/s"
    ),
    ("pubsub.googleapis.com/Topic", "//pubsub.googleapis.com/projects/p/topics/t"): (
        "https://pubsub.googleapis.com/v1/projects/p/topics/t"
    ),
    ("spanner.googleapis.com/Instance", "//spanner.googleapis.com/projects/p/instances/i"): (
        "https://spanner.googleapis.com/v1/projects/p/instances/i"
    ),
}


def resource(asset_type: str, name: str) -> ApiResource | None:
    schema = default_catalogue().schema_for(asset_type)
    assert schema is not None
    return default_methods().resource(name, schema)


@pytest.mark.parametrize(("asset_type", "name"), list(NAMES))
def test_a_full_resource_name_leads_to_where_its_api_serves_it(asset_type, name):
    resource_ = resource(asset_type, name)
    assert resource_ is not None
    assert api_requests.read(resource_).url == NAMES[asset_type, name]


def test_a_name_of_another_kind_leads_nowhere():
    assert resource("compute.googleapis.com/Firewall", "//compute.googleapis.com/projects/p/zones/z/disks/d") is None
    assert resource("compute.googleapis.com/Firewall", "projects/p/global/firewalls/f") is None


def test_nearly_every_published_type_can_be_read_and_most_can_be_written():
    counted: Counter[str] = Counter()
    for asset_type in published():
        schemas = default_catalogue().schemas_for(asset_type)
        kinds = [kind for schema in schemas for kind in default_methods().kinds(schema)]
        by_special = {(setter.service, setter.schema) for setter in SPECIAL}
        counted["types"] += 1
        counted["read"] += bool(kinds)
        general = not any(not_written_whole(schema.service, schema.name) for schema in schemas)
        counted["written"] += any((general and kind.writer) or "setLabels" in kind.methods for kind in kinds) or any(
            (schema.service, schema.name) in by_special for schema in schemas
        )
    assert counted == {"types": 630, "read": 619, "written": 504}


def test_every_field_with_a_method_of_its_own_has_it():
    for setter in SPECIAL:
        kinds = [
            kind
            for asset_type in published()
            for schema in default_catalogue().schemas_for(asset_type)
            if (schema.service, schema.name) == (setter.service, setter.schema)
            for kind in default_methods().kinds(schema)
        ]
        assert any(setter.method in kind.methods for kind in kinds), setter


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("compute.firewalls.patch", "compute.firewalls.update"),
        ("compute.instances.setLabels", "compute.instances.setLabels"),
        ("storage.buckets.patch", "storage.buckets.update"),
        ("storage.buckets.setIamPolicy", "storage.buckets.setIamPolicy"),
        ("sql.instances.patch", "cloudsql.instances.update"),
        ("cloudresourcemanager.projects.get", "resourcemanager.projects.get"),
        ("cloudkms.projects.locations.keyRings.cryptoKeys.patch", "cloudkms.cryptoKeys.update"),
        ("container.projects.locations.clusters.nodePools.setAutoscaling", "container.clusters.update"),
        ("pubsub.projects.topics.patch", "pubsub.topics.update"),
    ],
)
def test_a_method_asks_for_a_permission(method, asked):
    assert permission(method) == asked


def test_a_policy_is_read_with_its_conditions():
    bucket = resource("storage.googleapis.com/Bucket", "//storage.googleapis.com/exports")
    assert bucket is not None
    call = iam_planner.read(bucket)
    assert call is not None
    assert (call.verb, call.query) == ("GET", {"optionsRequestedPolicyVersion": "3"})
    project = resource(
        "cloudresourcemanager.googleapis.com/Project", "//cloudresourcemanager.googleapis.com/projects/p"
    )
    assert project is not None
    asked = iam_planner.read(project)
    assert asked is not None
    assert asked.body == {"options": {"requestedPolicyVersion": 3}}


def test_importing_the_planner_and_the_client_opens_nothing_and_asks_for_no_credentials():
    code = (
        "import builtins, socket, google.auth;"
        "google.auth.default = socket.create_connection = None;"
        "opened = [];"
        "was = builtins.open; builtins.open = lambda *a, **k: opened.append(a[0]) or was(*a, **k);"
        "import setpoint.remediation.planner, setpoint.adapters.google.rest;"
        "assert not [one for one in opened if str(one).endswith('.json.gz')], opened"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=240)
