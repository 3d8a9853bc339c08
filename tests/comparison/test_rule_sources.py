"""Each rule of a comparison names the line of a table, or the description, that it stands on."""

from __future__ import annotations

from typing import Any

from comparison.compared import explained, schema
from setpoint.comparison.rule_sources import with_sources

BUCKET = "storage.googleapis.com/Bucket"
SUBSCRIPTION = "pubsub.googleapis.com/Subscription"
PIPELINE = "clouddeploy.googleapis.com/DeliveryPipeline"
ROUND, RANDOM = ({"policy": {"name": name}} for name in ("ROUND_ROBIN", "RANDOM"))


def reasons(asset_type: str, declared: dict[str, Any], live: dict[str, Any]) -> dict[str, str]:
    result = with_sources(explained(asset_type, declared, live), schema(asset_type))
    return {note.path: note.reason for note in (*result.because, *result.notes, *result.unchecked)}


def test_a_default_of_a_description_names_its_field() -> None:
    scheduling = {"onHostMaintenance": "MIGRATE"}
    assert reasons("compute.googleapis.com/Instance", {"scheduling": scheduling}, {"scheduling": {}}) == {
        "scheduling.onHostMaintenance": (
            "default is absent (the API's description states it: compute v1, Scheduling.onHostMaintenance)"
        )
    }


def test_a_default_of_a_table_names_its_source() -> None:
    assert reasons(BUCKET, {"rpo": "DEFAULT"}, {}) == {
        "rpo": "default is absent (the default: https://cloud.google.com/storage/docs/json_api/v1/buckets)"
    }


def test_a_lost_empty_message_names_what_gives_its_absence_a_meaning() -> None:
    (reason,) = reasons(SUBSCRIPTION, {"retryPolicy": {}}, {}).values()
    assert reason.startswith("absence says something else than this value (")
    assert "Subscription.retryPolicy" in reason or "https://" in reason


def test_another_order_names_what_gives_the_order_a_meaning() -> None:
    stages = [{"targetId": "a"}, {"targetId": "b"}]
    live = {"serialPipeline": {"stages": stages[::-1]}}
    (reason,) = set(reasons(PIPELINE, {"serialPipeline": {"stages": stages}}, live).values())
    assert reason.startswith("the order of this list counts (")
    assert "https://cloud.google.com/deploy/" in reason
    policies = [ROUND, RANDOM]
    live = {"localityLbPolicies": policies[::-1]}
    (reason,) = set(reasons("compute.googleapis.com/BackendService", {"localityLbPolicies": policies}, live).values())
    assert reason.startswith("the order of this list counts (")


def test_another_value_in_a_set_names_no_order() -> None:
    assert reasons("compute.googleapis.com/Firewall", {"sourceTags": ["a", "b"]}, {"sourceTags": ["c", "b"]}) == {}


def test_a_change_that_needs_no_rule_names_none() -> None:
    assert reasons(BUCKET, {"storageClass": "STANDARD"}, {"storageClass": "NEARLINE"}) == {}
    assert reasons(BUCKET, {"labels": {"a": ""}}, {"labels": {}}) == {}


def test_an_output_names_the_description_that_calls_it_one() -> None:
    live = {"name": "a", "selfLinkWithId": "x"}
    assert reasons("compute.googleapis.com/Instance", {"cpuPlatform": "x"}, live | {"cpuPlatform": "y"}) == {
        "cpuPlatform": "written by the server alone (the API's description: compute v1, Instance.cpuPlatform)"
    }


def test_a_type_without_a_schema_keeps_its_reasons() -> None:
    result = explained("", {"a": "1h"}, {"a": "3600s"})
    assert with_sources(result, None) == result
