"""A fake of Cloud Asset Inventory: a gRPC server on the loopback that the real ``AssetServiceClient`` talks to.

It lists assets page by page, by scope, type and content, tells their history, and shows the faults that it is told to.
Source: https://cloud.google.com/asset-inventory/docs/reference/rpc/google.cloud.asset.v1
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, NoReturn

import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud.asset_v1 import (
    Asset,
    AssetServiceClient,
    BatchGetAssetsHistoryRequest,
    BatchGetAssetsHistoryResponse,
    ContentType,
    ListAssetsRequest,
    ListAssetsResponse,
)
from google.cloud.asset_v1.services.asset_service.transports import AssetServiceGrpcTransport
from google.protobuf import any_pb2  # type: ignore[import-untyped]
from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

_SERVICE = "google.cloud.asset.v1.AssetService"
_FIELDS = {
    ContentType.RESOURCE: "resource",
    ContentType.IAM_POLICY: "iam_policy",
    ContentType.ORG_POLICY: "org_policy",
    ContentType.ACCESS_POLICY: "access_context_policy",
}
_EVERYTHING = tuple(_FIELDS.values())
_SCOPE = re.compile(r"(organizations|folders)/\d+\Z|projects/[^/\s]+\Z")
_PLAIN_TYPE = re.compile(r"[A-Za-z0-9.-]+/[A-Za-z0-9]+\Z")
_USUAL_PAGE, _LARGEST_PAGE, _MOST_NAMES = 100, 1000, 100
_WORKERS = 8
_NO_LIMIT = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))

_bare: dict[type, Callable[..., Any]] = {kind: type(kind.pb(kind())) for kind in (Asset, ListAssetsResponse)}
"""protobuf's own messages, without the wrapper that makes them slow."""


@dataclass(slots=True)
class Fault:
    """An error that is answered instead of a page.

    Args:
        code: its code.
        times: how often.
        page: only for this page of a listing, from 0; for any where None.
        scope: only for this scope; for any where empty.
        message: what it says.
    """

    code: grpc.StatusCode
    times: int = 1
    page: int | None = None
    scope: str = ""
    message: str = "told to fail"


class AssetService:
    """What the fake holds, how it is to behave, and what it was asked for.

    A scope that is an ancestor of no asset is denied, as Google denies what does not exist.

    Args:
        address: ``127.0.0.1:PORT``.
    """

    def __init__(self, address: str = "") -> None:
        self.address = address
        self.faults: list[Fault] = []
        self.pause = 0.0
        self.requests: list[ListAssetsRequest] = []
        self._versions: dict[str, list[Any]] = {}
        self._gone: dict[str, datetime] = {}
        self._scopes: dict[str, str] = {}
        self._denied: dict[str, str] = {}
        self._listings: dict[str, list[Any]] = {}
        self._names = count(1)
        self._channels: list[grpc.Channel] = []

    def put(self, asset: Mapping[str, Any]) -> None:
        """Hold an asset, written as a feed writes it in JSON; contents that it does not have stay as they were."""
        new = ParseDict(dict(asset), _bare[Asset](), ignore_unknown_fields=True)
        versions = self._versions.setdefault(new.name, [])
        for field in _EVERYTHING if versions else ():
            if not _has(new, field) and _has(versions[-1], field):
                getattr(new, field).MergeFrom(getattr(versions[-1], field))
        versions.append(new)
        self._gone.pop(new.name, None)
        self._scopes.update((one, one) for one in new.ancestors)
        named = re.search(r"/projects/([^/]+)", new.name)
        ids = {named[1] if named else "", dict(new.resource.data).get("projectId", "")}
        if new.ancestors and new.ancestors[0].startswith("projects/"):
            self._scopes.update((f"projects/{one}", new.ancestors[0]) for one in ids if one)

    def remove(self, name: str, at: datetime | None = None) -> None:
        """Let an asset be deleted; its history stays."""
        self._gone[name] = at or datetime.now(UTC)

    def fail(self, code: grpc.StatusCode, **how: Any) -> None:
        """Answer an error instead of a page; ``Fault`` says how."""
        self.faults.append(Fault(code, **how))

    def deny(self, scope: str) -> None:
        """Answer PERMISSION_DENIED for a scope from now on."""
        self._denied[scope] = "IAM_PERMISSION_DENIED"

    def disable(self, scope: str) -> None:
        """Answer for a scope from now on as if the API were switched off."""
        self._denied[scope] = "SERVICE_DISABLED"

    def allow(self, scope: str) -> None:
        """Answer for a scope again."""
        self._denied.pop(scope, None)

    def expire_tokens(self) -> None:
        """Forget all listings, so that no page token leads on."""
        self._listings.clear()

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

    def list_assets(self, request: ListAssetsRequest, context: grpc.ServicerContext) -> Any:
        """Answer ListAssets."""
        self.requests.append(request)
        time.sleep(self.pause)
        if not _SCOPE.match(request.parent):
            _refuse(context, f"Invalid parent: {request.parent}")
        size = min(request.page_size or _USUAL_PAGE, _LARGEST_PAGE)
        token, start = self._position(request, context)
        self._fail(request.parent, start // size, context)
        if not token:
            token = f"{next(self._names)}-{_asked(request)}"
            self._listings[token] = self._matching(request, context)
        listing = self._listings[token]
        response = _bare[ListAssetsResponse]()
        response.read_time.FromDatetime(datetime.now(UTC))
        field = _FIELDS.get(request.content_type)
        for asset in listing[start : start + size]:
            _copy(asset, response.assets.add(), field)
        if start + size < len(listing):
            response.next_page_token = f"{token}:{start + size}"
        return response

    def history(self, request: BatchGetAssetsHistoryRequest, context: grpc.ServicerContext) -> Any:
        """Answer BatchGetAssetsHistory: all versions of the assets whose windows touch the one asked for."""
        unknown = [name for name in request.asset_names if name not in self._versions]
        if unknown or len(request.asset_names) > _MOST_NAMES:
            _refuse(context, f"Invalid asset names: {unknown or 'too many'}")
        response = BatchGetAssetsHistoryResponse.pb(BatchGetAssetsHistoryResponse())
        window = BatchGetAssetsHistoryRequest.pb(request).read_time_window
        first = window.start_time.ToDatetime(tzinfo=UTC)
        last = window.end_time.ToDatetime(tzinfo=UTC) if window.HasField("end_time") else datetime.now(UTC)
        for name in request.asset_names:
            versions = [(one.update_time.ToDatetime(tzinfo=UTC), one) for one in self._versions[name]]
            ends = [at for at, _ in versions[1:]] + [self._gone.get(name)]
            for (at, asset), end in zip(versions, ends, strict=True):
                if at <= last and (end is None or end > first):
                    told = response.assets.add()
                    _copy(asset, told.asset, _FIELDS.get(request.content_type))
                    told.window.start_time.FromDatetime(at)
                    if end is not None:
                        told.window.end_time.FromDatetime(end)
        return response

    def _position(self, request: ListAssetsRequest, context: grpc.ServicerContext) -> tuple[str, int]:
        """The listing that a page token goes on with, and where; a new one where there is no token."""
        if not request.page_token:
            return "", 0
        token, _, start = request.page_token.partition(":")
        if token not in self._listings or not token.endswith(f"-{_asked(request)}"):
            _refuse(context, "The page_token is invalid or has expired.")
        return token, int(start)

    def _fail(self, scope: str, page: int, context: grpc.ServicerContext) -> None:
        for fault in self.faults:
            if fault.times > 0 and fault.page in (None, page) and fault.scope in ("", scope):
                fault.times -= 1
                context.abort(fault.code, fault.message)
        if reason := self._denied.get(scope, "" if scope in self._scopes else "IAM_PERMISSION_DENIED"):
            info = error_details_pb2.ErrorInfo(reason=reason, domain="googleapis.com", metadata={"consumer": scope})
            detail = any_pb2.Any()
            detail.Pack(info)
            said = f"{reason}: the caller may not call cloudasset.assets.list on {scope}."
            status = status_pb2.Status(code=code_pb2.PERMISSION_DENIED, message=said, details=[detail])
            context.abort_with_status(rpc_status.to_status(status))

    def _matching(self, request: ListAssetsRequest, context: grpc.ServicerContext) -> list[Any]:
        present = [versions[-1] for name, versions in self._versions.items() if name not in self._gone]
        types = self._types(request.asset_types, {one.asset_type for one in present}, context)
        scope = self._scopes[request.parent]
        field = _FIELDS.get(request.content_type)
        return [
            one
            for one in present
            if scope in one.ancestors
            and (types is None or one.asset_type in types)
            and (field in (None, "resource") or _has(one, field))
        ]

    def _types(self, asked: Any, known: set[str], context: grpc.ServicerContext) -> set[str] | None:
        """The types that are asked for; None for all. An expression that no type matches is an error."""
        if not asked:
            return None
        found = set()
        for one in asked:
            matched = {one} if _PLAIN_TYPE.match(one) else {kind for kind in known if re.fullmatch(one, kind)}
            if not matched:
                _refuse(context, f"No supported asset type matches: {one}")
            found |= matched
        return found


@contextmanager
def asset_service() -> Iterator[AssetService]:
    """The fake, up on a free port of the loopback."""
    service = AssetService()
    unary = grpc.unary_unary_rpc_method_handler
    handlers = {
        "ListAssets": unary(service.list_assets, ListAssetsRequest.deserialize, _serialised),
        "BatchGetAssetsHistory": unary(service.history, BatchGetAssetsHistoryRequest.deserialize, _serialised),
    }
    generic = grpc.method_handlers_generic_handler(_SERVICE, handlers)
    server = grpc.server(futures.ThreadPoolExecutor(_WORKERS), handlers=(generic,), options=_NO_LIMIT)
    service.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield service
    finally:
        service.close()
        server.stop(grace=None).wait()


def _serialised(message: Any) -> bytes:
    sent: bytes = message.SerializeToString()
    return sent


def _asked(request: ListAssetsRequest) -> str:
    """What has to be the same on every page of one listing."""
    return f"{hash((request.parent, tuple(request.asset_types), int(request.content_type))):x}"


def _copy(asset: Any, target: Any, field: str | None) -> None:
    target.name, target.asset_type = asset.name, asset.asset_type
    target.ancestors.extend(asset.ancestors)
    target.update_time.CopyFrom(asset.update_time)
    if field == "access_context_policy":
        field = asset.WhichOneof(field)
    if field is not None and _has(asset, field):
        getattr(target, field).MergeFrom(getattr(asset, field))


def _has(asset: Any, field: str) -> bool:
    return bool(asset.org_policy) if field == "org_policy" else bool(asset.HasField(field))


def _refuse(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)
    raise AssertionError  # abort() has raised
