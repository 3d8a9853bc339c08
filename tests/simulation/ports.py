"""What stands behind the product's ports: a bus that checks what it takes, an inventory of the world, trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Literal

from setpoint.detection.pipeline import Context
from setpoint.errors import ScopeDenied, Unavailable
from setpoint.model.events import CloudEvent
from setpoint.model.resource_key import Content
from setpoint.ports.services import InventoryPage
from simulation.fleet import PROJECTS
from simulation.world import World

_PAGE = 7


class Crash(BaseException):
    """The process is gone: nothing in the product may catch this and go on."""


@dataclass(slots=True)
class Bus:
    """An ``EventBus`` that keeps the events of each finding in the order of their first publishing.

    Args:
        down: how many more times it takes only a part of what it is given.
        published: events by finding, each once.
        fresh: what was taken since somebody looked last.
        repeated: how many events came again.
    """

    down: int = 0
    published: dict[str, list[CloudEvent]] = field(default_factory=dict)
    fresh: list[CloudEvent] = field(default_factory=list)
    repeated: int = 0

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """See ``EventBus.publish``."""
        failing = self.down > 0
        self.down -= failing
        for event in events[: len(events) // 2] if failing else events:
            self._take(event)
        if failing:
            raise Unavailable("the bus is down")

    def _take(self, event: CloudEvent) -> None:
        events = self.published.setdefault(event.data.finding_id, [])
        number = int(event.sequence)
        if number <= len(events):
            assert events[number - 1] == event, f"two events of one finding have the number {number}"
            self.repeated += 1
            return
        assert number == len(events) + 1, f"event {number} of {event.subject} was told before event {len(events) + 1}"
        events.append(event)
        self.fresh.append(event)


@dataclass(slots=True)
class WorldInventory:
    """An ``Inventory`` of the world.

    Args:
        world: what it lists.
        lag: how old a state it shows.
        denied: scopes that nobody may list.
        breaks_after: the number of pages after which it does not answer; None for never.
    """

    world: World
    lag: timedelta = timedelta(0)
    denied: tuple[str, ...] = ()
    breaks_after: int | None = None

    def lists(self, asset_type: str) -> bool:
        """See ``Inventory.lists``."""
        del asset_type
        return True

    def pages(
        self, scope: str, content: Content, asset_types: Sequence[str] = (), *, page_token: str = ""
    ) -> Iterator[InventoryPage]:
        """See ``Inventory.pages``."""
        if scope in self.denied:
            raise ScopeDenied(scope, "may not be listed")
        number = PROJECTS.get(scope.removeprefix("projects/"))
        read_at = self.world.now
        listed = list(
            self.world.listed(
                f"projects/{number}" if number else scope, content, tuple(asset_types), read_at - self.lag
            )
        )
        for start in range(int(page_token or 0), max(len(listed), 1), _PAGE):
            if self.breaks_after is not None:
                if self.breaks_after == 0:
                    raise Unavailable("the inventory does not answer")
                self.breaks_after -= 1
            after = start + _PAGE
            yield InventoryPage(listed[start:after], str(after) if after < len(listed) else "", read_at)


@dataclass(slots=True)
class Trouble:
    """Something that happens at one call of a process to the world outside.

    Args:
        step: the call at which it happens, from 1.
        when: before the call has its effect, or after.
        do: what happens.
    """

    step: int
    when: Literal["before", "after"]
    do: Callable[[], object]

    def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.step -= 1
        here = self.step == 0
        if here and self.when == "before":
            self.do()
        result = method(*args, **kwargs)
        if here and self.when == "after":
            self.do()
        return result


class _Troubled:
    def __init__(self, port: Any, trouble: Trouble) -> None:
        self._port = port
        self._trouble = trouble

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._port, name)
        if name in ("sweeps", "names") and not callable(member):  # a port of its own; sweeps has a method of that name
            return _Troubled(member, self._trouble)
        return partial(self._trouble.call, member)


def troubled(deps: Context, trouble: Trouble) -> Context:
    """The same ports in another process, with trouble at one of its calls."""
    store, bus, letters = (_Troubled(port, trouble) for port in (deps.store, deps.bus, deps.dead_letters))
    return Context(store, bus, letters, deps.schemas, deps.clock)


def crash() -> None:
    raise Crash


def no_answer() -> None:
    raise Unavailable("nobody answers")
