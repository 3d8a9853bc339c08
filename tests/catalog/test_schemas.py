from __future__ import annotations

import subprocess
import sys

import pytest

from setpoint.catalog import schema_corrections
from setpoint.catalog.schemas import Catalogue, default_catalogue, enum_zero


def field(asset_type, *path):
    schema = default_catalogue().schema_for(asset_type)
    field_ = None
    for name in path:
        field_ = schema.fields[name]
        while field_.item is not None and field_.item.kind in {"message", "list", "map"}:
            field_ = field_.item
        schema = field_.schema
    return field_


def test_a_field_says_what_its_api_says_of_it():
    priority = field("compute.googleapis.com/Firewall", "priority")
    assert (priority.kind, priority.type, priority.format, priority.zero) == ("scalar", "integer", "int32", 0)
    assert not priority.output_only
    assert field("compute.googleapis.com/Firewall", "network").reference
    assert field("compute.googleapis.com/Firewall", "name").required
    assert field("storage.googleapis.com/Bucket", "labels").item.type == "string"


@pytest.mark.parametrize(
    ("asset_type", "path", "kind", "form"),
    [
        ("compute.googleapis.com/Disk", ["sizeGb"], "integer", "int64"),
        ("pubsub.googleapis.com/Subscription", ["messageRetentionDuration"], "string", "duration"),
        ("storage.googleapis.com/Bucket", ["timeCreated"], "string", "timestamp"),
        ("secretmanager.googleapis.com/Secret", ["expireTime"], "string", "timestamp"),
        ("compute.googleapis.com/Instance", ["fingerprint"], "string", "bytes"),
        ("compute.googleapis.com/Firewall", ["direction"], "string", "enum"),
        (
            "compute.googleapis.com/Autoscaler",
            ["autoscalingPolicy", "cpuUtilization", "utilizationTarget"],
            "number",
            "double",
        ),
    ],
)
def test_formats_are_told_by_one_word(asset_type, path, kind, form):
    field_ = field(asset_type, *path)
    assert (field_.type, field_.format) == (kind, form)


@pytest.mark.parametrize(
    ("asset_type", "path"),
    [
        ("compute.googleapis.com/Instance", ["selfLink"]),  # "[Output Only]", only in the text
        ("dns.googleapis.com/ManagedZone", ["id"]),  # "(output only)", at the end of the text
        ("appengine.googleapis.com/Version", ["createTime"]),  # "@OutputOnly"
        ("storage.googleapis.com/Bucket", ["metageneration"]),  # by hand: storage marks nothing
        ("run.googleapis.com/Service", ["terminalCondition"]),
        ("cloudresourcemanager.googleapis.com/Lien", ["createTime"]),  # said by no text, the server's all the same
    ],
)
def test_what_the_server_sets_is_output_only(asset_type, path):
    assert field(asset_type, *path).output_only


@pytest.mark.parametrize(
    ("asset_type", "path"),
    [
        ("compute.googleapis.com/InterconnectAttachment", ["bandwidth"]),  # "Output only for PARTNER type"
        ("compute.googleapis.com/VpnTunnel", ["localTrafficSelector"]),  # "output only for HA VPN tunnels"
        ("spanner.googleapis.com/Instance", ["nodeCount"]),  # "treated as an OUTPUT_ONLY field" if autoscaled
        ("securesourcemanager.googleapis.com/Repository", ["instance"]),  # on one of two ways in
        ("speech.googleapis.com/PhraseSet", ["displayName"]),  # by hand
        ("container.googleapis.com/Cluster", ["network"]),
        ("compute.googleapis.com/Subnetwork", ["region"]),
    ],
)
def test_what_a_user_may_declare_is_not_output_only(asset_type, path):
    assert not field(asset_type, *path).output_only


def test_secrets_are_sensitive_and_where_they_are_kept_is_not():
    assert field("sqladmin.googleapis.com/Instance", "rootPassword").sensitive
    assert field("compute.googleapis.com/SslCertificate", "privateKey").sensitive
    assert field("compute.googleapis.com/VpnTunnel", "sharedSecret").sensitive
    assert field("monitoring.googleapis.com/UptimeCheckConfig", "httpCheck", "authInfo", "password").sensitive
    assert not field("compute.googleapis.com/VpnTunnel", "sharedSecretHash").sensitive
    assert not field("artifactregistry.googleapis.com/Repository", "kmsKeyName").sensitive
    assert not field("secretmanager.googleapis.com/Secret", "name").sensitive


def test_the_strings_of_a_list_are_references_where_the_list_says_so():
    zones = field("compute.googleapis.com/Disk", "replicaZones")
    assert zones.reference
    assert zones.item.reference
    assert not field("compute.googleapis.com/Firewall", "sourceRanges").item.reference


def test_a_beta_field_is_typed_and_marked():
    fields = default_catalogue().schema_for("container.googleapis.com/Cluster").fields
    beta = [field_ for field_ in fields.values() if field_.beta]
    assert beta
    assert not fields["name"].beta


def test_an_enum_of_a_proto_has_its_first_name_as_zero():
    assert enum_zero(("DEFAULT", "DEBUG")) == "DEFAULT"
    assert enum_zero(("KIND_UNSPECIFIED", "A")) == "KIND_UNSPECIFIED"
    assert enum_zero(("PERIODIC", "UNSPECIFIED")) == "UNSPECIFIED"
    assert field("logging.googleapis.com/LogMetric", "metricDescriptor", "valueType").zero == "VALUE_TYPE_UNSPECIFIED"


def test_a_sorted_enum_has_no_zero_unless_a_name_says_so():
    assert enum_zero(("EGRESS", "INGRESS"), alphabetical=True) is None
    assert field("compute.googleapis.com/Firewall", "direction").zero is None


def test_the_messages_own_discovery_name_decides():
    catalogue = default_catalogue()
    uri = "https://www.googleapis.com/discovery/v1/apis/run/v1/rest"
    sent = catalogue.schema_for("run.googleapis.com/Service", discovery_uri=uri, discovery_name="Service")
    assert (sent.version, sent.name) == ("v1", "Service")
    beta = "https://www.googleapis.com/discovery/v1/apis/compute/beta/rest"
    sent = catalogue.schema_for("compute.googleapis.com/Network", discovery_uri=beta, discovery_name="Network")
    assert (sent.version, sent.name) == ("v1", "Network")


def test_a_beta_schema_name_finds_the_stable_schema_it_is_folded_into():
    sent = default_catalogue().schema_for(
        "aiplatform.googleapis.com/Endpoint",
        discovery_uri="https://aiplatform.googleapis.com/$discovery/rest?version=v1beta1",
        discovery_name="GoogleCloudAiplatformV1beta1Endpoint",
    )
    assert sent.name == "GoogleCloudAiplatformV1Endpoint"


@pytest.mark.parametrize("uri", ["", "https://www.googleapis.com/discovery/v1/apis/pubsublite/admin/rest", "nonsense"])
def test_a_discovery_uri_that_resolves_nowhere_leaves_it_to_the_asset_type(uri):
    sent = default_catalogue().schema_for("pubsublite.googleapis.com/Topic", discovery_uri=uri, discovery_name="Topic")
    assert sent.name == "Topic"
    sent = default_catalogue().schema_for(
        "pubsublite.googleapis.com/Topic", discovery_uri=uri, discovery_name="Nothing"
    )
    assert sent.name == "Topic"


def test_a_declared_body_picks_the_version_it_is_written_in():
    catalogue = default_catalogue()
    knative = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {}, "spec": {}}
    assert catalogue.fitting("run.googleapis.com/Service", knative).version == "v1"
    assert catalogue.fitting("run.googleapis.com/Service", {"template": {}, "ingress": "x"}).version == "v2"
    project = {"name": "Shown", "projectId": "p", "parent": {"type": "folder", "id": "1"}}
    assert catalogue.fitting("cloudresourcemanager.googleapis.com/Project", project).version == "v1"
    assert catalogue.fitting("k8s.io/Pod", {}) is None


def test_a_recursive_schema_ends():
    schema = default_catalogue().schema_for("bigquery.googleapis.com/Table")
    fields = schema.fields["schema"].schema.fields["fields"].item.schema
    assert fields.fields["fields"].item.schema is fields


def test_a_schema_is_looked_up_once():
    catalogue = Catalogue()
    first = catalogue.schema_for("pubsub.googleapis.com/Topic")
    assert catalogue.schema_for("pubsub.googleapis.com/Topic") is first
    assert first.fields is first.fields


def test_a_field_cannot_be_changed():
    with pytest.raises(AttributeError):
        field("pubsub.googleapis.com/Topic", "name").output_only = True


def test_a_schema_has_no_other_attributes():
    schema = default_catalogue().schema_for("pubsub.googleapis.com/Topic")
    with pytest.raises(AttributeError):
        _ = schema.nothing
    assert repr(schema) == "Schema(pubsub/v1/Topic)"


def test_nothing_is_read_at_import_and_no_model_library_is_loaded():
    code = (
        "import sys, setpoint.catalog.schemas as c;"
        "assert c.default_catalogue.cache_info().currsize == 0;"
        "assert not {'pydantic', 'googleapiclient', 'gzip'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def every_schema(service):
    waiting = [line.schema(name) for line in default_catalogue()._services.of(service) for name in line._raw]
    seen = set()
    while waiting:
        schema = waiting.pop()
        if schema in seen:
            continue
        seen.add(schema)
        for field_ in schema.fields.values():
            inner = field_
            while inner.item is not None:
                inner = inner.item
            if inner.schema is not None:
                waiting.append(inner.schema)
    return seen


def test_every_correction_names_a_field_that_exists():
    for service in {correction.service for correction in schema_corrections.CORRECTIONS}:
        known = {(schema.name, name) for schema in every_schema(service) for name in schema.fields}
        for correction in schema_corrections.CORRECTIONS:
            if correction.service == service:
                assert {(correction.schema, name) for name in correction.fields.split()} <= known, correction
                assert correction.reason


def test_a_corrected_field_is_not_left_as_it_was():
    for name in ("etag", "generation", "timeCreated"):
        assert field("storage.googleapis.com/Bucket", name).output_only
    assert field("sqladmin.googleapis.com/Instance", "rootPassword").input_only
