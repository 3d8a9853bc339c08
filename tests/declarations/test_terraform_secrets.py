"""Secrets of states and plans: stored and compared by keyed digests, never in the clear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from declarations.states import state
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.masking import Masking
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers import documents
from setpoint.declarations.readers.load import LoadResult, load_documents
from setpoint.detection import pipeline, verdict
from setpoint.detection.pipeline import Context
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.secrecy import Secrecy, holds_sealed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = Secrecy(b"k" * 32)
SECRET = "correct horse"  # noqa: S105 - the secret of these tests
JOB = "google_cloud_run_v2_job"


def raw(kind: str, values: dict[str, Any], *paths: str) -> str:
    """A raw state with one resource, whose attributes at these paths are marked as sensitive."""
    marks = [[_step(part) for part in path.split(".")] for path in paths]
    block = {"type": kind, "name": "r", "values": {"project": "fleet-shop", **values}}
    document = state([block])
    [resource] = json.loads(document)["resources"]
    resource["instances"][0]["sensitive_attributes"] = marks
    return json.dumps({**json.loads(document), "resources": [resource]})


def _step(part: str) -> dict[str, Any]:
    if part.isdigit():
        return {"type": "index", "value": {"value": int(part), "type": "number"}}
    return {"type": "get_attr", "value": part}


def loaded(text: str, by: Secrecy = KEY) -> LoadResult:
    return load_documents(documents.parse_json(text, "terraform.tfstate"), secrecy=by)


def declared(text: str, by: Secrecy = KEY) -> Declaration:
    [desired] = loaded(text, by).desired
    [declaration] = desired.declarations
    return declaration


def differences(declaration: Declaration, live: Any) -> list[str]:
    observation = Observation(declaration.key, declaration.asset_type, NOON, data=live)
    return [each.path for each in all_differences(declaration, observation)]


def all_differences(declaration: Declaration, observation: Observation) -> tuple[Difference, ...]:
    return verdict.differences(declaration, observation, default_catalogue(), Masking(KEY))


def job(password: str = SECRET, mode: str = "prod") -> dict[str, Any]:
    env = [
        {"name": "DB_PASSWORD", "value": password, "value_source": []},
        {"name": "MODE", "value": mode, "value_source": []},
    ]
    containers = [{"image": "gcr.io/shop/nightly", "env": env, "name": "", "args": None}]
    return {"name": "nightly", "location": "europe-west1", "template": [{"template": [{"containers": containers}]}]}


MARK = "template.0.template.0.containers.0.env.0.value"
VALUE = "template.template.containers[0].env[name=DB_PASSWORD].value"


def live_job(password: str = SECRET, mode: str = "prod") -> dict[str, Any]:
    env = [{"name": "DB_PASSWORD", "value": password}, {"name": "MODE", "value": mode}]
    return {"template": {"template": {"containers": [{"image": "gcr.io/shop/nightly", "env": env}]}}}


def test_a_marked_value_is_stored_and_compared_as_a_digest():
    declaration = declared(raw(JOB, job(), MARK))
    assert declaration.digests == KEY.key_id()
    assert SECRET not in msgspec.json.encode(declaration).decode()
    assert declaration.unchecked == ()
    assert differences(declaration, live_job()) == []
    assert differences(declaration, live_job("hunter2")) == [VALUE]
    assert differences(declaration, live_job(mode="debug")) == [VALUE.replace("DB_PASSWORD", "MODE")]


def test_a_declaration_without_secrets_has_no_digests():
    declaration = declared(raw(JOB, job()))
    assert declaration.digests == ""
    assert not holds_sealed(declaration.data)


def test_a_text_that_looks_like_a_digest_is_a_secret_beside_one():
    text = KEY.sealed("other")
    declaration = declared(raw(JOB, job(mode=text), MARK))
    assert text not in msgspec.json.encode(declaration).decode()
    assert differences(declaration, live_job(mode=text)) == []
    assert differences(declaration, live_job(mode="other")) == [VALUE.replace("DB_PASSWORD", "MODE")]
    alone = declared(raw(JOB, job(mode=text)))
    assert differences(alone, live_job(mode=text)) == []
    assert differences(alone, live_job(mode="other")) == [VALUE.replace("DB_PASSWORD", "MODE")]


def test_the_same_state_has_the_same_digest_by_the_same_key_alone():
    texts = raw(JOB, job(), MARK)
    [first], [again], [other] = (loaded(texts, by).desired for by in (KEY, Secrecy(b"k" * 32), Secrecy(b"o" * 32)))
    assert first.digest == again.digest != other.digest


def test_a_changed_secret_is_a_changed_declaration():
    [first], [other] = (loaded(raw(JOB, job(password), MARK)).desired for password in (SECRET, "hunter2"))
    assert first.digest != other.digest


def test_entries_of_a_map_are_sealed_one_by_one():
    kind = "google_cloudfunctions_function"
    values = {"name": "f", "region": "europe-west1", "environment_variables": {"TOKEN": SECRET, "MODE": "prod"}}
    declaration = declared(raw(kind, values, "environment_variables.TOKEN"))
    env = {"TOKEN": SECRET, "MODE": "prod"}
    assert differences(declaration, {"environmentVariables": env}) == []
    assert differences(declaration, {"environmentVariables": env | {"TOKEN": "x"}}) == ["environmentVariables.TOKEN"]
    assert differences(declaration, {"environmentVariables": {"MODE": "prod"}}) == ["environmentVariables.TOKEN"]


def test_a_map_that_is_marked_whole_is_compared_whole_and_its_keys_are_not_stored():
    kind = "google_cloudfunctions_function"
    values = {"name": "f", "region": "europe-west1", "environment_variables": {"CUSTOMER_ACME": SECRET}}
    declaration = declared(raw(kind, values, "environment_variables"))
    assert "ACME" not in msgspec.json.encode(declaration).decode()
    assert differences(declaration, {"environmentVariables": {"CUSTOMER_ACME": SECRET}}) == []
    for env in ({}, {"CUSTOMER_ACME": "x"}, {"CUSTOMER_ACME": SECRET, "MORE": "1"}):
        assert differences(declaration, {"environmentVariables": env}) == ["environmentVariables"]


def test_a_map_that_others_write_to_is_unchecked_where_it_is_marked_whole():
    values = {"name": "t", "labels": {"customer": "acme"}}
    declaration = declared(raw("google_pubsub_topic", values, "labels"))
    assert "acme" not in msgspec.json.encode(declaration).decode()
    assert declaration.unchecked == ("google_pubsub_topic.r.labels",)
    assert differences(declaration, {"labels": {"other": "x"}}) == []


def test_the_entries_and_the_script_of_metadata_are_sealed():
    values = {
        "name": "vm",
        "zone": "europe-west1-b",
        "machine_type": "e2-small",
        "metadata": {"password": SECRET, "mode": "prod"},
        "metadata_startup_script": "curl -u admin",
    }
    declaration = declared(raw("google_compute_instance", values, "metadata.password", "metadata_startup_script"))
    text = msgspec.json.encode(declaration).decode()
    assert SECRET not in text
    assert "curl" not in text
    items = [
        {"key": "mode", "value": "prod"},
        {"key": "password", "value": SECRET},
        {"key": "startup-script", "value": "curl -u admin"},
    ]
    live = {"machineType": "zones/europe-west1-b/machineTypes/e2-small", "metadata": {"items": items}}
    assert differences(declaration, live) == []
    items[2]["value"] = "rm -rf /"
    assert differences(declaration, live) == ["metadata.items[key=startup-script].value"]


def test_metadata_of_a_project_is_sealed():
    declaration = declared(raw("google_compute_project_metadata", {"metadata": {"pin": SECRET}}, "metadata.pin"))
    assert SECRET not in msgspec.json.encode(declaration).decode()
    live = {"commonInstanceMetadata": {"items": [{"key": "pin", "value": SECRET}]}}
    assert differences(declaration, live) == []
    live["commonInstanceMetadata"]["items"][0]["value"] = "x"
    assert differences(declaration, live) == ["commonInstanceMetadata.items[key=pin].value"]


def test_lists_of_marked_texts_are_compared():
    values = {"name": "web", "network": "main", "source_ranges": ["10.0.0.0/8", "10.1.0.0/16"], "priority": 1000}
    declaration = declared(raw("google_compute_firewall", values, "source_ranges"))
    assert "10.0" not in msgspec.json.encode(declaration).decode()
    network = "https://www.googleapis.com/compute/v1/projects/fleet-shop/global/networks/main"
    live = {"network": network, "priority": 1000, "sourceRanges": ["10.1.0.0/16", "10.0.0.0/8"]}
    assert differences(declaration, live) == []
    assert differences(declaration, live | {"sourceRanges": ["0.0.0.0/0"]}) == ["sourceRanges"]


def test_a_secret_of_the_catalogue_is_compared_where_the_api_returns_it():
    kind = "google_identity_platform_default_supported_idp_config"
    declaration = declared(raw(kind, {"idp_id": "google.com", "client_id": "shop", "client_secret": SECRET}))
    assert SECRET not in msgspec.json.encode(declaration).decode()
    assert differences(declaration, {"clientId": "shop", "clientSecret": SECRET}) == []
    assert differences(declaration, {"clientId": "shop", "clientSecret": "hunter2"}) == ["clientSecret"]
    assert differences(declaration, {"clientId": "shop"}) == []


def test_a_secret_that_no_api_returns_is_unchecked():
    values = {"name": "main", "database_version": "MYSQL_8_0", "root_password": SECRET, "settings": []}
    declaration = declared(raw("google_sql_database_instance", values, "root_password"))
    assert SECRET not in msgspec.json.encode(declaration).decode()
    assert "google_sql_database_instance.r.root_password" in declaration.unchecked
    assert differences(declaration, {"databaseVersion": "MYSQL_8_0"}) == []


@pytest.mark.parametrize(
    ("kind", "values", "path"),
    [
        ("google_project_iam_member", {"role": "roles/viewer", "member": "user:a@shop.example"}, "member"),
        ("google_compute_router_nat", {"name": "nat", "router": "r", "region": "europe-west1"}, "name"),
        ("google_pubsub_topic", {"name": "t"}, "name"),
        ("google_storage_bucket_acl", {"bucket": "b", "role_entity": ["OWNER:a@shop.example"]}, "role_entity"),
        ("google_compute_disk", {"name": "d", "zone": "europe-west1-b", "labels": {"setpoint-owner": "x"}}, "labels"),
    ],
)
def test_any_attribute_may_be_marked(kind: str, values: dict[str, Any], path: str):
    result = loaded(raw(kind, values, path))
    text = msgspec.json.encode([desired.declarations for desired in result.desired]).decode()
    assert "shop.example" not in text
    assert not [problem for problem in result.problems if problem.category == "reader-failed"]
    assert not [problem for problem in result.problems if "SECRET" in problem.message]


def planned(kind: str, values: dict[str, Any], marks: Any, unknown: Any = None) -> str:
    """A plan that creates a resource with these marks."""
    address = f"{kind}.r"
    block = {"address": address, "mode": "managed", "type": kind, "name": "r", "provider_name": "hashicorp/google"}
    change = {"before": None, "after_sensitive": marks, "after_unknown": unknown or {}}
    return json.dumps(
        {
            "format_version": "1.2",
            "planned_values": {"root_module": {"resources": [block | {"values": values | {"project": "p-1"}}]}},
            "resource_changes": [{"address": address, "change": change}],
        }
    )


MARKS = {"template": [{"template": [{"containers": [{"env": [{"value": True}, {}]}]}]}]}


def test_a_plan_marks_secrets_too():
    declaration = declared(planned(JOB, job(), MARKS))
    assert SECRET not in msgspec.json.encode(declaration).decode()
    assert differences(declaration, live_job("hunter2")) == [VALUE]
    assert differences(declaration, live_job()) == []


def test_a_secret_that_is_known_after_apply_is_unchecked():
    values = {"name": "f", "region": "europe-west1", "environment_variables": {"A": "1"}}
    kind = "google_cloudfunctions_function"
    partly = {"environment_variables": {"B": True}}
    declaration = declared(planned(kind, values, {"environment_variables": True}, partly))
    assert declaration.unchecked == (f"{kind}.r.environment_variables",)
    assert differences(declaration, {"environmentVariables": {"C": "2"}}) == []


def test_no_warning_is_of_a_digest():
    values = {
        "name": "web",
        "direction": "INGRES",
        "network": "main",
        "source_ranges": ["10.0.0.0/80"],
        "priority": 70000,
    }
    kind = "google_compute_firewall"
    assert loaded(planned(kind, values, {})).warnings
    marks = {"direction": True, "source_ranges": True, "priority": True}
    assert not [warning for warning in loaded(planned(kind, values, marks)).warnings if "hidden" in str(warning)]
    assert not [warning for warning in loaded(planned(kind, values, marks)).warnings if "INGRES" in str(warning)]


def test_drift_of_a_secret_goes_its_whole_way_without_it():
    store, bus = MemoryStore(), MemoryBus()
    deps = Context(store, bus, MemoryDeadLetters(), default_catalogue(), lambda: NOON)
    apply.sync(loaded(raw(JOB, job(), MARK), deps.secrecy), ApplyRequest("net"), deps, NOON)
    key = declared(raw(JOB, job(), MARK)).key
    outcomes = [
        pipeline.handle_observation(
            Observation(key, "run.googleapis.com/Job", NOON.replace(minute=minute), data=live_job(password)), deps
        )
        for minute, password in ((1, SECRET), (2, "hunter2"), (3, "hunter3"), (4, SECRET))
    ]
    assert outcomes == ["in_sync", "opened", "changed", "resolved"]
    published = msgspec.json.encode([event.data for event in bus.events]).decode()
    kept = msgspec.json.encode(store.read(key)).decode()
    for text in (published, kept):
        assert SECRET not in text
        assert "hunter" not in text


def test_a_set_that_is_marked_whole_is_paired_by_digests():
    declaration = declared(raw(JOB, job(), "template.0.template.0.containers.0.env"))
    text = msgspec.json.encode(declaration).decode()
    assert SECRET not in text
    assert "DB_PASSWORD" not in text
    assert differences(declaration, live_job()) == []
    name = f"(hidden, digest {KEY.digest('DB_PASSWORD')[:4]})"
    assert differences(declaration, live_job("hunter2")) == [VALUE.replace("DB_PASSWORD", name)]


@pytest.mark.parametrize(
    ("kind", "values", "live"),
    [
        (
            "google_cloud_run_v2_service",
            {"template": [{"containers": [{"image": "i", "env": [{"name": "P", "value": "{}", "value_source": []}]}]}]},
            {"template": {"containers": [{"image": "i", "env": [{"name": "P", "value": "{}"}]}]}},
        ),
        (
            "google_cloudfunctions2_function",
            {"service_config": [{"environment_variables": {"P": "{}"}}]},
            {"serviceConfig": {"environmentVariables": {"P": "{}"}}},
        ),
        (
            "google_sql_database_instance",
            {"settings": [{"tier": "t", "user_labels": {"P": "{}"}}]},
            {"settings": {"tier": "t", "userLabels": {"P": "{}"}}},
        ),
        (
            "google_compute_instance_template",
            {"metadata": {"P": "{}"}},
            {"properties": {"metadata": {"items": [{"key": "P", "value": "{}"}]}}},
        ),
        (
            "google_pubsub_subscription",
            {"topic": "t", "push_config": [{"push_endpoint": "https://shop.example/?k={}"}]},
            {"pushConfig": {"pushEndpoint": "https://shop.example/?k={}"}},
        ),
        (
            "google_monitoring_uptime_check_config",
            {"http_check": [{"headers": {"P": "{}"}}]},
            {"httpCheck": {"headers": {"P": "{}"}}},
        ),
    ],
)
def test_a_marked_value_of_many_types_is_compared(kind: str, values: Any, live: Any):
    """The value is marked where it is, at any depth, and stays out of the declaration."""

    def filled(value: Any, text: str) -> Any:
        return json.loads(json.dumps(value).replace("{}", text))

    def places(value: Any) -> Iterator[list[Any]]:
        for step, part in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(part, str) and "{}" in part:
                yield [step]
            elif isinstance(part, dict | list):
                yield from ([step, *below] for below in places(part))

    path = ".".join(map(str, next(places(values))))
    named = {"name": "r", "location": "europe-west1", "region": "europe-west1"}
    declaration = declared(raw(kind, named | filled(values, "horse-staple"), path))
    assert "horse-staple" not in msgspec.json.encode(declaration).decode()
    marked = {each for each in declaration.unchecked if each.endswith(path.rpartition(".")[2])}
    assert not marked
    observation = Observation(declaration.key, declaration.asset_type, NOON, data=filled(live, "horse-staple"))
    before = {each.path for each in all_differences(declaration, observation)}
    after = {each.path for each in all_differences(declaration, replace(observation, data=filled(live, "x")))}
    assert len(after - before) == 1
