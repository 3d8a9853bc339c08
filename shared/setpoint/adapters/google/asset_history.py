"""Read past versions of assets from Cloud Asset Inventory.

Source: https://cloud.google.com/asset-inventory/docs/reference/rest/v1/TopLevel/batchGetAssetsHistory. A call takes 100
names, and fails if the inventory does not know one of them. For IAM policies the versions have gaps, since only times
at which both the resource and its policy existed are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from google.api_core import exceptions
from google.cloud.asset_v1 import AssetServiceClient, BatchGetAssetsHistoryRequest, BatchGetAssetsHistoryResponse
from msgspec.structs import replace

from setpoint.adapters.google.asset_inventory import (
    CONTENT_TYPES,
    QuotaRetryPolicy,
    answered,
    denied,
    message_of,
    to_observation,
)
from setpoint.adapters.google.call_pace import CallBudget, CallPace
from setpoint.errors import Unavailable
from setpoint.model.drift_history import AssetVersion
from setpoint.model.resource_key import Content
from setpoint.ports.services import Histories
from setpoint.util.external_sort import batches

NAMES = 100
"""Maximum number of names of a call."""
CALLS_A_MINUTE = 100
"""The quota of a project; that of an organisation is 180 (https://cloud.google.com/asset-inventory/docs/quota)."""
_RETRIES = QuotaRetryPolicy()


class GoogleAssetHistory:
    """``AssetHistory`` over Cloud Asset Inventory.

    Args:
        client: kept for the life of the process.
        pace: keeps the calls within the quota.
        retries: the retries.
    """

    def __init__(
        self, client: AssetServiceClient, pace: CallPace | None = None, retries: QuotaRetryPolicy = _RETRIES
    ) -> None:
        self._client = client
        self._pace = pace or CallPace(CALLS_A_MINUTE, CallBudget())
        self._retries = retries

    def histories(self, parent: str, content: Content, names: Sequence[str], since: datetime) -> Histories:
        """See ``AssetHistory.histories``."""
        versions: dict[str, list[AssetVersion]] = {}
        missing: set[str] = set()
        waiting = list(batches(names, NAMES))
        while waiting:
            batch = waiting.pop()
            answer = self._answer(parent, content, batch, since)
            if answer is None and len(batch) == 1:
                missing.add(batch[0])
            elif answer is None:
                middle = len(batch) // 2
                waiting += [batch[:middle], batch[middle:]]
            else:
                for temporal in answer.assets:
                    versions.setdefault(temporal.asset.name, []).append(_version(temporal, content))
        return Histories(versions, frozenset(missing))

    def _answer(self, parent: str, content: Content, names: list[str], since: datetime) -> Any:
        """The answer to one call; None if the inventory does not know one of the names."""
        request = BatchGetAssetsHistoryRequest(
            parent=parent,
            asset_names=names,
            content_type=CONTENT_TYPES[content],
            read_time_window={"start_time": since},
        )
        cannot = f"the history of {parent} cannot be read"

        def versions() -> Any:
            answer = self._client.batch_get_assets_history(request=request, retry=None, timeout=self._retries.call)
            return BatchGetAssetsHistoryResponse.pb(answer)

        try:
            return answered(versions, self._retries, self._pace, cannot)
        except exceptions.Forbidden as error:
            reason = "no permission to read its history; grant roles/cloudasset.viewer on it to the calling account"
            raise denied(error, parent, reason) from error
        except (exceptions.InvalidArgument, exceptions.NotFound):
            return None
        except exceptions.GoogleAPICallError as error:
            raise Unavailable(f"{cannot}: {message_of(error)}") from error


def _version(temporal: Any, content: Content) -> AssetVersion:
    window = temporal.window
    begins = window.start_time.ToDatetime(tzinfo=UTC)
    observation = replace(to_observation(temporal.asset, content, begins), observed_at=begins, deleted=temporal.deleted)
    return AssetVersion(
        observation, begins, window.end_time.ToDatetime(tzinfo=UTC) if window.HasField("end_time") else None
    )
