"""Whatever is unknown of the inputs of a write decision, alone or together, nothing is written."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import combinations, islice
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, DECLARED, DRIFTED, KEY, PLACES, TYPE, URL, World
from remediation.in_process import in_process
from remediation.test_answers import UNREADABLE
from setpoint.adapters.memory.store import MemoryStore
from setpoint.detection import pipeline
from setpoint.errors import AccessDenied, CorruptState, SetpointError, Unavailable
from setpoint.model.declaration import Declaration
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy, Rule
from setpoint.model.source_grants import SourceGrant, Sources
from setpoint.model.sources import Control
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.engine import remediate, resume_due
from setpoint_tools.testing.google_apis import GoogleApis
from setpoint_tools.testing.google_faults import Fault
from sizes import histories, size

KNOWN = {"timeCreated": "2026-01-01T00:00:00Z", "projectNumber": "12"}
LIVE = {**DRIFTED, **KNOWN}
AGREED = replace(AUTO, rules=(Rule("all", mode="approve"),))
MODES: dict[str, Policy] = {
    "auto": AUTO,
    "approve": AGREED,
    "dry run": replace(AUTO, dry_run=True),
    "alert": replace(AUTO, rules=(Rule("all", mode="alert"),)),
    "off": replace(AUTO, rules=(Rule("all", mode="off"),)),
}
WRITES = ("auto", "approve")
"""The modes in which all that is known leads to a write."""


class Blind:
    """A store of which some records cannot be read, or are gone."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.instead: dict[str, Callable[..., Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return self.instead.get(name) or getattr(self._store, name)


class Places:
    """Cloud Resource Manager, with the project where it was or with an error."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def ancestors(self, number: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
        del number, known
        if self.error is not None:
            raise self.error
        return PLACES


class Case:
    """A bucket that drifts in an installation in which all is known, and what is made unknown of it."""

    def __init__(self, mode: str, store: Any = None) -> None:
        self.google = GoogleApis()
        self.store = Blind(store or MemoryStore())
        self.world = World(self.google, in_process(self.google), self.store)
        self.places = Places()
        context = self.world.context
        self.world.context = RemediationContext(context.detection, context.live_resources, context.worker, self.places)
        self.declaration = Declaration(KEY, TYPE, DECLARED)
        self.seen: dict[str, Any] = {"data": LIVE, "ancestors": PLACES, "project_id": "shop-prod"}
        self.mode = mode
        self.late: list[Callable[[], None]] = []

    def run(self) -> int:
        """Let it drift, be approved where that is asked, and be due for a day; the number of writes."""
        world, now = self.world, self.world.clock
        world.declare_all([(self.declaration,)], MODES[self.mode])
        world.google.put(URL, LIVE)
        with suppress(SetpointError):
            pipeline.handle_observation(Observation(KEY, TYPE, now(), **self.seen), world.deps)
        if self.mode == "approve":
            self.approve()
        for make_unknown in self.late:
            make_unknown()
        with suppress(SetpointError):
            remediate(KEY, world.context)
        for minutes in (1, 20, 70, 600, 700):
            now.forward(minutes=minutes)
            with suppress(SetpointError):
                resume_due(world.context)
        return world.writes

    def approve(self) -> None:
        """A person approves the drift that is shown, where any is."""
        with suppress(SetpointError):
            remediate(KEY, self.world.context)
            state = self.world.store.read(KEY).state
            if state is not None and state.remediation is not None:
                self.world.approve()

    def cannot_read(self, method: str) -> None:
        def corrupt(*_: Any, **__: Any) -> Any:
            raise CorruptState(f"{method}: the record cannot be read")

        self.late.append(lambda: self.store.instead.update({method: corrupt}))

    def answers(self, method: str, answer: Any) -> None:
        self.late.append(lambda: self.store.instead.update({method: lambda *_, **__: answer}))

    def api(self, fault: Fault) -> None:
        self.late.append(lambda: self.google.fail(fault, verb="GET", times=-1))


def without_control(case: Case) -> None:
    """The control record is gone: nothing says which declarations and which policy are in force."""
    stored = case.world.store.control()
    case.answers("control", type(stored)(Control(), None))
    read = case.store.read
    case.late.append(
        lambda: case.store.instead.update({"read": lambda key: replace(read(key), desired=None, rules=Rules())})
    )


def with_live(case: Case, live: dict[str, Any]) -> None:
    case.late.append(lambda: case.google.put(URL, live))


def with_sources(case: Case) -> None:
    """A source that may declare below a folder, of which nobody knows whether the resource is in it."""
    case.world.declare_sources(Sources((SourceGrant("git", ancestors=("folders/9",), carries=("policy", "limits")),)))
    case.seen["ancestors"] = ()


def stale(case: Case) -> None:
    case.late.append(lambda: case.world.clock.forward(days=8))


UNKNOWN: dict[str, Callable[[Case], None]] = {
    "project, folders and organisation": lambda case: case.seen.update(ancestors=()),
    "id of the project": lambda case: case.seen.update(project_id=""),
    "last observation": lambda case: case.answers("last_observation", None),
    "last observation unreadable": lambda case: case.cannot_read("last_observation"),
    "place of a source": with_sources,
    "guardrails": lambda case: case.cannot_read("safety_state"),
    "policy": lambda case: case.cannot_read("control"),
    "record": lambda case: case.cannot_read("read"),
    "declaration": lambda case: case.cannot_read("records"),
    "control record": without_control,
    "when it was applied": stale,
    "where its project is: denied": lambda case: setattr(case.places, "error", AccessDenied("p", "p.get", "403")),
    "where its project is: no answer": lambda case: setattr(case.places, "error", Unavailable("503")),
    "identity: another time": lambda case: with_live(case, {**LIVE, "timeCreated": "2026-03-01T00:00:00Z"}),
    "identity: another project": lambda case: with_live(case, {**LIVE, "projectNumber": "13"}),
    "identity: none": lambda case: with_live(case, DRIFTED),
    "identity: nothing at all": lambda case: with_live(case, {}),
    **{f"reading: {number}": lambda case, fault=fault: case.api(fault) for number, fault in enumerate(UNREADABLE)},
    **{
        f"reading: {status}": lambda case, status=status: case.api(Fault(status))
        for status in (400, 401, 403, 404, 410, 429, 500, 503)
    },
    "reading: lost": lambda case: case.api(Fault(lost="before")),
}


READINGS = [name for name in UNKNOWN if name.startswith("reading: ")]
"""What the API answers: a usual run tries some of them on every store, which all hear of it alike."""
ON_EVERY_STORE = [name for name in UNKNOWN if name not in READINGS or name in READINGS[:: size(6, 1)]]


class Unknown(NamedTuple):
    """What is unknown together, in a mode."""

    names: tuple[str, ...]
    mode: str


def writes(unknown: Unknown, store: Any = None) -> int:
    case = Case(unknown.mode, store)
    for name in unknown.names:
        UNKNOWN[name](case)
    return case.run()


@pytest.mark.parametrize("mode", MODES)
def test_where_all_is_known_the_mode_decides(mode):
    assert writes(Unknown((), mode)) == (mode in WRITES)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", UNKNOWN)
def test_one_unknown_is_enough_for_no_write(name, mode):
    assert writes(Unknown((name,), mode)) == 0


@pytest.mark.thorough
@pytest.mark.parametrize("name", ON_EVERY_STORE)
def test_one_unknown_is_enough_for_no_write_on_every_store(backend, name):
    assert writes(Unknown((name,), "auto"), backend.open()) == 0


def combined(seed: int) -> Iterator[Unknown]:
    """Every two, then more of them as they are drawn."""
    for pair in combinations(UNKNOWN, 2):
        yield from (Unknown(pair, mode) for mode in WRITES)
    draw = random.Random(seed)  # noqa: S311 - a test
    while True:
        count = draw.randint(3, len(UNKNOWN))
        yield Unknown(tuple(draw.sample(list(UNKNOWN), count)), draw.choice(list(MODES)))


@pytest.mark.thorough
def test_no_combination_of_unknowns_leads_to_a_write(seed):
    step, count = histories(9, 1, 1), histories(300, 4_000, 20_000)  # a usual run tries a part of the pairs
    for unknown in islice(combined(seed), seed % step, count * step, step):
        assert writes(unknown) == 0, unknown
