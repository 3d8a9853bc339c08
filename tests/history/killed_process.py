"""Processes that read histories, and are killed when they have an answer that they have not stored."""

from __future__ import annotations

import os
import signal
from typing import Any

import requests

from history.past_bucket import NOW
from setpoint.adapters.google.asset_history import GoogleAssetHistory
from setpoint.adapters.google.cloud_logging import GoogleActivityLogs
from setpoint.adapters.google.rest import GoogleRest
from setpoint.adapters.memory.store import MemoryDeadLetters
from setpoint.attribution.history import HistoryReader, read_histories
from setpoint.bootstrap import open_store
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection.pipeline import Context
from setpoint_tools.testing.asset_service import AssetService


class Life:
    """The answers that a process takes.

    Args:
        answers: their number; the process is killed at the last one.
    """

    def __init__(self, answers: int) -> None:
        self._left = answers

    def spend(self) -> None:
        """Count an answer."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class DoomedAssets:
    """``AssetHistory`` that is killed by an answer."""

    def __init__(self, assets: GoogleAssetHistory, life: Life) -> None:
        self._assets, self._life = assets, life

    def histories(self, *question: Any) -> Any:
        answer = self._assets.histories(*question)
        self._life.spend()
        return answer


class DoomedLogs:
    """``ActivityLogs`` that is killed by a page."""

    def __init__(self, logs: GoogleActivityLogs, life: Life) -> None:
        self._logs, self._life = logs, life

    def pages(self, windows: Any) -> Any:
        for page in self._logs.pages(windows):
            self._life.spend()
            yield page


def lives(url: str, assets_at: str, logs_at: str, page_size: int) -> None:
    """Read all histories into a store by one process after the other; each but the last is killed at its second answer.

    The code of each process is printed, a line each. They are forked, before any of them has a connection, so that
    modules are loaded once.
    """
    code = -signal.SIGKILL
    while code == -signal.SIGKILL:
        child = os.fork()
        if not child:
            os._exit(_read(url, assets_at, logs_at, page_size))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)  # noqa: T201 - the caller reads it


def _read(url: str, assets_at: str, logs_at: str, page_size: int) -> int:
    life = Life(2)
    context = Context(open_store(url), None, MemoryDeadLetters(), default_catalogue(), clock=lambda: NOW)
    assets = GoogleAssetHistory(AssetService(assets_at).client())
    logs = GoogleActivityLogs(GoogleRest(requests.Session(), logs_at), page_size=page_size)
    result = read_histories(HistoryReader(context, DoomedAssets(assets, life), DoomedLogs(logs, life)))
    return 0 if result.is_complete else 1
