"""A fake of Cloud Asset Inventory: a gRPC server on the loopback that the real ``AssetServiceClient`` talks to.

It lists assets page by page, tells their history, searches them, keeps feeds, and shows the faults that it is told to.
Source: https://cloud.google.com/asset-inventory/docs/reference/rpc/google.cloud.asset.v1
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud.asset_v1 import (
    AssetServiceClient,
    BatchGetAssetsHistoryRequest,
    CreateFeedRequest,
    DeleteFeedRequest,
    GetFeedRequest,
    ListAssetsRequest,
    ListFeedsRequest,
    SearchAllResourcesRequest,
    UpdateFeedRequest,
)
from google.cloud.asset_v1.services.asset_service.transports import AssetServiceGrpcTransport

from setpoint_tools.testing.asset_faults import Fault, Faults
from setpoint_tools.testing.asset_feeds import Feeds
from setpoint_tools.testing.asset_inventory_state import Generated, HeldAssets, HeldVersion
from setpoint_tools.testing.asset_listing import Listings
from setpoint_tools.testing.asset_search import Search
from setpoint_tools.testing.rate_quotas import Quota

_SERVICE = "google.cloud.asset.v1.AssetService"
_WORKERS = 8
_NO_LIMIT = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


class AssetService:
    """What the fake holds, how it is to behave, and what it was asked for.

    A scope that is an ancestor of no asset is denied, as Google denies what does not exist.

    Args:
        address: ``127.0.0.1:PORT``.
    """

    def __init__(self, address: str = "") -> None:
        self.address = address
        self._held = HeldAssets()
        self._faults = Faults()
        self._listings = Listings(self._held, self._faults)
        self._feeds = Feeds(self._faults)
        self._search = Search(self._held, self._faults)
        self._channels: list[grpc.Channel] = []

    @property
    def requests(self) -> list[ListAssetsRequest]:
        """What was asked to be listed."""
        return self._listings.requests

    @property
    def history_requests(self) -> list[BatchGetAssetsHistoryRequest]:
        """What history was asked for."""
        return self._listings.history_requests

    def limit(self, *, listings: Quota | None = None, histories: Quota | None = None) -> None:
        """Take no more calls than these quotas allow."""
        self._listings.quota = listings or self._listings.quota
        self._listings.history_quota = histories or self._listings.history_quota

    def set_clock(self, now: Callable[[], datetime]) -> None:
        """Tell the time by another clock, from which the 35 days of history are counted."""
        self._listings.now = now

    def generate_histories(
        self, make: Callable[[str], Sequence[HeldVersion] | None], scopes: Iterable[str] = ()
    ) -> None:
        """Tell the history of further assets, each made when it is read; None for one that does not exist."""
        self._held.made_history = make
        self._held.generated = self._held.generated or Generated(0, lambda _: None, frozenset(scopes), frozenset())

    @property
    def faults(self) -> list[Fault]:
        """The errors that are answered."""
        return self._faults.shown

    @property
    def pause(self) -> float:
        """Seconds before each answer."""
        return self._faults.pause

    @pause.setter
    def pause(self, seconds: float) -> None:
        self._faults.pause = seconds

    def put(self, asset: Mapping[str, Any]) -> None:
        """Hold an asset, written as a feed writes it in JSON; contents that it does not have stay as they were."""
        self._held.put(asset)

    def remove(self, name: str, time: datetime | None = None) -> None:
        """Let an asset be deleted; its history stays."""
        self._held.remove(name, time)

    def generate(self, total: int, make: Callable[[int], Any], scopes: Iterable[str], types: Iterable[str]) -> None:
        """List so many assets more, each made when it is read; see ``Generated``."""
        self._held.generated = Generated(total, make, frozenset(scopes), frozenset(types))

    def fail(self, code: grpc.StatusCode, **how: Any) -> None:
        """Answer an error instead of a page; ``Fault`` says how."""
        self.faults.append(Fault(code, **how))

    def deny(self, scope: str) -> None:
        """Answer PERMISSION_DENIED for a scope from now on."""
        self._faults.denied[scope] = "IAM_PERMISSION_DENIED"

    def disable(self, scope: str) -> None:
        """Answer for a scope from now on as if the API were switched off."""
        self._faults.denied[scope] = "SERVICE_DISABLED"

    def allow(self, scope: str) -> None:
        """Answer for a scope again."""
        self._faults.denied.pop(scope, None)

    def expire_tokens(self) -> None:
        """Forget all listings, so that no page token leads on."""
        self._listings.expire()

    def transport(self, *_: Any, **__: Any) -> grpc.Channel:
        """A channel to the fake, whatever other one is asked for."""
        channel = grpc.insecure_channel(self.address, options=_NO_LIMIT)
        self._channels.append(channel)
        return channel

    def client(self) -> AssetServiceClient:
        """The real client, talking to the fake."""
        transport = AssetServiceGrpcTransport(channel=self.transport(), credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
        return AssetServiceClient(transport=transport)

    def close(self) -> None:
        """Close every channel to the fake."""
        for channel in self._channels:
            channel.close()

    def handlers(self) -> grpc.GenericRpcHandler:
        """What answers each method."""
        methods: dict[str, tuple[Callable[[Any, grpc.ServicerContext], Any], Any]] = {
            "ListAssets": (self._listings.list_assets, ListAssetsRequest),
            "BatchGetAssetsHistory": (self._listings.history, BatchGetAssetsHistoryRequest),
            "CreateFeed": (self._feeds.create, CreateFeedRequest),
            "GetFeed": (self._feeds.get, GetFeedRequest),
            "ListFeeds": (self._feeds.listed, ListFeedsRequest),
            "UpdateFeed": (self._feeds.update, UpdateFeedRequest),
            "DeleteFeed": (self._feeds.delete, DeleteFeedRequest),
            "SearchAllResources": (self._search.search, SearchAllResourcesRequest),
        }
        return grpc.method_handlers_generic_handler(
            _SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(answer, request.deserialize, _serialised)
                for name, (answer, request) in methods.items()
            },
        )


@contextmanager
def asset_service(port: int = 0) -> Iterator[AssetService]:
    """The fake, up on a port of the loopback; on a free one where it is 0."""
    service = AssetService()
    server = grpc.server(futures.ThreadPoolExecutor(_WORKERS), handlers=(service.handlers(),), options=_NO_LIMIT)
    service.address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    server.start()
    try:
        yield service
    finally:
        service.close()
        server.stop(grace=None).wait()


def _serialised(message: Any) -> bytes:
    sent: bytes = message.SerializeToString()
    return sent
