"""The client of Google's REST APIs against the fake: what it sends again, and what it makes of each answer."""

from __future__ import annotations

from typing import Any

import pytest
import requests as http
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, RefreshError
from google.auth.transport.requests import AuthorizedSession

from setpoint.adapters.google.rest import GoogleRest, RetryPolicy, session
from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.errors import AccessDenied, BadRequest, Conflict, Refused, Unavailable
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import Call, Done, Failed, Running, Started, WritePlan, Written
from setpoint.remediation import api_requests, planner
from setpoint_tools.testing.google_apis import Fault, GoogleApis

BUCKET = Declaration(
    ResourceKey("//storage.googleapis.com/billing-exports"),
    "storage.googleapis.com/Bucket",
    {"versioning": {"enabled": True}},
)
ZONE = Declaration(
    ResourceKey("//dns.googleapis.com/projects/shop-prod/managedZones/shop"),
    "dns.googleapis.com/ManagedZone",
    {"description": "the shop"},
)
TOPIC = Declaration(
    ResourceKey("//pubsub.googleapis.com/projects/shop-prod/topics/orders"),
    "pubsub.googleapis.com/Topic",
    {"messageRetentionDuration": "3600s"},
)
FIREWALL = Declaration(
    ResourceKey("//compute.googleapis.com/projects/shop-prod/global/firewalls/allow-web"),
    "compute.googleapis.com/Firewall",
    {"disabled": False, "description": "web"},
)
REDIS = Declaration(
    ResourceKey("//redis.googleapis.com/projects/shop-prod/locations/europe-west1/instances/cart"),
    "redis.googleapis.com/Instance",
    {"displayName": "cart"},
)
DATABASE = Declaration(
    ResourceKey("//cloudsql.googleapis.com/projects/shop-prod/instances/orders"),
    "sqladmin.googleapis.com/Instance",
    {"settings": {"activationPolicy": "ALWAYS"}},
)
FOLDER = Declaration(
    ResourceKey("//cloudresourcemanager.googleapis.com/folders/7"),
    "cloudresourcemanager.googleapis.com/Folder",
    {"displayName": "shop"},
)
BACKENDS = Declaration(
    ResourceKey("//compute.googleapis.com/projects/shop-prod/global/backendServices/web"),
    "compute.googleapis.com/BackendService",
    {"timeoutSec": 10},
)
TABLE = Declaration(
    ResourceKey("//bigquery.googleapis.com/projects/shop-prod/datasets/sales/tables/orders"),
    "bigquery.googleapis.com/Table",
    {"description": "all orders"},
)
SECRET = Declaration(
    ResourceKey("//secretmanager.googleapis.com/projects/shop-prod/secrets/signing"),
    "secretmanager.googleapis.com/Secret",
    {"annotations": {"owner": "web"}},
)
NODES = Declaration(
    ResourceKey("//container.googleapis.com/projects/shop-prod/zones/europe-west1-b/clusters/main/nodePools/web"),
    "container.googleapis.com/NodePool",
    {"autoscaling": {"maxNodeCount": 3}},
)


def read_call(declaration: Declaration) -> Call:
    schema = default_catalogue().schema_for(declaration.asset_type)
    assert schema is not None
    resource = planner.api_resource(declaration, schema, default_methods())
    assert resource is not None
    return api_requests.read(resource)


def plan_of(declaration: Declaration, live: Any) -> WritePlan:
    schema = default_catalogue().schema_for(declaration.asset_type)
    assert schema is not None
    resource = planner.api_resource(declaration, schema, default_methods())
    plan = planner.plan(declaration, live, schema, resource)
    assert isinstance(plan, WritePlan), plan
    return plan


def drifted(google: GoogleApis, api: GoogleRest, declaration: Declaration, live: dict[str, Any]) -> WritePlan:
    """Hold a drifted resource, read it, and plan what to do."""
    call = read_call(declaration)
    google.put(call.url, live)
    return plan_of(declaration, api.read(call))


def bucket(google: GoogleApis, api: GoogleRest) -> WritePlan:
    return drifted(google, api, BUCKET, {"name": "billing-exports", "versioning": {"enabled": False}})


def topic(google: GoogleApis, api: GoogleRest) -> WritePlan:
    return drifted(google, api, TOPIC, {"messageRetentionDuration": "7200s"})


def test_a_resource_that_is_not_there_is_none(google_rest):
    assert google_rest.read(read_call(BUCKET)) is None


def test_what_was_written_is_read(google_apis, google_rest):
    assert google_rest.write(bucket(google_apis, google_rest)) == Written()
    assert google_rest.read(read_call(BUCKET))["versioning"] == {"enabled": True}
    assert [effect.method for effect in google_apis.journal] == ["storage.buckets.patch"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_read_is_asked_again(google_apis, google_rest, status):
    google_apis.put(read_call(BUCKET).url, {"name": "x"})
    google_apis.fail(Fault(status), times=2)
    assert google_rest.read(read_call(BUCKET))["name"] == "x"
    assert len(google_apis.requests) == 3


def test_a_read_whose_answer_is_lost_is_asked_again(google_apis, google_rest):
    google_apis.put(read_call(BUCKET).url, {"name": "x"})
    google_apis.fail(Fault(lost="after"))
    assert google_rest.read(read_call(BUCKET))["name"] == "x"


def test_a_read_gives_up_in_the_end(google_apis, google_rest):
    google_apis.fail(Fault(503), times=-1)
    with pytest.raises(Unavailable):
        google_rest.read(read_call(BUCKET))
    assert len(google_apis.requests) == 4


@pytest.mark.parametrize("status", [429, 503])
def test_a_write_that_says_which_state_it_is_for_is_sent_again(google_apis, google_rest, status):
    plan = bucket(google_apis, google_rest)
    google_apis.fail(Fault(status), verb="PATCH")
    assert google_rest.write(plan) == Written()
    assert len(google_apis.journal) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_write_that_does_not_is_sent_once(google_apis, google_rest, status):
    plan = topic(google_apis, google_rest)
    assert not plan.call.guarded
    google_apis.fail(Fault(status), verb="PATCH", times=-1)
    with pytest.raises(Unavailable):
        google_rest.write(plan)
    assert sum(request.startswith("PATCH") for request in google_apis.requests) == 1


@pytest.mark.parametrize("write", [bucket, topic])
@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_write_whose_answer_is_lost_is_never_sent_again(google_apis, google_rest, write, lost):
    plan = write(google_apis, google_rest)
    google_apis.fail(Fault(lost=lost), verb="PATCH")
    with pytest.raises(Unavailable, match="may have been done"):
        google_rest.write(plan)
    assert sum(request.startswith("PATCH") for request in google_apis.requests) == 1
    assert len(google_apis.journal) == (lost == "after")


def test_a_write_that_takes_too_long_is_never_sent_again(google_apis_at):
    google, address = google_apis_at
    api = GoogleRest(http.Session(), address, RetryPolicy(call=0.3, first=0.001))
    plan = bucket(google, api)
    google.fail(Fault(delay=1), verb="PATCH")
    with pytest.raises(Unavailable, match="may have been done"):
        api.write(plan)
    assert sum(request.startswith("PATCH") for request in google.requests) == 1


def test_a_write_that_never_left_is_tried_again_and_given_up(google_apis, google_rest):
    plan = topic(google_apis, google_rest)
    nobody = GoogleRest(http.Session(), "http://127.0.0.1:9", RetryPolicy(first=0.001, tries=3))
    with pytest.raises(Unavailable, match="3 times"):
        nobody.write(plan)


@pytest.mark.parametrize(
    ("declaration", "live"),
    [
        (BUCKET, {"versioning": {"enabled": False}}),
        (BACKENDS, {"timeoutSec": 30}),
        (TABLE, {"description": "x"}),
        (SECRET, {"annotations": {"owner": "ops"}}),
        (DATABASE, {"settings": {"activationPolicy": "NEVER", "settingsVersion": "3"}}),
    ],
)
def test_a_resource_that_changed_since_it_was_read_is_not_written(google_apis, google_rest, declaration, live):
    google_apis.polls = 0
    plan = drifted(google_apis, google_rest, declaration, live)
    assert plan.call.guarded
    assert google_rest.write(plan) == Written()
    with pytest.raises(Conflict):
        google_rest.write(plan)
    assert len(google_apis.journal) == 1


@pytest.mark.parametrize("status", [409, 412])
def test_a_write_that_comes_too_late_is_a_conflict(google_apis, google_rest, status):
    plan = bucket(google_apis, google_rest)
    google_apis.fail(Fault(status), verb="PATCH")
    with pytest.raises(Conflict):
        google_rest.write(plan)


def test_a_denied_write_names_the_permission(google_apis, google_rest):
    plan = bucket(google_apis, google_rest)
    google_apis.fail(Fault(403), verb="PATCH")
    with pytest.raises(AccessDenied, match=r"grant storage\.buckets\.update") as denied:
        google_rest.write(plan)
    assert denied.value.permission == "storage.buckets.update"


def test_a_denied_read_names_the_permission(google_apis, google_rest):
    google_apis.fail(Fault(403))
    with pytest.raises(AccessDenied, match=r"storage\.buckets\.get"):
        google_rest.read(read_call(BUCKET))


def test_a_403_for_speed_is_no_denial(google_apis, google_rest):
    google_apis.put(read_call(BUCKET).url, {"name": "x"})
    google_apis.fail(Fault(403, "rateLimitExceeded"))
    assert google_rest.read(read_call(BUCKET))["name"] == "x"


def test_a_write_that_the_api_never_takes_is_refused_without_the_payload(google_apis, google_rest):
    plan = bucket(google_apis, google_rest)
    google_apis.fail(Fault(400), verb="PATCH")
    with pytest.raises(Refused) as refused:
        google_rest.write(plan)
    assert "enabled" not in str(refused.value)


@pytest.mark.parametrize(
    ("declaration", "live"),
    [
        (ZONE, {"description": "a shop", "id": "1"}),
        (FIREWALL, {"description": "db"}),
        (REDIS, {"displayName": "basket"}),
        (DATABASE, {"settings": {"activationPolicy": "NEVER", "settingsVersion": "3"}}),
        (FOLDER, {"displayName": "market"}),
        (NODES, {"autoscaling": {"maxNodeCount": 9, "minNodeCount": 1}}),
    ],
)
@pytest.mark.parametrize("error", ["", "quota exceeded"])
def test_an_operation_is_watched_to_its_end(google_apis, google_rest, declaration, live, error):
    plan = drifted(google_apis, google_rest, declaration, live)
    google_apis.fail(Fault(operation=error), path="" if error else "nothing")
    started = google_rest.write(plan)
    assert isinstance(started, Started)
    assert google_rest.operation(started) == Running()
    assert google_apis.journal == []
    ended = google_rest.operation(started)
    assert isinstance(ended, Failed if error else Done)
    assert error in getattr(ended, "reason", "")
    assert len(google_apis.journal) == (not error)


def test_an_operation_that_ends_at_once_is_a_write(google_apis, google_rest):
    google_apis.polls = 0
    assert google_rest.write(drifted(google_apis, google_rest, FIREWALL, {"description": "db"})) == Written()


def test_an_operation_that_fails_at_once_has_failed(google_apis, google_rest):
    google_apis.polls = 0
    plan = drifted(google_apis, google_rest, FIREWALL, {"description": "db"})
    google_apis.fail(Fault(operation="quota exceeded"), verb="PATCH")
    failed = google_rest.write(plan)
    assert isinstance(failed, Failed)
    assert "quota exceeded" in failed.reason
    assert google_apis.journal == []


def test_an_operation_that_nobody_knows_any_more_has_failed(google_rest):
    ended = google_rest.operation(Started("https://redis.googleapis.com/v1/projects/p/locations/l/operations/old"))
    assert isinstance(ended, Failed)


def test_a_session_without_credentials_says_what_to_do(monkeypatch):
    def missing(**_):
        raise DefaultCredentialsError("none")

    monkeypatch.setattr("google.auth.default", missing)
    with pytest.raises(BadRequest, match="service account"):
        session()


def test_credentials_that_are_not_taken_are_no_reason_to_try_again():
    class Expired(http.Session):
        def request(self, *_, **__):
            raise RefreshError("expired")

    with pytest.raises(BadRequest, match="credentials"):
        GoogleRest(Expired()).read(read_call(BUCKET))


def test_a_session_of_googles_own_client_talks_to_the_fake(google_apis_at):
    google, address = google_apis_at
    api = GoogleRest(AuthorizedSession(AnonymousCredentials()), address)
    assert api.write(bucket(google, api)) == Written()


def test_an_api_that_is_switched_off_says_how_to_switch_it_on(google_apis, google_rest):
    google_apis.fail(Fault(403, "SERVICE_DISABLED"))
    with pytest.raises(AccessDenied, match=r"gcloud services enable storage\.googleapis\.com"):
        google_rest.read(read_call(BUCKET))
