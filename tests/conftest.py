from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from setpoint.adapters.memory import MemoryStore
from setpoint.ports import StateStore
from setpoint.testing.emulators import clear_firestore, fresh_project
from setpoint.wiring import open_store

pytest_plugins = ["setpoint.testing.plugin"]

BACKENDS = ["memory", "sqlite", pytest.param("firestore", marks=pytest.mark.emulator)]


class Backend(NamedTuple):
    """An empty backend; each `open()` is one more handle on the same data."""

    name: str
    open: Callable[[], StateStore]


@pytest.fixture(params=BACKENDS)
def new_backend(request) -> Iterator[Callable[[], Backend]]:
    """Makes empty backends of one kind; all that they open is closed at the end."""
    with ExitStack() as stack:
        yield request.getfixturevalue(f"new_{request.param}")(stack)


@pytest.fixture
def new_memory():
    def new() -> Backend:
        store = MemoryStore()
        return Backend("memory", lambda: store)

    return lambda _stack: new


@pytest.fixture
def new_sqlite(tmp_path):
    def new(stack: ExitStack) -> Callable[[], Backend]:
        numbers = iter(range(1_000_000))

        def fresh() -> Backend:
            url = f"sqlite:///{tmp_path}/{next(numbers)}.db"
            return Backend("sqlite", lambda: closing(stack, open_store(url)))

        return fresh

    return new


@pytest.fixture
def new_firestore(firestore_emulator, monkeypatch):
    monkeypatch.setenv(firestore_emulator.kind.variable, firestore_emulator.address)

    def new(stack: ExitStack) -> Callable[[], Backend]:
        def fresh() -> Backend:
            project = fresh_project()
            stack.callback(clear_firestore, firestore_emulator, project)
            return Backend("firestore", lambda: closing(stack, open_store(f"firestore://{project}/(default)")))

        return fresh

    return new


def closing(stack: ExitStack, store: StateStore) -> StateStore:
    stack.callback(store.close)
    return store


@pytest.fixture
def backend(new_backend) -> Backend:
    return new_backend()


@pytest.fixture
def store(backend) -> StateStore:
    return backend.open()
