from __future__ import annotations

import copy
from typing import Any

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison import explain
from setpoint.declarations.readers import terraform, terraform_match
from setpoint.declarations.readers.documents import Document
from setpoint.declarations.readers.terraform import TerraformLoaded
from setpoint.declarations.readers.translation import Translated
from setpoint.model.references import Project
from setpoint.model.secrecy import THIS_PROCESS

GOOGLE = "registry.terraform.io/hashicorp/google"
BUCKET = {
    "name": "orders-archive",
    "location": "EU",
    "force_destroy": True,
    "timeouts": None,
    "labels": {"tier": "gold"},
    "uniform_bucket_level_access": True,
    "cors": [],
    "versioning": [{"enabled": True}],
    "lifecycle_rule": [
        {"action": [{"type": "Delete", "storage_class": None}], "condition": [{"age": 30, "with_state": "ANY"}]}
    ],
}
LIVE_BUCKET = {
    "id": "orders-archive",
    "name": "orders-archive",
    "location": "EU",
    "labels": {"tier": "gold"},
    "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}},
    "versioning": {"enabled": True},
    "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]},
    "metageneration": "3",
}


def resource(kind: str, name: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A resource as `terraform show -json` writes it."""
    return {
        "address": f"{kind}.{name}",
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider_name": GOOGLE,
        "values": values,
    } | more


def state(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"format_version": "1.0", "values": {"root_module": {"resources": list(resources)} | more}}


def plan(
    *resources: dict[str, Any],
    written: dict[str, dict[str, Any]] | None = None,
    changes: list[dict[str, Any]] | None = None,
    provider: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A plan; `written` are the author's expressions by address, without them all values are taken as written."""
    configured = [
        {"address": block["address"], "mode": block["mode"], "type": block["type"], "name": block["name"]}
        | {"provider_config_key": "google", "expressions": (written or {})[block["address"]]}
        for block in resources
        if block["address"] in (written or {})
    ]
    return {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": list(resources)}},
        "resource_changes": changes or [],
        "configuration": {
            "provider_config": {"google": {"name": "google", "expressions": provider or {}}},
            "root_module": {"resources": configured},
        },
    }


def load(value: dict[str, Any]) -> TerraformLoaded:
    return terraform.read(Document(file="plan.json", line=1, position=0, value=value, text="", text_line=1))


def only(value: dict[str, Any]) -> Translated:
    loaded = load(value)
    assert loaded.problems == []
    [translated] = loaded.translated
    return translated


def drift(translated: Translated, live: dict[str, Any]) -> dict[str, str]:
    """API path → the author's path of every difference."""
    schema = default_catalogue().fitting(translated.declaration.asset_type, live)
    own = Project("fleet-shop", "700800900100")
    declaration = translated.declaration
    explained = explain.examine(declaration.data, live, schema, own, digests=declaration.digests)
    return {difference.path: translated.declared_path(difference.path) for difference in explained.differences}


def test_a_bucket_becomes_a_declaration_in_the_apis_shape() -> None:
    translated = only(state(resource("google_storage_bucket", "archive", BUCKET)))
    assert translated.declaration.key.name == "//storage.googleapis.com/orders-archive"
    assert translated.declaration.asset_type == "storage.googleapis.com/Bucket"
    assert translated.declaration.data["lifecycle"]["rule"] == [
        {"action": {"type": "Delete", "storageClass": None}, "condition": {"age": 30, "isLive": None}}
    ]
    assert "forceDestroy" not in translated.declaration.data
    assert translated.unchecked == ()
    assert drift(translated, LIVE_BUCKET) == {}


@pytest.mark.parametrize(
    ("path", "value", "declared_path"),
    [
        (("versioning", "enabled"), False, "versioning[0].enabled"),
        (("location",), "US", "location"),
        (("labels", "tier"), "lead", "labels.tier"),
        (("iamConfiguration", "uniformBucketLevelAccess", "enabled"), False, "uniform_bucket_level_access"),
        (("lifecycle", "rule", 0, "condition", "age"), 3, "lifecycle_rule[0].condition[0].age"),
        (("lifecycle", "rule", 0, "action", "type"), "SetStorageClass", "lifecycle_rule[0].action[0].type"),
    ],
)
def test_a_changed_leaf_is_named_in_the_authors_words(
    path: tuple[str | int, ...], value: Any, declared_path: str
) -> None:
    live: Any = copy.deepcopy(LIVE_BUCKET)
    holder = live
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    differences = drift(only(state(resource("google_storage_bucket", "archive", BUCKET))), live)
    assert list(differences.values()) == [f"google_storage_bucket.archive.{declared_path}"]


def test_a_declared_true_that_is_gone_is_drift() -> None:
    live = {name: value for name, value in LIVE_BUCKET.items() if name != "versioning"}
    differences = drift(only(state(resource("google_storage_bucket", "archive", BUCKET))), live)
    assert list(differences.values()) == ["google_storage_bucket.archive.versioning[0].enabled"]


def test_what_the_provider_sends_is_declared_and_what_the_service_chooses_is_not() -> None:
    address = "google_pubsub_topic.jobs"
    values = {"name": "jobs", "project": "fleet-shop", "message_retention_duration": "600s", "labels": {"a": "b"}}
    change = {"actions": ["create"], "before": None, "after_unknown": {"kms_key_name": True, "labels": {}}}
    written = {address: {"name": {"constant_value": "jobs"}, "labels": {"constant_value": {}}}}
    topic = resource("google_pubsub_topic", "jobs", values)
    translated = only(plan(topic, written=written, changes=[{"address": address, "change": change}]))
    assert translated.declaration.data == {"labels": {"a": "b"}, "messageRetentionDuration": "600s"}
    assert translated.unchecked == ()
    assert translated.declaration.key.name == "//pubsub.googleapis.com/projects/fleet-shop/topics/jobs"


def test_what_is_known_after_apply_is_unchecked_where_the_author_wrote_it() -> None:
    address = "google_pubsub_subscription.pull"
    change = {"address": address, "change": {"actions": ["create"], "before": None}}
    change["change"]["after_unknown"] = {"topic": True, "etag": True, "push_config": [{"push_endpoint": True}]}
    written = {
        address: {
            "name": {"constant_value": "pull"},
            "topic": {"references": ["google_pubsub_topic.jobs.id"]},
            "push_config": [{"push_endpoint": {"references": ["local.url"]}}],
        }
    }
    values = {"name": "pull", "project": "fleet-shop", "push_config": [{}]}
    translated = only(plan(resource("google_pubsub_subscription", "pull", values), written=written, changes=[change]))
    assert set(translated.unchecked) == {f"{address}.topic", f"{address}.push_config"}
    assert translated.declaration.data == {}


def test_secrets_are_unchecked_and_do_not_travel() -> None:
    values = {"name": "main", "project": "fleet-shop", "database_version": "MYSQL_8_0", "root_password": "hunter2"}
    secret = resource("google_sql_database_instance", "main", values, sensitive_values={"root_password": True})
    translated = only(state(secret))
    assert "google_sql_database_instance.main.root_password" in translated.unchecked
    assert "hunter2" not in repr(translated)
    assert translated.declaration.key.name == "//cloudsql.googleapis.com/projects/fleet-shop/instances/main"


def test_a_secret_that_only_the_catalogue_knows_is_in_no_declaration() -> None:
    """The provider's schema does not mark the client's secret, and a state marks nothing."""
    values = {"idp_id": "google.com", "project": "fleet-shop", "client_id": "shop", "client_secret": "hunter2"}
    kind = "google_identity_platform_default_supported_idp_config"
    translated = only(state(resource(kind, "google", values)))
    assert "hunter2" not in repr(translated)
    assert translated.declaration.data["clientSecret"] == THIS_PROCESS.sealed("hunter2", withheld=True)
    assert drift(translated, {"clientId": "other", "clientSecret": "hunter2"}) == {
        "clientId": f"{kind}.google.client_id"
    }


def test_modules_count_and_for_each_keep_their_addresses() -> None:
    address = 'module.net["eu.west"].google_compute_network.vpc[0]'
    inner = resource("google_compute_network", "vpc", {"name": "vpc-0", "mtu": 1460}) | {"address": address, "index": 0}
    written = {"mtu": {"references": ["var.mtu"]}, "name": {"references": ["count.index"]}}
    value = plan(provider={"project": {"references": ["var.project"]}})
    value["variables"] = {"project": {"value": "fleet-shop"}}
    value["planned_values"]["root_module"]["child_modules"] = [
        {"address": 'module.net["eu.west"]', "resources": [inner]}
    ]
    value["configuration"]["root_module"]["module_calls"] = {
        "net": {
            "module": {
                "resources": [
                    {"type": "google_compute_network", "name": "vpc", "mode": "managed", "expressions": written}
                ]
            }
        }
    }
    translated = only(value)
    assert translated.declaration.key.name == "//compute.googleapis.com/projects/fleet-shop/global/networks/vpc-0"
    assert drift(translated, {"name": "vpc-0", "mtu": 1500}) == {"mtu": f"{address}.mtu"}


def test_a_plan_without_change_declares_what_is_written_and_not_what_the_service_chose() -> None:
    address = "google_compute_router.edge"
    values = {"name": "edge", "project": "fleet-shop", "region": "europe-west1", "network": "core", "description": ""}
    values |= {"bgp": [{"asn": 64514, "keepalive_interval": 20}], "md5_authentication_keys": [{"name": "k"}]}
    change = {"address": address, "change": {"actions": ["no-op"], "before": values, "after": values}}
    written = {
        address: {
            "name": {"constant_value": "edge"},
            "network": {"constant_value": "core"},
            "bgp": [{"asn": {"constant_value": 64514}}],
        }
    }
    translated = only(plan(resource("google_compute_router", "edge", values), written=written, changes=[change]))
    # What the provider sends by itself, and what is left out, is declared; what the service chose is not.
    bgp = {"asn": 64514, "keepaliveInterval": 20}
    keys = {"md5AuthenticationKeys": [{"name": "k"}]}  # not read back: compared where the API returns it
    assert translated.declaration.data == {"network": "core", "bgp": bgp, "description": None, **keys}
    assert translated.declaration.recorded == ("md5AuthenticationKeys",)


def test_other_providers_data_sources_and_parts_are_no_declarations() -> None:
    loaded = load(
        state(
            resource("random_string", "s", {}, provider_name="registry.terraform.io/hashicorp/random"),
            resource("google_storage_bucket", "d", {"name": "x"}, mode="data"),
            resource("google_sql_user", "u", {"name": "u", "instance": "i"}),
            resource("google_pubsub_topic", "b", {"name": "t", "project": "p"}, provider_name=f"{GOOGLE}-beta"),
        )
    )
    assert [mapped_one.declaration.asset_type for mapped_one in loaded.translated] == ["pubsub.googleapis.com/Topic"]
    assert loaded.skipped == {"random": 1, "google_sql_user": 1}


def test_a_name_that_nobody_knows_yet_is_a_problem_that_says_what_to_do() -> None:
    [homeless] = load(state(resource("google_pubsub_topic", "t", {"name": "t"}))).problems
    assert "project" in homeless.message
    [unborn] = load(state(resource("google_folder", "f", {"display_name": "F", "parent": "folders/1"}))).problems
    assert unborn.field == "google_folder.f"


def test_clusters_of_bigtable_are_resources_of_their_own() -> None:
    values = {
        "name": "events",
        "project": "fleet-shop",
        "cluster": [{"cluster_id": "c1", "zone": "europe-west1-b", "num_nodes": 3, "storage_type": "SSD"}],
    }
    [_, cluster] = load(state(resource("google_bigtable_instance", "events", values))).translated
    assert cluster.declaration.key.name == "//bigtable.googleapis.com/projects/fleet-shop/instances/events/clusters/c1"
    differences = drift(cluster, {"serveNodes": 5, "defaultStorageType": "SSD"})
    assert differences == {"serveNodes": "google_bigtable_instance.events.cluster[0].num_nodes"}


def test_metadata_tags_and_disks_of_an_instance_are_found_again() -> None:
    values = {
        "name": "web-1",
        "project": "fleet-shop",
        "zone": "europe-west1-b",
        "metadata": {"role": "web"},
        "tags": ["web"],
        "boot_disk": [{"auto_delete": True, "mode": "READ_WRITE"}],
        "attached_disk": [{"source": "data-1", "mode": "READ_ONLY", "device_name": "data"}],
    }
    translated = only(state(resource("google_compute_instance", "web", values)))
    live = {
        "id": "42",
        "metadata": {"items": [{"key": "role", "value": "db"}]},
        "tags": {"items": ["web", "ssh"]},
        "disks": [
            {"boot": True, "autoDelete": False, "mode": "READ_WRITE", "deviceName": "persistent-disk-0"},
            {"mode": "READ_WRITE", "deviceName": "data", "source": "projects/fleet-shop/zones/z/disks/data-1"},
        ],
    }
    assert set(drift(translated, live).values()) == {
        "google_compute_instance.web.metadata.role",
        "google_compute_instance.web.tags",
        "google_compute_instance.web.boot_disk[0].auto_delete",
        "google_compute_instance.web.attached_disk[0].mode",
    }


def test_json_in_a_string_is_compared_by_content() -> None:
    columns = '[{"name": "id", "type": "INT64"}, {"name": "at", "type": "TIMESTAMP"}]'
    values = {"dataset_id": "shop", "table_id": "orders", "project": "fleet-shop", "schema": columns}
    translated = only(state(resource("google_bigquery_table", "orders", values)))
    live = {"schema": {"fields": [{"name": "id", "type": "INTEGER"}, {"name": "at", "type": "DATE"}]}}
    assert list(drift(translated, live).values()) == ["google_bigquery_table.orders.schema[1].type"]


def test_the_resource_of_a_live_one_is_found_by_name_and_else_by_elimination() -> None:
    value = plan(
        resource("google_pubsub_topic", "a", {"name": "a"}),
        resource("google_pubsub_topic", "b", {"name": "b"}),
        resource("google_folder", "ops", {"display_name": "Ops", "parent": "organizations/5"}),
    )
    own = Project("fleet-shop", "700800900100")
    name = "//pubsub.googleapis.com/projects/700800900100/topics/b"
    [part] = terraform_match.find_parts(value, "pubsub.googleapis.com/Topic", name, own)
    assert part.prefix == "google_pubsub_topic.b"
    name = "//cloudresourcemanager.googleapis.com/folders/123"
    [part] = terraform_match.find_parts(value, "cloudresourcemanager.googleapis.com/Folder", name, own)
    assert part.prefix == "google_folder.ops"


def test_what_a_body_that_no_server_answered_lacks_is_unchecked() -> None:
    translated = only(state(resource("google_storage_bucket", "archive", BUCKET)))
    schema = default_catalogue().schema_for("storage.googleapis.com/Bucket")
    sent = {"name": "orders-archive", "location": "US"}
    assert terraform_match.is_answer(LIVE_BUCKET, schema)
    assert not terraform_match.is_answer(sent, schema)
    narrowed = terraform_match.sent(translated, sent, None)
    assert list(drift(narrowed, sent)) == ["location"]
    assert "google_storage_bucket.archive.versioning[0].enabled" in narrowed.unchecked


def test_a_plan_or_state_is_told_by_its_format_version() -> None:
    assert terraform.is_terraform(state())
    assert terraform.is_terraform(plan())
    assert not terraform.is_terraform({"kind": "Declaration", "values": {}})
    assert not terraform.is_terraform([])


def test_what_a_request_omits_gets_its_default() -> None:
    values = {"name": "t", "project": "fleet-shop", "instance_type": "PRODUCTION", "display_name": "Tables"}
    translated = only(plan(resource("google_bigtable_instance", "t", values)))
    schema = default_catalogue().schemas_for("bigtableadmin.googleapis.com/Instance")[0]
    narrowed = terraform_match.sent(translated, {"name": "t"}, schema)
    assert narrowed.declaration.data == {"type": "PRODUCTION"}
    assert narrowed.unchecked == ("google_bigtable_instance.t.display_name",)
