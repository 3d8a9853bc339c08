"""What the inventory names by an id of the server is judged by its declaration, sooner or later."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from setpoint.adapters.memory.store import MemoryDeadLetters, MemoryStore
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult, load
from setpoint.detection import batch, pipeline
from setpoint.detection.pipeline import Context
from setpoint.model import observation as observations
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = "iam.googleapis.com/ServiceAccount"
BY_ID = "//iam.googleapis.com/projects/fleet-prod-123/serviceAccounts/123456789012345678901"
BY_EMAIL = "//iam.googleapis.com/projects/fleet-prod-123/serviceAccounts/ci@fleet-prod-123.iam.gserviceaccount.com"
CHANNEL = "//monitoring.googleapis.com/projects/{}/notificationChannels/42424242"
ANCESTORS = ["projects/123456789012", "organizations/1"]


def message(name: str, asset_type: str, seconds: int, **content: object) -> bytes:
    time = (NOON + timedelta(seconds=seconds)).isoformat()
    asset = {"name": name, "assetType": asset_type, "updateTime": time, "ancestors": ANCESTORS, **content}
    return json.dumps({"asset": asset}).encode()


def account(seconds: int) -> bytes:
    data = {
        "name": BY_EMAIL.removeprefix("//iam.googleapis.com/"),
        "email": BY_EMAIL.rpartition("/")[2],
        "uniqueId": BY_ID.rpartition("/")[2],
    }
    return message(BY_EMAIL, ACCOUNT, seconds, resource={"data": data})


def policy(seconds: int, member: str = "user:eve@example.com") -> bytes:
    bindings = [{"role": "roles/iam.serviceAccountUser", "members": [member]}]
    return message(BY_ID, ACCOUNT, seconds, iamPolicy={"bindings": bindings})


PROJECT = message(
    "//cloudresourcemanager.googleapis.com/projects/123456789012",
    "cloudresourcemanager.googleapis.com/Project",
    0,
    resource={"data": {"projectId": "fleet-prod-123", "projectNumber": "123456789012"}},
)


@pytest.fixture
def context():
    context = Context(MemoryStore(), None, MemoryDeadLetters())
    grants = {"bindings": [{"role": "roles/iam.serviceAccountUser", "members": ["user:ann@example.com"]}]}
    declarations = (
        Declaration(ResourceKey(BY_EMAIL, "iam_policy"), ACCOUNT, grants, authority="policy", project="fleet-prod-123"),
        Declaration(
            ResourceKey(CHANNEL.format("fleet-prod-123")),
            "monitoring.googleapis.com/NotificationChannel",
            {"enabled": True},
            project="fleet-prod-123",
        ),
    )
    loaded = LoadResult([desired((declaration,)) for declaration in declarations])
    apply.sync(loaded, ApplyRequest("git"), context, NOON - timedelta(days=1))
    return context


def one_by_one(data: list[bytes], context: Context) -> list[str]:
    return [pipeline.handle_change(message, {}, context) for message in data]


def together(data: list[bytes], context: Context) -> list[str]:
    parsed = [observations.parse(message) for message in data]
    return [
        str(result) for result in batch.handle_many([observation for observation in parsed if observation], context)
    ]


def drifted(context: Context) -> list[str]:
    return [state.key.name for state in context.store.states(drifted=True)]


@pytest.mark.parametrize("handle", [one_by_one, together])
def test_a_policy_named_by_a_unique_id_is_judged_once_the_account_was_seen(context, handle):
    assert handle([account(0)], context) == ["undeclared"]
    assert handle([policy(1)], context) == ["opened"]
    assert drifted(context) == [BY_EMAIL]


@pytest.mark.parametrize("handle", [one_by_one, together])
def test_a_policy_that_comes_first_waits_and_is_judged_when_its_account_comes(context, handle):
    assert handle([policy(0)], context) == ["waiting"]
    assert drifted(context) == []
    handle([account(1)], context)
    assert drifted(context) == [BY_EMAIL]
    assert context.store.names.waiting_for(BY_ID) == []


def test_a_policy_as_declared_is_in_sync_whatever_names_it(context):
    one_by_one([account(0), policy(1, "user:ann@example.com")], context)
    assert drifted(context) == []


@pytest.mark.parametrize("handle", [one_by_one, together])
def test_what_is_named_by_an_unknown_project_number_waits_for_the_project(context, handle):
    disabled = message(
        CHANNEL.format("123456789012"),
        "monitoring.googleapis.com/NotificationChannel",
        1,
        resource={"data": {"enabled": False}},
    )
    assert handle([disabled], context) == ["waiting"]
    handle([PROJECT], context)
    assert drifted(context) == [CHANNEL.format("fleet-prod-123")]


def test_a_binding_is_written_once(context, monkeypatch):
    written = []
    monkeypatch.setattr(context.store.names, "bind", written.append)
    for seconds in range(3):
        one_by_one([account(seconds)], context)
    assert len(written) == 1


POLICY = "monitoring.googleapis.com/AlertPolicy"
NATURAL = "//monitoring.googleapis.com/projects/fleet-prod-123/alertPolicies/displayName=High~20latency"
FOLDER = "cloudresourcemanager.googleapis.com/Folder"
NATURAL_FOLDER = "//cloudresourcemanager.googleapis.com/folders/parent=organizations~2F566&displayName=Platform"


def alert(number: int, seconds: int, title: str = "High latency", **data: object) -> bytes:
    name = f"//monitoring.googleapis.com/projects/123456789012/alertPolicies/{number}"
    fields = {"name": f"projects/fleet-prod-123/alertPolicies/{number}", "displayName": title, "enabled": True, **data}
    return message(name, POLICY, seconds, resource={"data": fields})


def gone(data: bytes, seconds: int) -> bytes:
    asset = json.loads(data)["asset"]
    time = (NOON + timedelta(seconds=seconds)).isoformat()
    return json.dumps({"asset": {**asset, "updateTime": time}, "priorAsset": asset, "deleted": True}).encode()


@pytest.fixture
def by_title(context):
    declarations = (
        Declaration(ResourceKey(NATURAL), POLICY, {"displayName": "High latency", "enabled": True}),
        Declaration(ResourceKey(NATURAL_FOLDER), FOLDER, {"displayName": "Platform", "labels": {"a": "b"}}),
    )
    loaded = LoadResult([desired((declaration,)) for declaration in declarations])
    apply.sync(loaded, ApplyRequest("titles"), context, NOON - timedelta(days=1))
    return context


@pytest.mark.parametrize("handle", [one_by_one, together])
def test_a_resource_that_is_declared_by_its_display_name_is_judged_and_keeps_its_name_when_renamed(by_title, handle):
    handle([PROJECT], by_title)
    assert handle([alert(7, 1)], by_title) == ["in_sync"]
    assert handle([alert(7, 2, enabled=False)], by_title) == ["opened"]
    assert handle([alert(7, 3, "Low latency")], by_title) == ["changed"]
    (state,) = by_title.store.states(drifted=True)
    assert [difference.path for difference in state.finding.differences] == ["displayName"]
    assert state.key.name == NATURAL


@pytest.mark.parametrize("parent", ["organizations/566", {"type": "organization", "id": "566"}])
def test_a_folder_is_known_by_its_parent_and_display_name_in_any_api_version(by_title, parent):
    name = "//cloudresourcemanager.googleapis.com/folders/310987654321"
    data = {"name": "folders/310987654321", "parent": parent, "displayName": "Platform", "labels": {"a": "b"}}
    assert one_by_one([message(name, FOLDER, 1, resource={"data": data})], by_title) == ["in_sync"]
    elsewhere = {**data, "parent": "organizations/9", "name": "folders/4"}
    other = name.replace("310987654321", "4")
    assert one_by_one([message(other, FOLDER, 1, resource={"data": elsewhere})], by_title) == ["undeclared"]


@pytest.mark.parametrize("handle", [one_by_one, together])
def test_of_two_resources_with_one_natural_name_none_is_judged_until_one_is_deleted(by_title, handle):
    handle([PROJECT, alert(7, 1), alert(8, 1, enabled=False)], by_title)

    assert drifted(by_title) == []
    (holders,) = by_title.projects.names.ambiguous.values()
    assert [name.rpartition("/")[2] for name in holders] == ["7", "8"]
    assert handle([alert(7, 2, enabled=False)], by_title) == ["unreadable"]
    handle([gone(alert(8, 1), 3)], by_title)
    assert handle([alert(7, 4, enabled=False)], by_title) == ["opened"]


def test_the_names_of_a_batch_are_learnt_with_one_read_and_one_write(by_title, monkeypatch):
    names, calls = by_title.store.names, []
    read, write = names.bound_names, names.bind
    monkeypatch.setattr(names, "bound_names", lambda asked: calls.append("read") or read(asked))
    monkeypatch.setattr(names, "bind", lambda bound: calls.append("write") or write(bound))
    seen = [alert(7, 1), alert(8, 1, "Low latency"), alert(9, 1, "Errors"), account(1)]
    together([PROJECT, *seen], by_title)
    assert calls == ["read", "write"]
    together(seen, by_title)
    assert calls == ["read", "write"], "this process knows them"
    together(seen, Context(by_title.store, None, MemoryDeadLetters()))
    assert calls == ["read", "write", "read"], "the store knows them"


def test_a_name_that_is_released_and_taken_again_in_one_batch_has_one_holder(by_title):
    batch_ = [PROJECT, alert(7, 1), gone(alert(7, 1), 2), alert(8, 3, enabled=False)]
    assert together(batch_, by_title)[-1] == "opened"
    assert by_title.projects.names.ambiguous == {}


def test_a_service_account_has_no_natural_name(context):
    named = {"name": BY_EMAIL.removeprefix("//iam.googleapis.com/"), "email": "x@y", "displayName": "CI"}
    keys = [message(BY_EMAIL, ACCOUNT, 1, resource={"data": named})]
    one_by_one(keys, context)
    assert context.store.names.bound_names([f"holders of {BY_EMAIL.rpartition('/')[0]}/displayName=CI"]) == {}


def test_another_process_knows_that_a_name_is_ambiguous(by_title):
    one_by_one([PROJECT, alert(7, 1), alert(8, 1)], by_title)
    other = Context(by_title.store, None, MemoryDeadLetters())
    assert one_by_one([alert(7, 5, enabled=False)], other) == ["unreadable"]


def state_with(unique_id: str) -> dict[str, object]:
    attributes = {
        "account_id": "ci",
        "project": "fleet-prod-123",
        "email": BY_EMAIL.rpartition("/")[2],
        "name": BY_EMAIL.removeprefix("//iam.googleapis.com/"),
        "id": BY_EMAIL.removeprefix("//iam.googleapis.com/"),
        "unique_id": unique_id,
        "display_name": "ci",
        "disabled": False,
    }
    provider = 'provider["registry.terraform.io/hashicorp/google"]'
    account = {"mode": "managed", "type": "google_service_account", "name": "ci", "provider": provider}
    instances = [{"schema_version": 0, "attributes": attributes}]
    return {"version": 4, "serial": 1, "lineage": "l", "resources": [{**account, "instances": instances}]}


MANIFEST = {
    "apiVersion": "iam.cnrm.cloud.google.com/v1beta1",
    "kind": "IAMServiceAccount",
    "metadata": {"name": "ci", "namespace": "fleet-prod-123"},
    "spec": {"displayName": "ci"},
    "status": {"uniqueId": BY_ID.rpartition("/")[2]},
}


@pytest.mark.parametrize("document", [state_with(BY_ID.rpartition("/")[2]), MANIFEST], ids=["state", "status"])
def test_an_id_in_a_state_or_a_status_is_bound_when_it_is_applied(context, tmp_path, document):
    (tmp_path / "fleet.json").write_text(json.dumps(document))
    assert one_by_one([policy(0)], context) == ["waiting"]

    apply.sync(load([str(tmp_path)]), ApplyRequest("ids"), context, NOON)

    assert drifted(context) == [BY_EMAIL]
    assert one_by_one([policy(1, "user:ann@example.com")], context) == ["resolved"]


@pytest.mark.parametrize("unique_id", ["../../secrets/serviceAccounts/123456789012345678901", "ci", "", None])
def test_what_is_no_id_binds_nothing(tmp_path, unique_id):
    (tmp_path / "fleet.json").write_text(json.dumps(state_with(unique_id)))
    assert load([str(tmp_path)]).bindings == {}


def test_an_apply_does_not_bind_what_the_inventory_has_bound(context, tmp_path):
    other = BY_EMAIL.replace("/ci@", "/other@")
    one_by_one([account(0)], context)
    document = {**MANIFEST, "metadata": {"name": "other", "namespace": "fleet-prod-123"}}
    (tmp_path / "fleet.json").write_text(json.dumps(document))

    loaded = load([str(tmp_path)])
    assert loaded.bindings == {BY_ID: other}
    apply.sync(loaded, ApplyRequest("ids"), context, NOON)

    assert context.store.names.bound_names([BY_ID]) == {BY_ID: BY_EMAIL}
