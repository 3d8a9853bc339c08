from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from comparison.strategies import TYPES, answered, declared, schema_of
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import Field, Schema, default_catalogue
from setpoint.comparison import iam_policies
from setpoint.declarations import export as exporting
from setpoint.declarations.apply import apply, plan
from setpoint.declarations.export import export
from setpoint.detection import auto_created_resources, pipeline
from setpoint.detection.pipeline import Context
from setpoint.model import lifecycle
from setpoint.model.declaration import Owner, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content, ResourceKey
from sizes import size

CATALOGUE = default_catalogue()
OBSERVED_AT = datetime(2025, 6, 17, 15, 35, 48, tzinfo=UTC)
MORE_TYPES = (
    *TYPES,
    "compute.googleapis.com/Instance",
    "compute.googleapis.com/SecurityPolicy",
    "compute.googleapis.com/UrlMap",
    "container.googleapis.com/NodePool",
    "cloudkms.googleapis.com/CryptoKey",
    "secretmanager.googleapis.com/Secret",
    "redis.googleapis.com/Instance",
    "iam.googleapis.com/ServiceAccount",
    "logging.googleapis.com/LogSink",
    "bigquery.googleapis.com/Dataset",
    "spanner.googleapis.com/Instance",
    "cloudfunctions.googleapis.com/Function",
    "artifactregistry.googleapis.com/Repository",
    "cloudscheduler.googleapis.com/Job",
    "cloudresourcemanager.googleapis.com/Project",
    "serviceusage.googleapis.com/Service",
)


def observed(
    data: Any, asset_type: str = "compute.googleapis.com/Firewall", content: Content = "resource", **more: Any
):
    name = more.pop("name", "//compute.googleapis.com/projects/shop-prod/global/firewalls/web")
    ancestors = ("projects/11", "organizations/1")
    return Observation(ResourceKey(name, content), asset_type, OBSERVED_AT, data=data, ancestors=ancestors, **more)


def data_of(data: Any, asset_type: str = "compute.googleapis.com/Firewall", **more: Any) -> Any:
    exported = export(observed(data, asset_type, **more), CATALOGUE).declaration
    return None if exported is None else exported.data


def reasons(data: Any, asset_type: str = "compute.googleapis.com/Firewall", **more: Any) -> dict[str, str]:
    return {note.path: note.reason for note in export(observed(data, asset_type, **more), CATALOGUE).left_out}


def outcome(observation: Observation) -> str:
    """What the event path makes of an observation that is declared by its own export."""
    exported = export(observation, CATALOGUE)
    assert exported.declaration is not None, exported.refusal
    deps = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), CATALOGUE)
    apply(plan([desired((exported.declaration,))], (), "export", deps.store), deps.store, OBSERVED_AT)
    result = pipeline.handle_observation(observation, deps)
    assert list(deps.store.states(drifted=True)) == []
    return result


@st.composite
def live(draw: st.DrawFn, schema: Schema) -> dict[str, Any]:
    """A resource as a server answers it: what was declared, zeros, defaults, and what the server alone writes."""
    rng = random.Random(draw(st.integers(0, 1000)))  # noqa: S311 - no secret
    return _with_the_servers_own(schema, answered(schema, draw(declared(schema)), rng), rng)


def _with_the_servers_own(schema: Schema, data: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    extended = {name: _inside(schema.fields.get(name), part, rng) for name, part in data.items()}
    for name, field in schema.fields.items():
        if name not in data and field.kind == "scalar" and rng.random() < 0.5:
            made = _made_by_server(field)
            if made is not None:
                extended[name] = made
    return extended


def _inside(field: Field | None, part: Any, rng: random.Random) -> Any:
    if field is None:
        return part
    if isinstance(part, dict):
        if field.schema is not None:
            return _with_the_servers_own(field.schema, part, rng)
        return {key: _inside(field.item, inner, rng) for key, inner in part.items()}
    return [_inside(field.item, inner, rng) for inner in part] if isinstance(part, list) else part


def _made_by_server(field: Field) -> Any:
    if field.output_only:
        return {"boolean": True, "integer": 7, "number": 0.5}.get(field.type, f"server-{field.name}")
    if field.input_only or field.sensitive:
        return None
    return field.zero if field.default is None else field.default


@pytest.mark.parametrize("asset_type", MORE_TYPES)
@settings(max_examples=size(10, 25), deadline=None)
@given(data=st.data())
def test_what_is_exported_is_in_sync_with_what_it_was_exported_from(asset_type: str, data: st.DataObject) -> None:
    resource = data.draw(live(schema_of(asset_type)))
    assume(not auto_created_resources.reason(observed(resource, asset_type)))
    assume(not lifecycle.is_gone(resource))
    assert outcome(observed(resource, asset_type, name="//x.googleapis.com/projects/shop-prod/things/a")) == "in_sync"


@pytest.mark.parametrize("asset_type", TYPES)
@settings(max_examples=size(10, 25), deadline=None)
@given(data=st.data())
def test_nothing_is_exported_that_the_server_alone_writes(asset_type: str, data: st.DataObject) -> None:
    schema = schema_of(asset_type)
    exported = data_of(data.draw(live(schema)), asset_type)
    assert list(_outputs(schema, exported)) == []


def _outputs(schema: Schema, data: dict[str, Any]) -> Iterator[str]:
    for name, part in data.items():
        if schema.fields[name].output_only:
            yield name
        yield from _outputs_inside(schema.fields[name], part)


def _outputs_inside(field: Field | None, part: Any) -> Iterator[str]:
    if field is not None and field.schema is not None and isinstance(part, dict):
        yield from _outputs(field.schema, part)
    elif field is not None and isinstance(part, (dict, list)):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from _outputs_inside(field.item, inner)


def test_a_person_would_have_written_it() -> None:
    data = {
        "kind": "compute#firewall",
        "id": "123",
        "name": "web",
        "selfLink": "https://www.googleapis.com/compute/v1/projects/shop-prod/global/firewalls/web",
        "creationTimestamp": "2025-06-17T15:35:48.938-07:00",
        "description": "",
        "network": "https://www.googleapis.com/compute/v1/projects/shop-prod/global/networks/main",
        "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}],
        "sourceRanges": ["0.0.0.0/0"],
        "disabled": False,
        "logConfig": {"enable": False},
        "priority": 1000,
        "direction": "INGRESS",
    }
    assert data_of(data) == {
        "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}],
        "direction": "INGRESS",
        "name": "web",
        "network": data["network"],
        "priority": 1000,
        "sourceRanges": ["0.0.0.0/0"],
    }
    assert list(data_of(data)) == sorted(data_of(data))
    assert reasons(data) == {
        "kind": exporting.SERVER,
        "id": exporting.SERVER,
        "selfLink": exporting.SERVER,
        "creationTimestamp": exporting.SERVER,
        "description": exporting.DEFAULT,
        "disabled": exporting.DEFAULT,
        "logConfig": exporting.DEFAULT,
    }


def test_an_output_only_name_is_left_out_and_a_name_that_is_an_input_kept() -> None:
    project = {"name": "projects/11", "projectId": "shop-prod", "displayName": "Shop"}
    assert data_of(project, "cloudresourcemanager.googleapis.com/Project") == {
        "displayName": "Shop",
        "projectId": "shop-prod",
    }
    assert data_of({"name": "projects/p/topics/t"}, "pubsub.googleapis.com/Topic") == {"name": "projects/p/topics/t"}


def test_fingerprints_are_left_out_at_any_depth() -> None:
    data = {"name": "a", "tags": {"items": ["web"], "fingerprint": "abc="}, "metadata": {"fingerprint": "x"}}
    assert data_of(data, "compute.googleapis.com/Instance") == {"name": "a", "tags": {"items": ["web"]}}


def test_googles_and_controllers_labels_are_left_out_and_empty_labels_kept() -> None:
    labels = {"team": "shop", "empty": "", "goog-terraform-provisioned": "true", "managed-by-cnrm": "true"}
    assert data_of({"labels": labels}, "pubsub.googleapis.com/Topic") == {"labels": {"empty": "", "team": "shop"}}
    assert reasons({"labels": labels}, "pubsub.googleapis.com/Topic") == {
        "labels.goog-terraform-provisioned": exporting.LABEL,
        "labels.managed-by-cnrm": exporting.LABEL,
    }


INSTANCE = "compute.googleapis.com/Instance"
RUN = "run.googleapis.com/Service"


@pytest.mark.parametrize(
    ("asset_type", "data", "path"),
    [
        ("sqladmin.googleapis.com/Instance", {"rootPassword": "hunter2"}, "rootPassword"),
        (INSTANCE, {"metadata": {"items": [{"key": "startup-script", "value": "hunter2"}]}}, "metadata.items[0].value"),
        (
            RUN,
            {"template": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}]}},
            "template.containers[0].env[0].value",
        ),
        (
            RUN,
            {"template": {"containers": [{"env": [{"name": "DB", "value": "postgres://a:hunter2@db/x"}]}]}},
            "template.containers[0].env[0].value",
        ),
        (
            RUN,
            {"template": {"containers": [{"args": ["--key", "-----BEGIN RSA PRIVATE KEY-----hunter2"]}]}},
            "template.containers[0].args",
        ),
        ("monitoring.googleapis.com/NotificationChannel", {"labels": {"auth_token": "hunter2"}}, "labels.auth_token"),
        ("pubsub.googleapis.com/Topic", {"kmsKeyName": "******"}, "kmsKeyName"),
    ],
)
def test_a_secret_is_never_exported_and_its_place_is_said(asset_type: str, data: Any, path: str) -> None:
    exported = export(observed(data, asset_type), CATALOGUE)
    assert exported.declaration is not None
    assert "hunter2" not in repr(exported)
    assert "***" not in repr(exported)
    assert reasons(data, asset_type)[path] == exporting.SECRET
    assert outcome(observed(data, asset_type)) == "in_sync"


def test_what_automation_moves_is_left_out() -> None:
    pool = {"name": "a", "version": "1.30.1-gke.1", "config": {"machineType": "e2-small"}, "initialNodeCount": 3}
    assert data_of(pool, "container.googleapis.com/NodePool") == {"config": {"machineType": "e2-small"}, "name": "a"}
    assert reasons(pool, "container.googleapis.com/NodePool")["version"] == exporting.MOVING


def test_a_field_that_the_api_does_not_describe_is_left_out_and_said() -> None:
    assert data_of({"name": "web", "novel": 1}) == {"name": "web"}
    assert reasons({"name": "web", "novel": 1}) == {"novel": exporting.UNKNOWN}


def test_a_long_list_keeps_its_order_and_its_elements() -> None:
    rules = [{"IPProtocol": str(number), "ports": []} for number in range(1, 100)]
    assert data_of({"name": "web", "allowed": rules})["allowed"] == [
        {"IPProtocol": str(number)} for number in range(1, 100)
    ]
    assert outcome(observed({"name": "web", "allowed": rules})) == "in_sync"


def test_what_would_not_compare_as_equal_to_itself_is_left_out_and_said(mocker: MockerFixture) -> None:
    other = export(observed({"name": "web", "priority": 1}), CATALOGUE).declaration
    assert other is not None
    judged = exporting.judging.judge(desired((other,)), Rules(), observed({"name": "web", "priority": 2}), CATALOGUE)
    mocker.patch.object(exporting.judging, "judge", return_value=judged)
    web = {"name": "web", "priority": 2}
    assert data_of(web) == {"name": "web"}
    assert reasons(web)["priority"] == exporting.UNLIKE


def test_a_long_list_with_an_element_twice_is_exported_whole() -> None:
    rules = [{"IPProtocol": str(number), "ports": []} for number in range(1, 100)]
    twice = {"name": "web", "allowed": [{"IPProtocol": "x", "ports": []}, *rules, {"IPProtocol": "x"}]}
    assert len(data_of(twice)["allowed"]) == 101
    assert outcome(observed(twice)) == "in_sync"


def test_a_zero_in_a_map_or_in_a_free_form_object_is_no_default() -> None:
    data = {"displayName": "x", "params": {"empty": "", "off": False, "many": 0, "one": 1}}
    assert data_of(data, "bigquerydatatransfer.googleapis.com/TransferConfig") == data


@pytest.mark.parametrize(
    ("observation", "refusal"),
    [
        (observed({"a": 1}, "x.googleapis.com/Unknown"), "of a type that no API schema describes"),
        (observed(None), "the inventory does not say what it is"),
        (observed({}, deleted=True), "gone"),
        (observed({}, name="//compute.googleapis.com/a b"), "its name is not a full resource name"),
        (observed({}, "run.googleapis.com/Revision"), "something that happened, not something desired"),
        (observed({"labels": {"goog-gke-node": ""}}, INSTANCE), "made by Kubernetes Engine"),
        (
            observed(
                {"metadata": {"items": [{"key": "created-by", "value": "projects/1/zones/z/instanceGroupManagers/m"}]}},
                INSTANCE,
            ),
            "made by a managed instance group",
        ),
        (observed({"nextHopPeering": "a"}, "compute.googleapis.com/Route"), "made by a network peering"),
        (observed({"keyType": "USER_MANAGED"}, "iam.googleapis.com/ServiceAccountKey"), "a credential"),
        (observed({"bindings": []}, content="iam_policy"), "holds no grants but Google's own"),
        (observed([], content="org_policy"), "sets no constraint"),
    ],
)
def test_what_nobody_would_declare_is_refused_with_the_reason(observation: Observation, refusal: str) -> None:
    exported = export(observation, CATALOGUE)
    assert (exported.declaration, exported.refusal) == (None, refusal)


AGENT = "serviceAccount:service-11@gcp-sa-pubsub.iam.gserviceaccount.com"


def test_an_iam_policy_is_exported_in_order_without_googles_own_grants() -> None:
    condition = {"title": "t", "expression": "request.time < timestamp('2026-01-01T00:00:00Z')"}
    policy = {
        "version": 3,
        "etag": "BwWKmjvelug=",
        "bindings": [
            {"role": "roles/viewer", "members": ["user:b@example.com", "group:a@example.com"]},
            {"role": "roles/pubsub.serviceAgent", "members": [AGENT]},
            {
                "role": "roles/editor",
                "members": ["user:c@example.com", "serviceAccount:11@cloudservices.gserviceaccount.com"],
            },
            {"role": "roles/editor", "members": ["user:d@example.com"], "condition": condition},
        ],
        "auditConfigs": [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}],
    }
    observation = observed(policy, content="iam_policy")
    exported = export(observation, CATALOGUE)
    assert exported.declaration is not None
    assert exported.declaration.authority == "policy"
    assert exported.declaration.data == {
        "bindings": [
            {"role": "roles/editor", "members": ["user:c@example.com"]},
            {"role": "roles/editor", "members": ["user:d@example.com"], "condition": condition},
            {"role": "roles/viewer", "members": ["group:a@example.com", "user:b@example.com"]},
        ],
        "auditConfigs": policy["auditConfigs"],
    }
    assert [note.reason for note in exported.left_out] == [exporting.GOOGLES_GRANT] * 2
    assert outcome(observation) == "in_sync"


_members = st.sampled_from(
    ["user:a@example.com", "user:A@Example.com", "allUsers", "deleted:user:b@example.com?uid=1", AGENT, "domain:x.com"]
)
_bindings = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["roles/owner", "roles/editor", "roles/pubsub.serviceAgent", "projects/p/roles/x"]),
        "members": st.lists(_members, unique=True, max_size=4),
    },
    optional={"condition": st.fixed_dictionaries({"title": st.sampled_from("ab"), "expression": st.just("true")})},
)


@given(bindings=st.lists(_bindings, max_size=5))
def test_an_exported_iam_policy_is_in_sync_and_a_new_grant_is_not(bindings: list[Any]) -> None:
    observation = observed({"bindings": bindings, "etag": "x"}, content="iam_policy")
    exported = export(observation, CATALOGUE).declaration
    if exported is not None:
        assert outcome(observation) == "in_sync"
        given_since = {"bindings": [*bindings, {"role": "roles/viewer", "members": ["user:new@example.com"]}]}
        assert len(iam_policies.compare(exported.data, given_since, exported.authority)) == 1


def test_org_policies_are_exported_by_constraint_without_what_the_server_writes() -> None:
    policies = [
        {"constraint": "constraints/b", "listPolicy": {"deniedValues": ["x"]}, "etag": "a", "updateTime": "t"},
        {"constraint": "constraints/a", "booleanPolicy": {"enforced": True}, "version": 1},
        {"constraint": "constraints/c", "restoreDefault": {}},
    ]
    observation = observed(policies, content="org_policy")
    assert export(observation, CATALOGUE).declaration.data == {
        "policies": [
            {"constraint": "constraints/a", "booleanPolicy": {"enforced": True}},
            {"constraint": "constraints/b", "listPolicy": {"deniedValues": ["x"]}},
            {"constraint": "constraints/c", "restoreDefault": {}},
        ]
    }
    assert outcome(observation) == "in_sync"


def test_a_document_reads_from_top_to_bottom() -> None:
    exported = export(observed({"name": "web"}), CATALOGUE, Owner(team="net")).declaration
    assert exported is not None
    document = exporting.document(exported, "shop-prod")
    assert document == {
        "apiVersion": "setpoint.dev/v1",
        "kind": "Declaration",
        "metadata": {"name": exported.key.name, "project": "shop-prod", "owner": {"team": "net"}},
        "spec": {"assetType": "compute.googleapis.com/Firewall", "data": {"name": "web"}},
    }
    assert list(document) == ["apiVersion", "kind", "metadata", "spec"]
    policy = export(observed({"bindings": [{"role": "r", "members": ["user:a"]}]}, content="iam_policy"), CATALOGUE)
    assert policy.declaration is not None
    assert list(exporting.document(policy.declaration)["spec"]) == ["assetType", "content", "authority", "data"]
