"""A fake of Cloud Storage with states, and runs of ``apply`` over it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from declarations.state_runs import Runs
from setpoint.detection.pipeline import Context
from setpoint_tools.testing.storage_service import VARIABLE, StorageService, storage_service


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageService]:
    with storage_service() as (running, address):
        monkeypatch.setenv(VARIABLE, address)
        yield running


@pytest.fixture
def runs(service: StorageService, deps: Context) -> Runs:
    return Runs(service, deps)
