"""Feeds of a fake Cloud Asset Inventory: they are kept, and send nothing."""

from __future__ import annotations

from typing import Any

import grpc
from google.cloud.asset_v1 import (
    CreateFeedRequest,
    DeleteFeedRequest,
    Feed,
    GetFeedRequest,
    ListFeedsRequest,
    ListFeedsResponse,
    UpdateFeedRequest,
)
from google.protobuf import empty_pb2  # type: ignore[import-untyped]

from setpoint_tools.testing.asset_faults import Faults, refuse
from setpoint_tools.testing.asset_listing import SCOPE

_MAX_FEEDS = 200


class Feeds:
    """The feeds by their names, ``PARENT/feeds/ID``.

    Source: https://cloud.google.com/asset-inventory/docs/reference/rpc/google.cloud.asset.v1#createfeedrequest
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._feeds: dict[str, Any] = {}

    def create(self, request: CreateFeedRequest, context: grpc.ServicerContext) -> Any:
        """Answer CreateFeed."""
        self._faults.show("CreateFeed", request.parent, 0, context)
        name = f"{request.parent}/feeds/{request.feed_id}"
        if not SCOPE.match(request.parent) or not request.feed_id:
            refuse(context, f"Invalid feed name: {name}")
        if name in self._feeds:
            refuse(context, f"Feed already exists: {name}", grpc.StatusCode.ALREADY_EXISTS)
        if len(self._of(request.parent)) >= _MAX_FEEDS:
            refuse(context, f"{request.parent} has {_MAX_FEEDS} feeds", grpc.StatusCode.RESOURCE_EXHAUSTED)
        feed = Feed.pb(Feed(request.feed))
        feed.name = name
        return self._kept(feed, context)

    def get(self, request: GetFeedRequest, context: grpc.ServicerContext) -> Any:
        """Answer GetFeed."""
        return self._feed("GetFeed", request.name, context)

    def listed(self, request: ListFeedsRequest, context: grpc.ServicerContext) -> Any:
        """Answer ListFeeds, which has no pages."""
        self._faults.show("ListFeeds", request.parent, 0, context)
        response = ListFeedsResponse.pb(ListFeedsResponse())
        response.feeds.extend(self._of(request.parent))
        return response

    def update(self, request: UpdateFeedRequest, context: grpc.ServicerContext) -> Any:
        """Answer UpdateFeed: the fields of the mask, and no others."""
        wanted = UpdateFeedRequest.pb(request)
        feed = type(wanted.feed)()
        feed.CopyFrom(self._feed("UpdateFeed", wanted.feed.name, context))
        if not wanted.update_mask.paths:
            refuse(context, "update_mask is empty")
        for path in wanted.update_mask.paths:
            feed.ClearField(path.partition(".")[0])
        wanted.update_mask.MergeMessage(wanted.feed, feed)
        return self._kept(feed, context)

    def delete(self, request: DeleteFeedRequest, context: grpc.ServicerContext) -> Any:
        """Answer DeleteFeed."""
        self._feed("DeleteFeed", request.name, context)
        del self._feeds[request.name]
        return empty_pb2.Empty()

    def _of(self, parent: str) -> list[Any]:
        return [feed for name, feed in self._feeds.items() if name.startswith(f"{parent}/feeds/")]

    def _feed(self, method: str, name: str, context: grpc.ServicerContext) -> Any:
        self._faults.show(method, name.partition("/feeds/")[0], 0, context)
        if name not in self._feeds:
            refuse(context, f"Feed not found: {name}", grpc.StatusCode.NOT_FOUND)
        return self._feeds[name]

    def _kept(self, feed: Any, context: grpc.ServicerContext) -> Any:
        if not feed.feed_output_config.pubsub_destination.topic:
            refuse(context, "feed_output_config.pubsub_destination.topic is empty")
        if not feed.asset_names and not feed.asset_types:
            refuse(context, "asset_names and asset_types are both empty")
        self._feeds[feed.name] = feed
        return feed
