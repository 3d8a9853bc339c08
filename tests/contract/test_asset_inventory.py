from __future__ import annotations

import time
from datetime import UTC, datetime

import grpc
import pytest
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.asset_v1 import AssetServiceClient, BatchGetAssetsHistoryRequest, ContentType, TimeWindow

from setpoint.adapters.google.asset_inventory import AssetInventory, QuotaRetryPolicy, client
from setpoint.errors import BadRequest, ScopeDenied, Unavailable

PROJECT = "projects/20318464073"
FOLDER = "folders/918177713511"
ORGANIZATION = "organizations/566099688680"
BUCKET = "storage.googleapis.com/Bucket"
TOPIC = "pubsub.googleapis.com/Topic"
QUICK = QuotaRetryPolicy(first=0.001, first_of_quota=0.001, longest=0.01, in_all=0.5, call=5)


def asset(name, asset_type=BUCKET, ancestors=(PROJECT, FOLDER, ORGANIZATION), data=None, **more):
    return {
        "name": name,
        "assetType": asset_type,
        "ancestors": list(ancestors),
        "updateTime": "2025-06-17T15:35:48.938746Z",
        "resource": {"version": "v1", "data": data or {}},
        **more,
    }


@pytest.fixture
def inventory(asset_service):
    return AssetInventory(asset_service.client(), QUICK, page_size=10)


@pytest.fixture
def buckets(asset_service):
    for number in range(25):
        asset_service.put(asset(f"//storage.googleapis.com/bucket-{number:02}"))


def names(pages):
    return [observation.key.name.rpartition("/")[2] for page in pages for observation in page.observations]


def listed(inventory, scope=ORGANIZATION, content="resource", types=()):
    return names(inventory.pages(scope, content, types))


@pytest.mark.usefixtures("buckets")
def test_all_pages_of_a_listing_are_read_each_once(asset_service, inventory) -> None:
    assert listed(inventory) == [f"bucket-{number:02}" for number in range(25)]
    assert [request.page_size for request in asset_service.requests] == [10, 10, 10]


@pytest.mark.usefixtures("buckets")
def test_a_page_is_asked_for_only_when_the_one_before_is_done(asset_service, inventory) -> None:
    pages = inventory.pages(ORGANIZATION, "resource")
    next(pages)
    assert len(asset_service.requests) == 1


@pytest.mark.usefixtures("buckets")
def test_pages_have_a_thousand_assets_unless_told_otherwise(asset_service) -> None:
    assert len(listed(AssetInventory(client(), QUICK))) == 25
    assert asset_service.requests[0].page_size == 1000


@pytest.mark.usefixtures("buckets")
def test_a_listing_goes_on_from_the_token_of_its_last_page(inventory) -> None:
    first = next(inventory.pages(ORGANIZATION, "resource"))
    rest = names(inventory.pages(ORGANIZATION, "resource", page_token=first.next_token))
    assert names([first]) + rest == [f"bucket-{number:02}" for number in range(25)]


@pytest.mark.usefixtures("buckets")
def test_the_last_page_leads_nowhere(inventory) -> None:
    assert [bool(page.next_token) for page in inventory.pages(ORGANIZATION, "resource")] == [True, True, False]


@pytest.mark.usefixtures("buckets")
def test_a_page_says_of_which_moment_the_listing_is(inventory) -> None:
    page = next(inventory.pages(ORGANIZATION, "resource"))
    assert abs((page.read_at - datetime.now(UTC)).total_seconds()) < 60


def test_an_observation_is_what_a_feed_would_have_told(asset_service, inventory) -> None:
    data = {"name": "b", "size": "10", "age": 5, "ratio": 0.5, "big": 1e20, "on": True, "rules": [{"n": 1}, None]}
    described = {"discoveryDocumentUri": "https://x/v1/rest", "discoveryName": "Bucket", "location": "eu", "data": data}
    asset_service.put({**asset("//storage.googleapis.com/b"), "resource": described})
    ((observation,),) = [page.observations for page in inventory.pages(ORGANIZATION, "resource")]
    assert (observation.key.name, observation.key.content, observation.asset_type) == (
        "//storage.googleapis.com/b",
        "resource",
        BUCKET,
    )
    assert observation.data == data
    assert isinstance(observation.data["age"], int)
    assert isinstance(observation.data["rules"][0]["n"], int)
    assert observation.observed_at == datetime(2025, 6, 17, 15, 35, 48, 938746, tzinfo=UTC)
    assert observation.ancestors == (PROJECT, FOLDER, ORGANIZATION)
    assert (observation.discovery_uri, observation.discovery_name, observation.location) == (
        "https://x/v1/rest",
        "Bucket",
        "eu",
    )
    assert not observation.deleted


def test_a_resource_without_data_is_told_as_that(asset_service, inventory) -> None:
    asset_service.put({**asset("//storage.googleapis.com/b"), "resource": {"version": "v1"}})
    (page,) = inventory.pages(ORGANIZATION, "resource")
    assert page.observations[0].data is None


def test_iam_policies_come_as_a_feed_sends_them_and_only_where_there_are_some(asset_service, inventory) -> None:
    bindings = [
        {
            "role": "roles/viewer",
            "members": ["user:a@example.com"],
            "condition": {"title": "t", "expression": "true"},
        }
    ]
    audited = [{"service": "allServices", "auditLogConfigs": [{"logType": "DATA_READ"}]}]
    policy = {"bindings": bindings, "auditConfigs": audited, "etag": "BwWKmjvelug=", "version": 3}
    asset_service.put(asset("//storage.googleapis.com/a", iamPolicy=policy))
    asset_service.put(asset("//storage.googleapis.com/b"))
    (page,) = inventory.pages(ORGANIZATION, "iam_policy")
    (observation,) = page.observations
    assert observation.key.content == "iam_policy"
    assert observation.data == policy


def test_org_policies_come_as_a_feed_sends_them(asset_service, inventory) -> None:
    policies = [
        {"constraint": "constraints/a", "booleanPolicy": {"enforced": True}, "etag": "BwWKmjvelug="},
        {"constraint": "constraints/b", "listPolicy": {"deniedValues": ["x"], "allValues": "DENY"}},
    ]
    asset_service.put(asset("//cloudresourcemanager.googleapis.com/projects/1", orgPolicy=policies))
    (page,) = inventory.pages(ORGANIZATION, "org_policy")
    assert page.observations[0].data == policies


def test_a_scope_is_an_organisation_a_folder_or_a_project_by_number_or_id(asset_service, inventory) -> None:
    asset_service.put(asset("//pubsub.googleapis.com/projects/shop/topics/a", TOPIC, ("projects/1", ORGANIZATION)))
    asset_service.put(asset("//storage.googleapis.com/b", ancestors=("projects/1", ORGANIZATION)))
    asset_service.put(asset("//storage.googleapis.com/c", ancestors=("projects/2", "folders/7", ORGANIZATION)))
    assert listed(inventory, ORGANIZATION) == ["a", "b", "c"]
    assert listed(inventory, "folders/7") == ["c"]
    assert listed(inventory, "projects/1") == listed(inventory, "projects/shop") == ["a", "b"]
    with pytest.raises(ScopeDenied):
        listed(inventory, "projects/other")


def test_types_are_named_or_matched_whole_by_an_expression(asset_service, inventory) -> None:
    asset_service.put(asset("//x/topic", TOPIC))
    asset_service.put(asset("//x/bucket", BUCKET))
    asset_service.put(asset("//x/job", "run.googleapis.com/Job"))
    assert listed(inventory, types=[TOPIC, BUCKET]) == ["topic", "bucket"]
    assert listed(inventory, types=["run.googleapis.com.*"]) == ["job"]
    assert listed(inventory, types=[".*Bucket"]) == ["bucket"]
    with pytest.raises(BadRequest, match="No supported asset type"):
        listed(inventory, types=["Bucket.*"])


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
@pytest.mark.usefixtures("buckets")
def test_a_passing_fault_costs_nothing_but_time(asset_service, inventory, code) -> None:
    asset_service.fail(code, times=3, page=1)
    assert listed(inventory) == [f"bucket-{number:02}" for number in range(25)]
    assert len(asset_service.requests) == 6


@pytest.mark.usefixtures("buckets")
def test_a_fault_that_does_not_pass_ends_the_listing_and_another_takes_it_up(asset_service, inventory) -> None:
    asset_service.fail(grpc.StatusCode.UNAVAILABLE, times=10_000, page=2)
    pages = inventory.pages(ORGANIZATION, "resource")
    seen = [next(pages), next(pages)]
    with pytest.raises(Unavailable, match=r"organizations/566099688680 cannot be listed: ServiceUnavailable.*later"):
        next(pages)
    assert len(names(seen)) == 20
    asset_service.faults.clear()
    rest = names(inventory.pages(ORGANIZATION, "resource", page_token=seen[-1].next_token))
    assert names(seen) + rest == [f"bucket-{number:02}" for number in range(25)]


@pytest.mark.usefixtures("buckets")
def test_a_quota_is_waited_for_longer_than_an_outage(asset_service) -> None:
    retries = QuotaRetryPolicy(first=0.001, first_of_quota=0.2, in_all=5)
    asset_service.fail(grpc.StatusCode.RESOURCE_EXHAUSTED)
    started = time.monotonic()
    listed(AssetInventory(client(), retries))
    assert time.monotonic() - started >= 0.1


@pytest.mark.usefixtures("buckets")
def test_a_page_that_does_not_come_in_time_is_asked_for_again(asset_service) -> None:
    asset_service.pause = 0.4
    inventory = AssetInventory(client(), QuotaRetryPolicy(first=0.001, longest=0.01, in_all=0.3, call=0.1))
    with pytest.raises(Unavailable, match="DeadlineExceeded"):
        listed(inventory)
    assert len(asset_service.requests) > 1


@pytest.mark.usefixtures("buckets")
def test_an_expired_token_says_to_begin_anew(asset_service, inventory) -> None:
    first = next(inventory.pages(ORGANIZATION, "resource"))
    asset_service.expire_tokens()
    with pytest.raises(Unavailable, match="page token has expired; start the listing again"):
        next(inventory.pages(ORGANIZATION, "resource", page_token=first.next_token))


@pytest.mark.usefixtures("buckets")
def test_a_token_is_of_one_listing_only(inventory) -> None:
    first = next(inventory.pages(ORGANIZATION, "resource"))
    with pytest.raises(Unavailable):
        next(inventory.pages(ORGANIZATION, "iam_policy", page_token=first.next_token))


@pytest.mark.usefixtures("buckets")
def test_a_scope_that_may_not_be_listed_is_named_with_the_role_to_grant(asset_service, inventory) -> None:
    asset_service.deny(PROJECT)
    with pytest.raises(
        ScopeDenied, match=rf"{PROJECT}: no permission to list it; grant roles/cloudasset.viewer"
    ) as caught:
        listed(inventory, PROJECT)
    assert caught.value.scope == PROJECT
    assert len(listed(inventory, FOLDER)) == 25
    asset_service.allow(PROJECT)
    assert len(listed(inventory, PROJECT)) == 25


@pytest.mark.usefixtures("buckets")
def test_an_inventory_that_is_switched_off_is_told_apart_from_a_missing_role(asset_service, inventory) -> None:
    asset_service.disable(PROJECT)
    with pytest.raises(ScopeDenied, match=r"services enable cloudasset.googleapis.com --project 20318464073"):
        listed(inventory, PROJECT)


@pytest.mark.parametrize("scope", ["", "shop", "organizations/example.com", "projects/", "projects/a/b"])
def test_what_is_no_scope_is_refused_before_anything_is_asked(asset_service, inventory, scope) -> None:
    with pytest.raises(BadRequest, match="is not a scope; use organizations/NUMBER"):
        listed(inventory, scope)
    assert asset_service.requests == []


def test_other_refusals_are_told_as_they_are(asset_service, inventory) -> None:
    asset_service.fail(grpc.StatusCode.NOT_FOUND, message="no such folder")
    with pytest.raises(BadRequest, match="no such folder"):
        listed(inventory)
    asset_service.fail(grpc.StatusCode.UNAUTHENTICATED)
    with pytest.raises(BadRequest, match="gcloud auth application-default login"):
        listed(inventory)
    with pytest.raises(BadRequest, match="cannot be listed"):
        listed(inventory, content="relationship")


def test_without_credentials_nothing_is_waited_for(asset_service, mocker, inventory) -> None:
    asset_service.fail(grpc.StatusCode.UNAVAILABLE, message="Getting metadata from plugin failed with error: x")
    with pytest.raises(BadRequest, match="log in"):
        listed(inventory)
    mocker.patch("google.auth.default", side_effect=DefaultCredentialsError("none"))
    with pytest.raises(BadRequest, match="no credentials"):
        client()


def test_the_fake_tells_the_history_of_assets_too(asset_service) -> None:
    name = "//storage.googleapis.com/b"
    asset_service.set_clock(lambda: datetime(2025, 6, 4, tzinfo=UTC))
    asset_service.put({**asset(name, data={"v": "1"}), "updateTime": "2025-06-01T00:00:00Z"})
    asset_service.put({**asset(name, data={"v": "2"}), "updateTime": "2025-06-02T00:00:00Z"})
    asset_service.remove(name, datetime(2025, 6, 3, tzinfo=UTC))
    request = BatchGetAssetsHistoryRequest(
        parent=PROJECT,
        asset_names=[name],
        content_type=ContentType.RESOURCE,
        read_time_window=TimeWindow(start_time=datetime(2025, 6, 1, tzinfo=UTC)),
    )
    versions = AssetServiceClient().batch_get_assets_history(request).assets
    assert [version.asset.resource.data["v"] for version in versions] == ["1", "2", "2"]
    assert [version.window.start_time.day for version in versions] == [1, 2, 3]
    assert [version.deleted for version in versions] == [False, False, True]


class Time:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.usefixtures("buckets")
def test_no_minute_has_more_calls_than_the_quota_allows(asset_service) -> None:
    time_ = Time()
    retries = QuotaRetryPolicy(calls_a_minute=10)
    inventory = AssetInventory(asset_service.client(), retries, page_size=1, clock=time_.clock, sleep=time_.sleep)
    assert len(listed(inventory)) == 25
    assert time_.now == 120  # ten at once, ten a minute later, and five another minute later


@pytest.mark.usefixtures("buckets")
def test_a_used_up_quota_is_waited_for_with_pauses_that_grow_and_end(asset_service) -> None:
    time_ = Time()
    inventory = AssetInventory(asset_service.client(), QuotaRetryPolicy(), clock=time_.clock, sleep=time_.sleep)
    asset_service.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, times=5)
    assert len(listed(inventory)) == 25
    assert (5 + 10 + 20 + 40 + 60) / 2 <= time_.now <= 5 + 10 + 20 + 40 + 60
    asset_service.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, times=1_000)
    with pytest.raises(Unavailable):
        listed(inventory)
