from __future__ import annotations

from typing import Any

import msgspec
import pytest

from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import NotWritable, WritePlan
from setpoint.remediation import planner

BUCKET = "storage.googleapis.com/Bucket", "//storage.googleapis.com/billing-exports"
FIREWALL = "compute.googleapis.com/Firewall", "//compute.googleapis.com/projects/shop-prod/global/firewalls/allow-web"
INSTANCE = (
    "compute.googleapis.com/Instance",
    "//compute.googleapis.com/projects/shop-prod/zones/europe-west1-b/instances/web-1",
)
TOPIC = "pubsub.googleapis.com/Topic", "//pubsub.googleapis.com/projects/shop-prod/topics/orders"
SINK = "logging.googleapis.com/LogSink", "//logging.googleapis.com/projects/shop-prod/sinks/audit"
SERVICE = "run.googleapis.com/Service", "//run.googleapis.com/projects/shop-prod/locations/europe-west1/services/cart"
JOB = "run.googleapis.com/Job", "//run.googleapis.com/projects/shop-prod/locations/europe-west1/jobs/nightly"
DATABASE = "sqladmin.googleapis.com/Instance", "//cloudsql.googleapis.com/projects/shop-prod/instances/orders"
TABLE = "bigquery.googleapis.com/Table", "//bigquery.googleapis.com/projects/shop-prod/datasets/sales/tables/orders"
METRIC = "logging.googleapis.com/LogMetric", "//logging.googleapis.com/projects/shop-prod/metrics/errors"
CLUSTER = (
    "container.googleapis.com/Cluster",
    "//container.googleapis.com/projects/shop-prod/locations/europe-west1/clusters/main",
)


def planned(of: tuple[str, str], declared: Any, live: Any, **fields: Any) -> WritePlan | NotWritable:
    asset_type, name = of
    differences = fields.pop("differences", None)
    declaration = Declaration(ResourceKey(name), asset_type, declared, **fields)
    schema = default_catalogue().schema_for(asset_type)
    assert schema is not None
    resource = planner.api_resource(declaration, schema, default_methods())
    return planner.plan(declaration, live, schema, resource, differences=differences)


def sent(of: tuple[str, str], declared: Any, live: Any, **fields: Any) -> WritePlan:
    write_plan = planned(of, declared, live, **fields)
    assert isinstance(write_plan, WritePlan), write_plan
    return write_plan


def refused(of: tuple[str, str], declared: Any, live: Any, **fields: Any) -> NotWritable:
    write_plan = planned(of, declared, live, **fields)
    assert isinstance(write_plan, NotWritable), write_plan
    return write_plan


def test_a_merging_patch_sends_what_drifted_and_the_state_that_it_is_for():
    plan = sent(
        BUCKET,
        {"location": "EU", "versioning": {"enabled": True}},
        {"location": "EU", "versioning": {"enabled": False}, "storageClass": "NEARLINE", "metageneration": "7"},
    )
    assert (plan.call.method, plan.call.verb) == ("storage.buckets.patch", "PATCH")
    assert plan.call.body == {"versioning": {"enabled": True}}
    assert plan.call.query == {"ifMetagenerationMatch": "7"}
    assert plan.call.guarded
    assert plan.call.permission == "storage.buckets.update"
    assert plan.paths == ("versioning.enabled",)
    assert plan.summary == ("versioning.enabled: false -> true",)


def test_a_masked_patch_names_the_field_in_its_query():
    plan = sent(SINK, {"filter": "severity>=ERROR"}, {"filter": "", "disabled": True})
    assert plan.call.query == {"updateMask": "filter"}
    assert plan.call.body == {"filter": "severity>=ERROR"}


def test_a_wrapped_patch_names_it_in_its_body():
    plan = sent(TOPIC, {"message_retention_duration": "1h"}, {"messageRetentionDuration": "7200s"})
    assert plan.call.body == {"topic": {"messageRetentionDuration": "3600s"}, "updateMask": "messageRetentionDuration"}
    assert plan.call.query == {}


def test_a_proto_resource_carries_its_etag_beside_what_the_mask_names():
    declared = {"template": {"containers": [{"image": "eu.gcr.io/shop/cart:2"}]}}
    live = {"template": {"containers": [{"name": "cart", "image": "eu.gcr.io/shop/cart:3"}]}, "etag": "abc"}
    plan = sent(SERVICE, declared, live)
    assert plan.call.query == {"updateMask": "template.containers"}
    containers = [{"name": "cart", "image": "eu.gcr.io/shop/cart:2"}]
    assert plan.call.body == {"template": {"containers": containers}, "etag": "abc"}
    assert plan.etag == "abc"
    assert plan.call.long_running


@pytest.mark.parametrize(
    ("of", "declared", "live"),
    [
        (METRIC, {"filter": "severity>=ERROR"}, {"filter": "severity>=INFO", "name": "errors", "valueExtractor": "x"}),
        (JOB, {"launchStage": "GA"}, {"launchStage": "BETA", "etag": "a", "template": {"taskCount": 3}}),
    ],
)
def test_where_the_api_replaces_the_whole_is_sent(of, declared, live):
    plan = sent(of, declared, live)
    assert plan.call.body == {**live, **declared}
    assert "updateMask" not in plan.call.query


def test_cloud_sql_is_told_the_version_of_its_settings():
    live = {"settings": {"userLabels": {"team": "x"}, "backupConfiguration": {}, "settingsVersion": "41"}}
    plan = sent(DATABASE, {"settings": {"backupConfiguration": {"enabled": True}}}, live)
    assert plan.call.body == {"settings": {"backupConfiguration": {"enabled": True}, "settingsVersion": "41"}}
    assert plan.etag == "41"


def test_bigquery_is_told_the_etag_in_a_header():
    plan = sent(TABLE, {"description": "Orders"}, {"description": "", "etag": '"abc"'})
    assert plan.call.headers == {"If-Match": '"abc"'}


def test_labels_of_others_stay():
    live = {"labels": {"team": "ops", "cost-centre": "42", "goog-managed": "x"}, "metageneration": "1"}
    plan = sent(BUCKET, {"labels": {"team": "billing"}}, live)
    assert plan.call.body == {"labels": {"team": "billing", "cost-centre": "42", "goog-managed": "x"}}


def test_compute_engine_sets_labels_by_a_method_of_their_own_one_write_after_the_other():
    declared = {"labels": {"team": "web"}, "deletionProtection": True}
    live = {"labels": {"team": "ops", "owner": "x"}, "labelFingerprint": "fp=", "name": "web-1"}
    plan = sent(INSTANCE, declared, live)
    assert plan.call.method == "compute.instances.setLabels"
    assert plan.call.body == {"labels": {"team": "web", "owner": "x"}, "labelFingerprint": "fp="}
    assert plan.later == ("deletionProtection",)
    left = sent(INSTANCE, declared, {**live, "labels": {"team": "web", "owner": "x"}})
    assert (left.call.method, left.call.query) == (
        "compute.instances.setDeletionProtection",
        {"deletionProtection": "true"},
    )


def test_an_element_keeps_what_nobody_declares_of_it_and_others_keep_their_place():
    declared = {"allowed": [{"IPProtocol": "tcp", "ports": ["443"]}], "sourceRanges": ["10.0.0.0/8"]}
    live = {
        "allowed": [{"IPProtocol": "tcp", "ports": ["22", "443"]}],
        "sourceRanges": ["0.0.0.0/0"],
        "description": "web",
    }
    plan = sent(FIREWALL, declared, live)
    assert plan.call.body == {"allowed": declared["allowed"], "sourceRanges": ["10.0.0.0/8"]}


def test_only_unexpected_elements_that_somebody_names_are_taken_out():
    rule = {"action": {"type": "Delete"}, "condition": {"age": 30}}
    other = {"action": {"type": "SetStorageClass", "storageClass": "NEARLINE"}, "condition": {"age": 7}}
    declared, live = {"lifecycle": {"rule": [rule]}}, {"lifecycle": {"rule": [other]}}
    changed = sent(BUCKET, declared, live, differences=[Difference("lifecycle.rule[0].condition.age", "changed")])
    assert changed.call.body == {"lifecycle": {"rule": [{**other, "condition": {"age": 30}}]}}
    assert changed.summary == ("lifecycle.rule[0].condition.age: 7 -> 30",)
    both = {"lifecycle": {"rule": [rule, other]}}
    unexpected = sent(BUCKET, declared, both)
    assert unexpected.call.body == {"lifecycle": {"rule": [rule]}}


def test_an_undeclared_field_is_removed_where_the_declaration_is_exact():
    live = {"location": "EU", "defaultEventBasedHold": True, "labels": {"a": "b"}, "metageneration": "1"}
    plan = sent(BUCKET, {"location": "EU"}, live, exact=True)
    assert plan.call.body == {"defaultEventBasedHold": None, "labels": None}
    masked = sent(SINK, {"filter": "x"}, {"filter": "x", "disabled": True}, exact=True)
    assert (masked.call.query, masked.call.body) == ({"updateMask": "disabled"}, {})


def test_what_is_ignored_is_not_written():
    declared = {"labels": {"team": "a", "touched": "x"}}
    live = {"labels": {"team": "b", "touched": "y"}, "metageneration": "1"}
    plan = sent(BUCKET, declared, live, ignore=("labels.touched",))
    assert plan.call.body == {"labels": {"team": "a", "touched": "y"}}
    assert refused(BUCKET, declared, live, ignore=("labels",)).reason == "as_declared"


def test_nothing_is_planned_for_what_is_as_declared_or_is_so_again():
    live = {"versioning": {"enabled": True}}
    assert refused(BUCKET, {"versioning": {"enabled": True}}, live).reason == "as_declared"
    stale = [Difference("versioning.enabled", "changed", True, False)]
    assert refused(BUCKET, {"versioning": {"enabled": True}}, live, differences=stale).reason == "as_declared"


@pytest.mark.parametrize(
    ("of", "declared", "live", "reason"),
    [
        (BUCKET, {"location": "EU"}, {"location": "US"}, "immutable"),
        (BUCKET, {"location": "EU"}, None, "gone"),
        (INSTANCE, {"machineType": "zones/z/machineTypes/e2-small"}, {"machineType": "e2-large"}, "by_hand"),
        (INSTANCE, {"description": "web"}, {"description": "db"}, "by_hand"),
        (INSTANCE, {"zone": "europe-west1-b"}, {"zone": "us-east1-b"}, "immutable"),
        (DATABASE, {"databaseVersion": "POSTGRES_15"}, {"databaseVersion": "POSTGRES_16"}, "by_hand"),
        (CLUSTER, {"initialNodeCount": 3}, {"initialNodeCount": 1}, "no_method"),
        (
            INSTANCE,
            {"metadata": {"items": [{"key": "db-password", "value": "hunter2"}]}},
            {"metadata": {"items": [{"key": "db-password", "value": "other"}]}},
            "secret",
        ),
        (
            SERVICE,
            {
                "template": {
                    "containers": [{"name": "a", "env": [{"name": "API_KEY", "value": "AKIAABCDEFGHIJKLMNOP"}]}]
                }
            },
            {"template": {"containers": [{"name": "a"}]}},
            "secret",
        ),
    ],
)
def test_what_nobody_should_write_unasked_is_refused_with_what_to_do(of, declared, live, reason):
    refusal = refused(of, declared, live)
    assert refusal.reason == reason
    assert all(field.todo for field in refusal.fields)
    assert "hunter2" not in str(refusal)


def test_one_field_that_may_not_be_written_stops_the_others_unless_they_are_planned_alone():
    declared, live = {"location": "EU", "versioning": {"enabled": True}}, {"location": "US", "metageneration": "1"}
    refusal = refused(BUCKET, declared, live)
    assert [field.path for field in refusal.fields] == ["location", "versioning.enabled"]
    assert refusal.fields[1].todo == "it is not written either, since location is not: change both manually"
    alone = sent(BUCKET, declared, live, differences=[Difference("versioning.enabled", "missing", True)])
    assert alone.paths == ("versioning.enabled",)


def test_a_type_that_no_document_describes_is_handed_off():
    declaration = Declaration(ResourceKey("//a.googleapis.com/b"), "a.googleapis.com/B", {"c": 1})
    write_plan = planner.plan(declaration, {"c": 2}, None, None)
    assert isinstance(write_plan, NotWritable)
    assert write_plan.reason == "unread"


def test_a_rule_that_allows_all_loses_the_values_that_exclude_it():
    of = (
        "orgpolicy.googleapis.com/Policy",
        "//orgpolicy.googleapis.com/projects/shop-prod/policies/gcp.resourceLocations",
    )
    declared, live = (
        {"spec": {"rules": [{"allowAll": True}]}},
        {"spec": {"rules": [{"values": {"deniedValues": ["x"]}}]}},
    )
    assert sent(of, declared, live).call.body == {"spec": {"rules": [{"allowAll": True}]}}


def test_a_list_is_not_sent_back_where_its_secrets_are_not_read():
    of = "run.googleapis.com/Service", SERVICE[1]
    declared = {"template": {"containers": [{"name": "a", "image": "i:1"}]}}
    live = {"template": {"containers": [{"name": "a", "image": "i:2", "env": [{"name": "T", "value": "******"}]}]}}
    assert refused(of, declared, live).reason == "secret"


def test_a_write_that_is_felt_says_so():
    plan = sent(DATABASE, {"settings": {"tier": "db-g1-small"}}, {"settings": {"tier": "db-f1-micro"}})
    assert plan.side_effects == ("the instance restarts",)


def test_what_only_a_beta_knows_is_read_and_written_there():
    schema = default_catalogue().schema_for(FIREWALL[0])
    assert schema is not None
    beta = next(name for name, field in schema.fields.items() if field.beta and field.kind == "scalar")
    declaration = Declaration(ResourceKey(FIREWALL[1]), FIREWALL[0], {beta: "x"})
    resource = planner.api_resource(declaration, schema, default_methods())
    assert resource is not None
    assert resource.kind.base.endswith(("/beta/", "/alpha/"))


def test_a_plan_is_the_same_after_being_stored_and_holds_no_secret_when_it_is_shown():
    live = {
        "metadata": {
            "fingerprint": "f",
            "items": [{"key": "db-password", "value": "hunter2"}, {"key": "a", "value": "1"}],
        }
    }
    plan = sent(INSTANCE, {"metadata": {"items": [{"key": "a", "value": "2"}]}}, live, differences=changed_value())
    assert "hunter2" in str(plan.call.body)
    assert msgspec.json.decode(planner.encode(plan), type=WritePlan) == plan
    assert planner.encode(plan) == planner.encode(msgspec.json.decode(planner.encode(plan), type=WritePlan))
    schema = default_catalogue().schema_for(INSTANCE[0])
    assert schema is not None
    shown = planner.redacted(plan, schema)
    assert "hunter2" not in planner.encode(shown).decode()
    assert "(hidden, " in str(shown.call.body)


def changed_value() -> list[Difference]:
    return [Difference("metadata.items[key=a].value", "changed")]
