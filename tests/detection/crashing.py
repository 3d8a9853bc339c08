"""Ports that stop the process at a chosen call, just before or just after it has had its effect."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal

from setpoint.detection.pipeline import Context
from sizes import size

When = Literal["before", "after"]

STEPS = {"read", "commit", "mark_published", "publish", "put"}


class Crash(BaseException):
    """The process is gone: nothing in the product may catch this and go on."""


def crash() -> None:
    raise Crash


class Stepped:
    """Passes every call on to a port, and does something else at one of them.

    Args:
        port: what stands behind.
        steps: counts the calls of all ports of one process.
        step: the call at which to do it, from 1.
        when: before the port sees that call, or after.
        do: what to do.
        names: the methods that count as steps.
    """

    def __init__(
        self,
        port: Any,
        steps: itertools.count[int],
        step: int,
        when: When,
        do: Callable[[], None],
        names: Collection[str] = STEPS,
    ) -> None:
        self._port = port
        self._steps = steps
        self._step = step
        self._when = when
        self._do = do
        self._names = names

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        return self._stepping(method) if name in self._names else method

    def _stepping(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            here = next(self._steps) == self._step
            if here and self._when == "before":
                self._do()
            result = method(*args)
            if here and self._when == "after":
                self._do()
            return result

        return call


def tried_steps(backend: str) -> Iterator[int]:
    """The steps at which to do it, in their order, without an end.

    In memory and in SQLite all of them. On Google's emulator, which is slow, a usual run tries each third, from any of
    the first three: another run begins at another.
    """
    every = size(3, 1) if backend == "firestore" else 1
    return itertools.count(random.randint(1, every), every)  # noqa: S311 - the seed of the run


def stepped(deps: Context, step: int, when: When, do: Callable[[], None] = crash) -> Context:
    """The same ports, with something happening at a step of the flow."""
    steps = itertools.count(1)
    return Context(
        store=Stepped(deps.store, steps, step, when, do),
        bus=Stepped(deps.bus, steps, step, when, do),
        dead_letters=Stepped(deps.dead_letters, steps, step, when, do),
        schemas=deps.schemas,
        clock=deps.clock,
        secret_key=deps.secret_key,
    )
