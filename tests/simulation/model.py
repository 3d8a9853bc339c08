"""The model: a world that changes, and the product that watches it through messages, listings and declarations.

What holds in the end, whatever has happened before: after one sweep the open findings are those of a fresh comparison
of everything, none less and none more, and a consumer of the events knows the same ones. This is assumed of that sweep:

- it lists everything to its end, and names the asset types that there are;
- its listing is up to date, and the inventory's ``LAG`` has passed since anything was observed before it;
- messages that come after it are none of its business; so everything under way comes before it, or is lost;
- the bus takes what it is given.
- what has to last before it is a finding is given the time, and then somebody looks at the clock.

Of what comes before it nothing is assumed: listings lag up to ten minutes, break off, and are denied.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from setpoint import sweep as sweeping
from setpoint.adapters.memory.store import MemoryDeadLetters
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.documents import Problem
from setpoint.declarations.readers.load import LoadResult
from setpoint.declarations.readers.prune_protection import NOTHING, PruneProtection
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, TransientError
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.ports.services import Inventory
from setpoint.ports.stores import Store
from setpoint.sweep import LAG
from simulation.fleet import LONGEST_SETTLE, ORG, TYPES
from simulation.oracle import Drift, Oracle, consumed, drift_of
from simulation.ports import Bus, Crash, Trouble, WorldInventory, troubled
from simulation.sources import InForce, Mirror
from simulation.world import Message, World

CONTENTS: tuple[Content, ...] = ("resource", "iam_policy", "org_policy")
MAX_LAG = timedelta(minutes=10)
_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Listing:
    """How a sweep asks, and what the inventory makes of it."""

    scopes: Sequence[str] = (ORG,)
    contents: Sequence[Content] = CONTENTS
    types: Sequence[str] = TYPES
    lag: timedelta = timedelta(0)
    denied: tuple[str, ...] = ()
    breaks_after: int | None = None


class Applying(NamedTuple):
    """An apply that is under way."""

    source: str
    files: InForce
    prune: bool


class Model:
    """One episode: a fresh world, and a store in which nothing is known of it.

    Args:
        open_store: opens one more handle on the store, as a process does.
        counts: what has happened, over all episodes.
        checks_records: whether to look at all records after each step; costly where they have to be read.
    """

    def __init__(self, open_store: Callable[[], Store], counts: Counter[str], *, checks_records: bool = True) -> None:
        self._open = open_store
        self.counts = counts
        self._checks_records = checks_records
        self.world = World()
        self.mirror = Mirror()
        self.oracle = Oracle(self.world, self.mirror)
        self.files = {name: InForce() for name in self.mirror.sources}
        self.under_way: list[Message] = []
        self.delivered: list[Message] = []
        self.latest_delivered: dict[object, Message] = {}
        self._applying: Applying | None = None
        self.bus = Bus()
        self.dead_letters = MemoryDeadLetters()
        self.processes = [self._process() for _ in range(_PROCESSES)]

    def _process(self) -> Context:
        return Context(self._open(), self.bus, self.dead_letters, default_catalogue(), lambda: self.world.now)

    def close(self) -> None:
        for process in self.processes:
            process.store.close()

    def run(self, work: Callable[[Context], object], rng: random.Random, trouble: Trouble | None = None) -> bool:
        """Let a process do something; whether it came to its end.

        A process that has crashed is followed by a new one over the same store.
        """
        index = rng.randrange(_PROCESSES)
        process = self.processes[index]
        try:
            work(troubled(process, trouble) if trouble else process)
        except Crash:
            self.counts["crashes"] += 1
            process.store.close()
            self.processes[index] = self._process()
            return False
        except TransientError:
            self.counts["failures"] += 1
            return False
        return True

    def deliver(self, message: Message, rng: random.Random, trouble: Trouble | None = None) -> None:
        """Deliver a message; it stays under way where it was not handled."""
        if not self.run(lambda deps: pipeline.receive(message.body, {}, deps), rng, trouble):
            return
        if message in self.under_way:
            self.under_way.remove(message)
        self.counts["delivered"] += 1
        latest = self.latest_delivered.get(message.key)
        if latest is None or latest.time <= message.time:
            self.latest_delivered[message.key] = message
        else:
            self.counts["late"] += 1
        self.delivered = [*self.delivered[-20:], message]

    def sync(
        self, name: str, rng: random.Random, trouble: Trouble | None = None, *, prune: bool = True, bad: bool = False
    ) -> None:
        """Apply the files of a source."""
        files = self.files[name]
        problems = [Problem("bad.yaml", 1, "", "cannot be read")] if bad else []
        held = PruneProtection(frozenset({"bad.yaml"}), everything=True) if bad else NOTHING
        loaded = LoadResult(
            list(files.desired.values()), files.scopes, problems, policy=files.policy, prune_protection=held
        )
        request = ApplyRequest(name, prune=prune, max_removals=rng.choice((1.0, 1.0, 1.0, 0.3)), not_seen_yet=True)
        self._note_applied()  # this apply may come in the middle of another one of the source
        around = self._applying
        self._applying = Applying(
            name, InForce(dict(files.desired), files.scopes, files.policy), prune=prune and not bad
        )
        try:
            self.run(lambda deps: apply.sync(loaded, request, deps, self.world.now), rng, trouble)
        except BadRequest as refused:
            assert "max-removals" in str(refused)  # noqa: PT017 - what else it refuses is a bug
            self.counts["refused"] += 1
        self._note_applied()
        self._applying = around

    def _note_applied(self) -> None:
        """Whether the apply that is under way has come into force, its generation tells, however it has ended.

        Then it was planned with what the mirror shows: an apply of the source that came between would have refused it.
        """
        if self._applying is None:
            return
        name, files, prune = self._applying
        state = self.processes[0].store.control().value.sources.get(name)
        if state is not None and state.generation != self.mirror.sources[name].generation:
            after = self.mirror.after(name, files, prune=prune)
            after.generation = state.generation
            self.mirror.put(name, after)
            self.counts["applied"] += 1

    def sweep(self, listing: Listing, rng: random.Random, trouble: Trouble | None = None) -> bool:
        """Sweep a part of the fleet."""
        inventory = WorldInventory(self.world, listing.lag, listing.denied, listing.breaks_after)
        self.counts["sweeps"] += 1
        try:
            return self.run(lambda deps: self._sweep(listing, inventory, deps), rng, trouble)
        except BadRequest as error:
            assert "nothing was listed" in str(error)  # noqa: PT017 - what else it refuses is a bug
            return False

    def _sweep(self, listing: Listing, inventory: Inventory, deps: Context) -> None:
        sweeping.sweep(listing.scopes, listing.contents, listing.types, inventory, deps)

    def settle(self, inventory: Inventory | None = None) -> None:
        """Let the inventory's lag pass, sweep once, and look whether all is known, and nothing else."""
        self.bus.down = 0
        self.world.tick(LAG.total_seconds() + 1)
        process = self.processes[0]
        self._sweep(Listing(), inventory or WorldInventory(self.world), process)
        self.counts["sweeps"] += 1
        self.world.tick(LONGEST_SETTLE)
        pipeline.promote_settled(process)
        process.outbox.republish_pending()
        self.after_step()
        self._check(process.store)

    def _check(self, store: Store) -> None:
        self.counts["checks"] += 1
        for key in self.mirror.declared():
            desired, wanted = store.read(key).desired, self.mirror.desired(key)
            assert desired is not None, f"{key} is declared, and nobody knows"
            assert wanted is not None
            assert sorted(desired.digest.split("+")) == wanted.digest.split("+"), f"{key} is declared otherwise"
        expected = self.oracle.expected()
        open_drifts = {
            state.key: drift_of(state.finding)
            for state in store.states(drifted=True)
            if state.finding is not None and state.finding.status == "open"
        }
        modes = {state.finding.mode for state in store.states(drifted=True) if state.is_open}
        assert modes <= {self.mirror.mode}, "the policy is another one by now"
        assert consumed(self.bus.published) == open_drifts, "what a consumer has heard of is not what is open"
        assert not list(store.unpublished()), "something was never published"
        open_drifts = self._by_resource(open_drifts)
        lost = {key: drift for key, drift in expected.items() if open_drifts.get(key) != drift}
        false = {key: drift for key, drift in open_drifts.items() if expected.get(key) != drift}
        self.counts["lost"] += len(lost)
        self.counts["false"] += len(false)
        self.counts["compared"] += len(expected)
        assert not lost and not false, f"lost: {lost}; false: {false}"  # noqa: PT018 - told together

    def _by_resource(self, drifts: dict[ResourceKey, Drift]) -> dict[ResourceKey, Drift]:
        """Findings by the inventory's name of the resource; under which of its names it is kept depends on the past."""
        by_resource = {self.world.observed_key(key): drift for key, drift in drifts.items()}
        assert len(by_resource) == len(drifts), "a resource has open findings under two of its names"
        return by_resource

    def after_step(self) -> None:
        """What holds at any moment."""
        fresh, self.bus.fresh = self.bus.fresh, []
        for event in fresh:
            self.counts[event.type] += 1
            if event.type != "drift.resolved":
                assert self.oracle.was_true(event, MAX_LAG), f"this was never so: {event}"
        if self._checks_records:
            for state in self.processes[0].store.states(drifted=True):
                published = len(self.bus.published.get(state.key.id, ()))
                assert state.sequence - len(state.pending) <= published <= state.sequence, (
                    f"an event of {state.key} is lost"
                )
