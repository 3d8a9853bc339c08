"""Fixtures for pytest: Google's emulators, a fresh project on them, and fakes of services.

Load them with ``pytest_plugins = ["setpoint_tools.testing.plugin"]``. A test that needs an emulator which is not
installed is skipped with the reason, and the summary at the end says so once more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from pytest_mock import MockerFixture

from setpoint_tools.testing.emulators import (
    FIRESTORE,
    PUBSUB,
    Emulator,
    EmulatorKind,
    EmulatorMissing,
    clear_firestore,
    fresh_project,
    shared,
)

if TYPE_CHECKING:
    from setpoint.adapters.google.rest import GoogleRest
    from setpoint_tools.testing.asset_service import AssetService
    from setpoint_tools.testing.cloud_logging import CloudLogging
    from setpoint_tools.testing.google_apis import GoogleApis

_HERE = "127.0.0.1,localhost"
_WORKER_OUTPUT = "setpoint_missing"
_missing: pytest.StashKey[dict[str, str]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Make room for what is found missing; the fakes are here, whatever proxy the machine has.

    Where ``requests`` is told so, it does not look through all variables twice for each request.
    """
    config.stash[_missing] = {}
    spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if not spared.endswith(_HERE):
        spared = f"{spared},{_HERE}".removeprefix(",")
    os.environ.update(no_proxy=spared, NO_PROXY=spared)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a worker of pytest-xdist tell what it found missing."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_WORKER_OUTPUT] = session.config.stash[_missing]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear what a worker of pytest-xdist found missing."""
    node.config.stash[_missing].update(getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT, {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which emulators were missing."""
    for reason in config.stash[_missing].values():
        terminalreporter.write_line(f"SKIPPED: {reason}", yellow=True, bold=True)


@pytest.fixture(scope="session")
def pubsub_emulator(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Google's Pub/Sub emulator, up for the whole session; the workers of pytest-xdist share it."""
    yield from _up(PUBSUB, pytestconfig, tmp_path_factory)


@pytest.fixture(scope="session")
def firestore_emulator(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Google's Firestore emulator, up for the whole session; the workers of pytest-xdist share it."""
    yield from _up(FIRESTORE, pytestconfig, tmp_path_factory)


def _up(kind: EmulatorKind, config: pytest.Config, folders: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = folders.getbasetemp()
    try:
        with shared(kind, folder.parent if hasattr(config, "workerinput") else folder) as emulator:
            yield emulator
    except EmulatorMissing as missing:
        config.stash[_missing][kind.title] = str(missing)
        pytest.skip(f"SKIPPED: {missing}")


@pytest.fixture
def pubsub_project(pubsub_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh project on the Pub/Sub emulator, which Google's clients now talk to."""
    monkeypatch.setenv(pubsub_emulator.kind.variable, pubsub_emulator.address)
    return fresh_project()


@pytest.fixture
def firestore_project(firestore_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A fresh project on the Firestore emulator, which Google's clients now talk to; emptied afterwards."""
    monkeypatch.setenv(firestore_emulator.kind.variable, firestore_emulator.address)
    project = fresh_project()
    yield project
    clear_firestore(firestore_emulator, project)


@pytest.fixture
def asset_service(mocker: MockerFixture) -> Iterator[AssetService]:
    """A fake Cloud Asset Inventory, to which every ``AssetServiceClient`` of the test talks, without credentials."""
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - only for tests that need it
    from google.cloud.asset_v1.services.asset_service.transports import AssetServiceGrpcTransport  # noqa: PLC0415

    from setpoint_tools.testing.asset_service import asset_service as running_service  # noqa: PLC0415 - as above

    with running_service() as service:
        mocker.patch.object(AssetServiceGrpcTransport, "create_channel", service.transport)
        mocker.patch("google.auth.default", return_value=(AnonymousCredentials(), None))  # type: ignore[no-untyped-call]
        yield service


@pytest.fixture
def cloud_logging_at() -> Iterator[tuple[CloudLogging, str]]:
    """A fake of Cloud Logging, and its address, which ``SETPOINT_GOOGLE_APIS`` may name."""
    from setpoint_tools.testing.cloud_logging import cloud_logging as running_logging  # noqa: PLC0415 - as above

    with running_logging() as running:
        yield running


@pytest.fixture
def cloud_logging(cloud_logging_at: tuple[CloudLogging, str]) -> CloudLogging:
    """The entries that the fake of Cloud Logging holds, and how it is to behave."""
    return cloud_logging_at[0]


@pytest.fixture
def google_apis_at() -> Iterator[tuple[GoogleApis, str]]:
    """A fake of Google's REST APIs, made from their discovery documents, and its address."""
    pytest.importorskip(
        "googleapiclient", reason="google-api-python-client, which holds the documents, is not installed"
    )
    from setpoint_tools.testing.google_apis import google_apis as running_apis  # noqa: PLC0415 - only for tests that need it

    with running_apis() as running:
        yield running


@pytest.fixture
def google_apis(google_apis_at: tuple[GoogleApis, str]) -> GoogleApis:
    """The resources that the fake of Google's REST APIs holds, and the faults that it is to show."""
    return google_apis_at[0]


@pytest.fixture
def google_rest(google_apis_at: tuple[GoogleApis, str]) -> Iterator[GoogleRest]:
    """The product's own client of Google's REST APIs, which talks to the fake, impatiently and without credentials."""
    import requests  # noqa: PLC0415 - only for tests that need it

    from setpoint.adapters.google.rest import GoogleRest, RetryPolicy  # noqa: PLC0415 - as above

    with requests.Session() as session:
        yield GoogleRest(session, google_apis_at[1], RetryPolicy(call=5, first=0.001, longest=0.01))
