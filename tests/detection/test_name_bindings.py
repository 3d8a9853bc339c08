"""What the inventory names by an id of the server is judged by its declaration, sooner or later."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from setpoint.adapters.memory.store import MemoryDeadLetters, MemoryStore
from setpoint.declarations import apply
from setpoint.declarations.apply import Request
from setpoint.declarations.readers.load import LoadResult
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
    apply.sync(loaded, Request("git"), context, NOON - timedelta(days=1))
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
