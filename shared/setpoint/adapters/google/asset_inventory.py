"""List assets from Cloud Asset Inventory.

Source: https://cloud.google.com/asset-inventory/docs/reference/rest/v1/assets/list
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.asset_v1 import AssetServiceClient, ContentType, ListAssetsRequest, ListAssetsResponse
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]

from setpoint.adapters.google.call_pace import CallBudget, CallPace
from setpoint.catalog.inventory_names import inventory_name
from setpoint.errors import LOG_IN, NO_CREDENTIALS, BadRequest, ScopeDenied, TokenExpired, Unavailable
from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content, ResourceKey, content_of
from setpoint.model.sweep_records import known_at
from setpoint.ports.services import InventoryPage
from setpoint.util.retries import backoff

CONTENT_TYPES = {
    "resource": ContentType.RESOURCE,
    "iam_policy": ContentType.IAM_POLICY,
    "org_policy": ContentType.ORG_POLICY,
    "access_policy": ContentType.ACCESS_POLICY,
}
_SCOPE = re.compile(r"(organizations|folders)/\d+\Z|projects/[^/\s]+\Z")
PASSING = (
    exceptions.ServiceUnavailable,
    exceptions.TooManyRequests,
    exceptions.GatewayTimeout,
    exceptions.InternalServerError,
)
"""Errors that pass, and are worth a retry."""
_EXACT = 2**53
"""Below this a float represents every integer exactly."""


@dataclass(frozen=True, slots=True)
class QuotaRetryPolicy:
    """The retries of a page request.

    A quota is per minute (https://cloud.google.com/asset-inventory/docs/quota), so its error has a longer wait.

    Args:
        first: wait in seconds before the first retry; doubled for each further one.
        first_of_quota: the same after a quota error.
        longest: maximum wait in seconds.
        in_all: seconds without a page after which the listing fails.
        call: timeout of one call in seconds.
        calls_a_minute: maximum number of calls in a minute; the quota is 100 for a project, 800 for an organization.
    """

    first: float = 0.5
    first_of_quota: float = 5.0
    longest: float = 60.0
    in_all: float = 600.0
    call: float = 60.0
    calls_a_minute: int = 100


_RETRIES = QuotaRetryPolicy()


def client() -> AssetServiceClient:
    """A client with the credentials of the environment.

    Raises:
        BadRequest: there are no credentials; log in.
    """
    try:
        return AssetServiceClient()
    except GoogleAuthError as error:
        raise BadRequest(f"no credentials for Cloud Asset Inventory; {LOG_IN}") from error


class AssetInventory:
    """An ``Inventory`` over Cloud Asset Inventory.

    Args:
        client: kept for the life of the process.
        retries: the retries.
        page_size: assets per page; the API's maximum is 1,000.
        clock: monotonic seconds.
        sleep: waits for a number of seconds.
        read_at: list what was there at this time, up to 35 days ago; None for now.
    """

    def __init__(
        self,
        client: AssetServiceClient,
        retries: QuotaRetryPolicy = _RETRIES,
        *,
        read_at: datetime | None = None,
        page_size: int = 1000,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._retries = retries
        self._page_size = page_size
        self._read_at = read_at
        self._pace = CallPace(retries.calls_a_minute, CallBudget(), clock=clock, sleep=sleep)

    def lists(self, asset_type: str) -> bool:
        """See ``Inventory.lists``; the caller names types that the inventory has."""
        del asset_type
        return True

    def pages(
        self, scope: str, content: Content, asset_types: Sequence[str] = (), *, page_token: str = ""
    ) -> Iterator[InventoryPage]:
        """See ``Inventory.pages``."""
        if not _SCOPE.match(scope):
            raise BadRequest(f"`{scope}` is not a scope; use organizations/NUMBER, folders/NUMBER or projects/ID")
        if content not in CONTENT_TYPES:
            raise BadRequest(f"`{content}` cannot be listed; use {', '.join(CONTENT_TYPES)}")
        request = ListAssetsRequest(
            parent=scope,
            content_type=CONTENT_TYPES[content],
            asset_types=list(asset_types),
            page_size=self._page_size,
            page_token=page_token,
            read_time=self._read_at,
        )
        while True:
            response = self._answer(request)
            read_at = response.read_time.ToDatetime(tzinfo=UTC)
            observations = [to_observation(asset, content, read_at) for asset in response.assets]
            yield InventoryPage(observations, response.next_page_token, read_at)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    def _answer(self, request: ListAssetsRequest) -> Any:
        """Request a page with retries; return the protobuf message itself, which is faster than its wrapper."""

        def page() -> Any:
            pager = self._client.list_assets(request=request, retry=None, timeout=self._retries.call)
            return ListAssetsResponse.pb(next(iter(pager.pages)))

        try:
            return answered(page, self._retries, self._pace, f"{request.parent} cannot be listed")
        except exceptions.GoogleAPICallError as error:
            raise _translated(error, request) from error


class Pace(Protocol):
    """Keeps calls within a quota, on a clock."""

    clock: Callable[[], float]
    sleep: Callable[[float], object]

    def wait(self) -> None:
        """Wait until another call is allowed."""


def answered(call: Callable[[], Any], retries: QuotaRetryPolicy, pace: Pace, cannot: str) -> Any:
    """The answer to a call, which is made again after errors that pass.

    Args:
        call: makes it.
        retries: the retries.
        pace: keeps the calls within the quota.
        cannot: what cannot be done where it fails, for the error.

    Raises:
        BadRequest: there are no credentials.
        Unavailable: no answer came in time.
        GoogleAPICallError: an error that does not pass.
    """
    until = pace.clock() + retries.in_all
    calls = 0
    while True:
        pace.wait()
        try:
            return call()
        except PASSING as error:
            if NO_CREDENTIALS in str(error):
                raise BadRequest(f"{cannot} without credentials; {LOG_IN}") from error
            pause = pause_after(retries, error, calls)
            calls += 1
            if pace.clock() + pause > until:
                again = f"{message_of(error)}, {calls} times in a row"
                raise Unavailable(f"{cannot}: {again}; try again later") from error
            pace.sleep(pause)
        except GoogleAuthError as error:
            raise BadRequest(f"{cannot} without credentials; {LOG_IN}") from error


def pause_after(retries: QuotaRetryPolicy, error: Exception, calls: int) -> float:
    """Exponential backoff with jitter, so that clients that were refused together do not retry together."""
    first = retries.first_of_quota if isinstance(error, exceptions.TooManyRequests) else retries.first
    return backoff(first, retries.longest, calls)


def _translated(error: exceptions.GoogleAPICallError, request: ListAssetsRequest) -> Exception:
    scope = str(request.parent)
    if isinstance(error, exceptions.Forbidden):
        return denied(
            error, scope, "no permission to list it; grant roles/cloudasset.viewer on it to the calling account"
        )
    if isinstance(error, exceptions.Unauthenticated):
        return BadRequest(f"{scope} cannot be listed without credentials; {LOG_IN}")
    if isinstance(error, exceptions.InvalidArgument) and request.page_token and "token" in str(error.message):
        return TokenExpired(
            f"the listing of {scope} cannot continue, since its page token has expired; start the listing again"
        )
    if isinstance(error, exceptions.ClientError):
        return BadRequest(f"{scope} cannot be listed: {message_of(error)}; check the scope and the types")
    return Unavailable(f"{scope} cannot be listed: {message_of(error)}; try again later")


def denied(error: exceptions.Forbidden, scope: str, reason: str) -> ScopeDenied:
    """The error of a scope that may not be read, or where the API is disabled.

    Args:
        error: the answer.
        scope: the scope.
        reason: what is denied and the next step, if the API is enabled.
    """
    if error.reason == "SERVICE_DISABLED" or "has not been used" in str(error.message):
        project = str((error.metadata or {}).get("consumer", "")).removeprefix("projects/") or "PROJECT"
        return ScopeDenied(
            scope,
            "Cloud Asset Inventory is not enabled; enable it with "
            f"`gcloud services enable cloudasset.googleapis.com --project {project}`",
        )
    return ScopeDenied(scope, reason)


def message_of(error: exceptions.GoogleAPICallError) -> str:
    """The kind and the text of an error."""
    return f"{type(error).__name__} ({error.message})"


def to_observation(asset: Any, content: Content, read_at: datetime) -> Observation:
    """An asset as an observation; one without an update time counts as of the time that a listing proves."""
    resource = asset.resource
    return Observation(
        key=ResourceKey(
            inventory_name(asset.asset_type, asset.name),
            content_of(asset.asset_type) if content == "resource" else content,
        ),
        asset_type=asset.asset_type,
        observed_at=asset.update_time.ToDatetime(tzinfo=UTC) if asset.HasField("update_time") else known_at(read_at),
        data=_data(asset, content),
        ancestors=tuple(asset.ancestors),
        location=resource.location,
        discovery_uri=resource.discovery_document_uri,
        discovery_name=resource.discovery_name,
    )


def _data(asset: Any, content: Content) -> Any:
    """The content in the JSON format of feeds; None if the inventory omits the data."""
    if content == "iam_policy":
        return MessageToDict(asset.iam_policy)
    if content == "org_policy":
        return [MessageToDict(policy) for policy in asset.org_policy]
    if content == "access_policy":
        which = asset.WhichOneof("access_context_policy")
        return MessageToDict(getattr(asset, which)) if which else None
    return _struct(asset.resource.data) if asset.resource.HasField("data") else None


def _struct(struct: Any) -> dict[str, Any]:
    fields = struct.fields
    return {key: _value(fields[key]) for key in fields}  # iterating over the items of a protobuf map is slow


def _value(value: Any) -> Any:
    """A value of a Struct, where every number is a float: whole numbers become integers again."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "struct_value":
        return _struct(value.struct_value)
    if kind == "list_value":
        return [_value(element) for element in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < _EXACT else number
    return value.bool_value if kind == "bool_value" else None
