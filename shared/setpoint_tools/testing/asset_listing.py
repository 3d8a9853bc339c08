"""ListAssets and BatchGetAssetsHistory of a fake Cloud Asset Inventory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import grpc
from google.cloud.asset_v1 import (
    BatchGetAssetsHistoryRequest,
    BatchGetAssetsHistoryResponse,
    ListAssetsRequest,
    ListAssetsResponse,
)

from setpoint_tools.testing.asset_faults import Faults, deny, refuse
from setpoint_tools.testing.asset_inventory_state import FIELDS, HeldAssets, HeldVersion, copy, has
from setpoint_tools.testing.rate_quotas import Quota

SCOPE = re.compile(r"(organizations|folders)/\d+\Z|projects/[^/\s]+\Z")
_PLAIN_TYPE = re.compile(r"[A-Za-z0-9.-]+/[A-Za-z0-9]+\Z")
_USUAL_PAGE, _LARGEST_PAGE, _MAX_NAMES = 100, 1000, 100

_HISTORY_PARENT = re.compile(r"organizations/\d+\Z|projects/[^/\s]+\Z")
HISTORY = timedelta(days=35)
_MARGIN = timedelta(minutes=5)

_bare_response: Callable[[], Any] = type(ListAssetsResponse.pb(ListAssetsResponse()))


class Listings:
    """Answers page by page; a token leads on in the listing as it was when it began."""

    def __init__(self, held: HeldAssets, faults: Faults) -> None:
        self.requests: list[ListAssetsRequest] = []
        self._held = held
        self._faults = faults
        self.history_requests: list[BatchGetAssetsHistoryRequest] = []
        self.quota, self.history_quota = Quota(), Quota()
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._begun: dict[str, list[Any]] = {}
        self._names = count(1)

    def expire(self) -> None:
        """Forget all listings, so that no page token leads on."""
        self._begun.clear()

    def list_assets(self, request: ListAssetsRequest, context: grpc.ServicerContext) -> Any:
        """Answer ListAssets."""
        self.requests.append(request)
        if not SCOPE.match(request.parent):
            refuse(context, f"Invalid parent: {request.parent}")
        size = min(request.page_size or _USUAL_PAGE, _LARGEST_PAGE)
        token, page, start = self._position(request, context)
        self._faults.show("ListAssets", request.parent, page, context)
        if not self.quota.takes():
            refuse(context, "Quota exceeded for ListAssets.", grpc.StatusCode.RESOURCE_EXHAUSTED)
        read_at = self._read_time(request, context)
        wanted = self._wanted(request, context)
        if not token:
            token = f"{next(self._names)}-{_asked(request)}"
            self._begun[token] = [asset for asset in self._present(read_at) if wanted(asset)]
        response = _bare_response()
        response.read_time.FromDatetime(read_at or self.now())
        assets, following = self._held.page(self._begun[token], start, size, wanted)
        for asset in assets:
            copy(asset, response.assets.add(), FIELDS.get(request.content_type))
        if following:
            response.next_page_token = f"{token}:{page + 1}:{following}"
        return response

    def history(self, request: BatchGetAssetsHistoryRequest, context: grpc.ServicerContext) -> Any:
        """Answer BatchGetAssetsHistory: all versions of the assets whose windows touch the one asked for.

        An IAM policy has a version only while both the asset and the policy exist, which leaves gaps.
        """
        self.history_requests.append(request)
        self._faults.show("BatchGetAssetsHistory", request.parent, 0, context)
        if not self.history_quota.takes():
            refuse(context, "Quota exceeded for BatchGetAssetsHistory.", grpc.StatusCode.RESOURCE_EXHAUSTED)
        if not _HISTORY_PARENT.match(request.parent):
            refuse(context, f"Invalid parent: {request.parent}")
        scope = self._held.ancestor(request.parent)
        if not scope:
            deny(context, "IAM_PERMISSION_DENIED", request.parent)
        histories = {name: self._held.history(name) for name in request.asset_names}
        unknown = [name for name, history in histories.items() if not _is_below(history, scope)]
        if unknown or len(request.asset_names) > _MAX_NAMES:
            refuse(context, f"Invalid asset names: {unknown or 'too many'}")
        response = BatchGetAssetsHistoryResponse.pb(BatchGetAssetsHistoryResponse())
        window = BatchGetAssetsHistoryRequest.pb(request).read_time_window
        first = window.start_time.ToDatetime(tzinfo=UTC)
        last = window.end_time.ToDatetime(tzinfo=UTC) if window.HasField("end_time") else self.now()
        if first < self.now() - HISTORY - _MARGIN:
            refuse(context, "read_time_window.start_time is more than 35 days ago.")
        field = FIELDS.get(request.content_type)
        for history in histories.values():
            for version in history or ():
                is_shown = field in (None, "resource") or (not version.deleted and has(version.asset, field))
                if is_shown and version.begins <= last and (version.ends is None or version.ends > first):
                    answer = response.assets.add()
                    copy(version.asset, answer.asset, field)
                    answer.deleted = version.deleted
                    answer.window.start_time.FromDatetime(version.begins)
                    if version.ends is not None:
                        answer.window.end_time.FromDatetime(version.ends)
        return response

    def _read_time(self, request: ListAssetsRequest, context: grpc.ServicerContext) -> datetime | None:
        """The time that a listing is to show; None for now."""
        asked = ListAssetsRequest.pb(request)
        if not asked.HasField("read_time"):
            return None
        time: datetime = asked.read_time.ToDatetime(tzinfo=UTC)
        if not self.now() - HISTORY - _MARGIN <= time <= self.now():
            refuse(context, "read_time must be between 35 days ago and now.")
        return time

    def _present(self, time: datetime | None) -> list[Any]:
        return self._held.present() if time is None else self._held.present_at(time)

    def _position(self, request: ListAssetsRequest, context: grpc.ServicerContext) -> tuple[str, int, int]:
        """The listing that a page token leads on in, its page and place; no listing where there is no token."""
        if not request.page_token:
            return "", 0, 0
        token, page, start = request.page_token.split(":")
        if token not in self._begun or not token.endswith(f"-{_asked(request)}"):
            refuse(context, "The page_token is invalid or has expired.")
        return token, int(page), int(start)

    def _wanted(self, request: ListAssetsRequest, context: grpc.ServicerContext) -> Callable[[Any], bool]:
        scope = self._held.ancestor(request.parent)
        if not scope:
            deny(context, "IAM_PERMISSION_DENIED", request.parent)  # as Google denies what does not exist
        types = types_asked(request.asset_types, self._held, context)
        field = FIELDS.get(request.content_type)

        def wanted(asset: Any) -> bool:
            return (
                (types is None or asset.asset_type in types)
                and scope in asset.ancestors
                and (field in (None, "resource") or has(asset, field))
            )

        return wanted


def types_asked(asked: Any, held: HeldAssets, context: grpc.ServicerContext) -> set[str] | None:
    """The types that are asked for; None for all. An expression that no type matches is an error."""
    if not asked:
        return None
    known = set()
    for type_ in asked:
        matched = {type_} if _PLAIN_TYPE.match(type_) else {kind for kind in held.types() if re.fullmatch(type_, kind)}
        if not matched:
            refuse(context, f"No supported asset type matches: {type_}")
        known |= matched
    return known


def _asked(request: ListAssetsRequest) -> str:
    """What must be the same on every page of one listing."""
    read_time = request.read_time.isoformat() if request.read_time else ""
    return f"{hash((request.parent, tuple(request.asset_types), int(request.content_type), read_time)):x}"


def _is_below(history: Sequence[HeldVersion] | None, scope: str) -> bool:
    return bool(history) and any(scope in version.asset.ancestors for version in history or ())
