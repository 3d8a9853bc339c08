from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import NamedTuple

import pytest

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.bootstrap import open_store
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection.pipeline import Context
from setpoint.ports.stores import StateStore
from setpoint.util import retries
from setpoint_tools.testing.emulators import clear_firestore, fresh_project
from setpoint_tools.testing.pubsub import PubSubProject

pytest_plugins = [
    "bytecode",
    "files_in_memory",
    "remediation.in_process",
    "run_options",
    "setpoint_tools.testing.plugin",
]

BACKENDS = ["memory", "sqlite", pytest.param("firestore", marks=pytest.mark.emulator)]


class Backend(NamedTuple):
    """An empty backend; each `open()` is one more handle on the same data."""

    name: str
    open: Callable[[], StateStore]


@pytest.fixture(params=BACKENDS)
def new_backend(request) -> Callable[[], Backend]:
    """Makes empty backends of one kind; all that they open is closed at the end."""
    return request.getfixturevalue(f"new_{request.param}")


@pytest.fixture
def at_the_end() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def new_memory() -> Callable[[], Backend]:
    def fresh() -> Backend:
        store = MemoryStore()
        return Backend("memory", lambda: store)

    return fresh


@pytest.fixture
def new_sqlite(tmp_path, at_the_end) -> Callable[[], Backend]:
    numbers = count()

    def fresh() -> Backend:
        url = f"sqlite:///{tmp_path}/{next(numbers)}.db"
        return Backend("sqlite", lambda: closing(at_the_end, open_store(url)))

    return fresh


@pytest.fixture
def new_firestore(firestore_emulator, monkeypatch, at_the_end) -> Callable[[], Backend]:
    monkeypatch.setenv(firestore_emulator.kind.variable, firestore_emulator.address)

    def fresh() -> Backend:
        project = fresh_project()
        at_the_end.callback(clear_firestore, firestore_emulator, project)
        return Backend("firestore", lambda: closing(at_the_end, open_store(f"firestore://{project}/(default)")))

    return fresh


def closing(stack: ExitStack, store: StateStore) -> StateStore:
    stack.callback(store.close)
    return store


@pytest.fixture
def backend(new_backend) -> Backend:
    return new_backend()


@pytest.fixture
def store(backend) -> StateStore:
    return backend.open()


@pytest.fixture
def hardly_pausing(monkeypatch) -> None:
    """Retries hardly pause: where others write first each time, the pauses of all attempts are four seconds."""
    monkeypatch.setattr(retries, "_LONGEST_PAUSE", 0.001)


@pytest.fixture
def deps() -> Context:
    return Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue())


@pytest.fixture
def pubsub(pubsub_project) -> Iterator[PubSubProject]:
    project = PubSubProject(pubsub_project)
    yield project
    project.close()
