"""Readers of the inventory's history and of the audit logs, with the credentials of the environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from setpoint.bootstrap.settings import from_environment

if TYPE_CHECKING:
    from setpoint.attribution.history import HistoryReader, HistoryResult
    from setpoint.detection.pipeline import Context
    from setpoint.model.resource_key import ResourceKey

_CALLS_OF_ONE = 30
"""The most calls about one finding."""
_FINDINGS_A_CALL = 20
"""Findings that a call explains, about."""


def history_reader(context: Context, calls: int | None = None) -> HistoryReader:
    """Open the reader of when findings began and who changed the resource.

    Args:
        context: the context of detection.
        calls: the most calls of both APIs together; None for any number.

    Raises:
        BadRequest: there are no credentials.
    """
    from setpoint.adapters.google import asset_history, asset_inventory, cloud_logging, rest
    from setpoint.adapters.google.call_pace import CallBudget, CallPace
    from setpoint.attribution.history import HistoryReader

    settings = from_environment(os.environ)
    budget = CallBudget(calls)
    assets = asset_history.GoogleAssetHistory(asset_inventory.client(), CallPace(asset_history.CALLS_A_MINUTE, budget))
    # Each call is counted, so that retries are left to the reader of the logs.
    api = rest.open_apis(settings.google_apis, rest.RetryPolicy(tries=1))
    logs = cloud_logging.GoogleActivityLogs(api, CallPace(cloud_logging.CALLS_A_MINUTE, budget))
    return HistoryReader(context, assets, logs, settings.accounts(), mask_ip=settings.masks_ip())


def history_run(context: Context, calls: int) -> Callable[[ResourceKey | None], HistoryResult | None]:
    """A function that reads the history of one finding, or of all findings with an unknown start.

    Args:
        context: the context of detection.
        calls: the most calls of each run; 0 switches it off.
    """

    def read(key: ResourceKey | None) -> HistoryResult | None:
        if not calls:
            return None
        from setpoint.attribution import history

        if key is not None:
            return history.read_history_of(key, history_reader(context, _CALLS_OF_ONE))
        reader = history_reader(context, calls)
        # Logs are read after each round, so that a small budget explains some findings rather than dating all.
        return history.read_histories(replace(reader, round_size=calls * _FINDINGS_A_CALL))

    return read
