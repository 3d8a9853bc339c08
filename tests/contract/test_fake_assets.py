"""Feeds and searches of the fake Cloud Asset Inventory, through the real client."""

from __future__ import annotations

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.asset_v1 import (
    ContentType,
    CreateFeedRequest,
    Feed,
    FeedOutputConfig,
    PubsubDestination,
    SearchAllResourcesRequest,
    UpdateFeedRequest,
)
from google.protobuf import field_mask_pb2

ORG = "organizations/566099688680"
SHOP = ["projects/111111111111", "folders/918177713511", ORG]
BUCKET = "storage.googleapis.com/Bucket"
TOPIC = "pubsub.googleapis.com/Topic"
TO = FeedOutputConfig(pubsub_destination=PubsubDestination(topic="projects/ops/topics/asset-changes"))


@pytest.fixture
def client(asset_service):
    return asset_service.client()


def feed(client, name="changes", **more):
    wanted = Feed(**{"asset_types": [BUCKET], "content_type": ContentType.RESOURCE, "feed_output_config": TO} | more)
    return client.create_feed(CreateFeedRequest(parent=ORG, feed_id=name, feed=wanted))


def test_a_feed_is_made_under_its_parent_and_read_again(client):
    made = feed(client)
    assert made.name == f"{ORG}/feeds/changes"
    assert client.get_feed(name=made.name) == made
    assert list(client.list_feeds(parent=ORG).feeds) == [made]
    assert list(client.list_feeds(parent="folders/1").feeds) == []


def test_an_update_changes_the_fields_of_its_mask_alone(client):
    made = feed(client)
    wanted = Feed(name=made.name, asset_types=[TOPIC], content_type=ContentType.IAM_POLICY)
    mask = field_mask_pb2.FieldMask(paths=["asset_types"])
    updated = client.update_feed(UpdateFeedRequest(feed=wanted, update_mask=mask))
    assert (list(updated.asset_types), updated.content_type) == ([TOPIC], ContentType.RESOURCE)
    assert client.get_feed(name=made.name) == updated


def test_a_feed_that_is_deleted_is_not_there(client):
    made = feed(client)
    client.delete_feed(name=made.name)
    with pytest.raises(exceptions.NotFound):
        client.get_feed(name=made.name)
    with pytest.raises(exceptions.NotFound):
        client.delete_feed(name=made.name)


def test_a_feed_is_made_once_and_has_a_topic_and_something_to_watch(client):
    feed(client)
    with pytest.raises(exceptions.AlreadyExists):
        feed(client)
    with pytest.raises(exceptions.InvalidArgument, match="topic"):
        feed(client, "other", feed_output_config=FeedOutputConfig())
    with pytest.raises(exceptions.InvalidArgument, match="asset_types"):
        feed(client, "other", asset_types=[])


def test_feeds_fail_as_they_are_told_to(asset_service, client):
    asset_service.deny(ORG)
    with pytest.raises(exceptions.PermissionDenied):
        feed(client)
    asset_service.allow(ORG)
    asset_service.fail(grpc.StatusCode.RESOURCE_EXHAUSTED, method="CreateFeed")
    with pytest.raises(exceptions.ResourceExhausted):
        feed(client)
    feed(client)


@pytest.fixture
def fleet(asset_service):
    for index, (location, labels) in enumerate([("eu", {"env": "prod"}), ("us-east1", {"env": "dev"}), ("eu", {})]):
        asset_service.put(
            {
                "name": f"//storage.googleapis.com/b{index}",
                "assetType": BUCKET,
                "ancestors": SHOP,
                "updateTime": "2026-03-01T12:00:00Z",
                "resource": {"location": location, "data": {"labels": labels}},
            }
        )
    asset_service.put({"name": "//x/t", "assetType": TOPIC, "ancestors": [ORG], "updateTime": "2026-03-01T12:00:00Z"})


def search(client, query="", scope=ORG, **more):
    request = SearchAllResourcesRequest(scope=scope, query=query, **more)
    return [resource.name.rpartition("/")[2] for resource in client.search_all_resources(request)]


@pytest.mark.usefixtures("fleet")
def test_resources_are_found_by_scope_and_type_in_the_order_of_their_names(client):
    assert search(client) == ["b0", "b1", "b2", "t"]
    assert search(client, order_by="name desc") == ["t", "b2", "b1", "b0"]
    assert search(client, scope=SHOP[0]) == ["b0", "b1", "b2"]
    assert search(client, asset_types=[TOPIC]) == search(client, asset_types=[".*Topic"]) == ["t"]


@pytest.mark.usefixtures("fleet")
def test_resources_are_found_by_location_and_labels(client):
    assert search(client, "location:eu") == ["b0", "b2"]
    assert search(client, "location:us*") == search(client, "location:east1") == ["b1"]
    assert search(client, "location=us") == []
    assert search(client, "labels.env:prod") == ["b0"]
    assert search(client, "labels:env location=eu") == ["b0"]


@pytest.mark.parametrize("query", ["NOT location:eu", "location:eu OR location:us", "state:ACTIVE", "(location:eu)"])
@pytest.mark.usefixtures("fleet")
def test_a_query_that_the_fake_does_not_know_is_not_guessed(client, query):
    with pytest.raises(exceptions.MethodNotImplemented):
        search(client, query)


@pytest.mark.usefixtures("fleet")
def test_a_search_has_pages_and_tells_where_a_resource_is(client):
    request = SearchAllResourcesRequest(scope=ORG, page_size=2)
    pages = list(client.search_all_resources(request).pages)
    assert [len(page.results) for page in pages] == [2, 2]
    first = pages[0].results[0]
    assert (first.project, list(first.folders), first.organization) == (SHOP[0], [SHOP[1]], ORG)
    assert (first.location, dict(first.labels), first.display_name) == ("eu", {"env": "prod"}, "b0")


@pytest.mark.usefixtures("fleet")
def test_a_search_fails_as_it_is_told_to(asset_service, client):
    asset_service.fail(grpc.StatusCode.UNAVAILABLE, page=1, method="SearchAllResources", times=100)
    pages = iter(client.search_all_resources(SearchAllResourcesRequest(scope=ORG, page_size=2), retry=None).pages)
    next(pages)
    with pytest.raises(exceptions.ServiceUnavailable):
        next(pages)
    with pytest.raises(exceptions.PermissionDenied):
        search(client, scope="projects/nobody")
