"""Parents and children in different shards, in any order, over every store; runs that die in between."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from claims.controlled_fleet import ALL, LONG_AGO, ORG, Fleet, cluster, compute, dataproc, group
from detection.swept_fleet import Queue, deliver, ended, work_off
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.declarations import apply
from setpoint.detection import parent_types
from setpoint.detection.pipeline import Context
from setpoint.errors import Unavailable
from setpoint.model.declaration import Declaration, desired
from setpoint.model.sweep_records import PendingWork, SweepStart
from setpoint.ports.services import InventoryPage
from setpoint.sweep import Sweeper

START = SweepStart((ORG,), ("resource",))
MADE = (
    cluster("prod", pools=("a",)),
    cluster("web-1", project="web", host="host", pools=()),
    group("web"),
    dataproc("etl"),
)
FORGED = compute("Instance", "zones/z/instances/miner", labels={"goog-k8s-cluster-name": "ghost"})


def sweeper_of(fleet: Fleet, store: Any, **how: Any) -> Sweeper:
    """An installation whose process has read nothing yet."""
    deps = Context(store, MemoryBus(), MemoryDeadLetters(), None, lambda: fleet.now)
    return Sweeper(deps, fleet, Queue(), **how)


@pytest.fixture
def fleet(store: Any) -> Fleet:
    group_manager = MADE[2].parent
    declared = desired((Declaration(group_manager.key, group_manager.asset_type, {}),))
    apply.declare(store, [declared], (ALL,), LONG_AGO)
    host = compute("Project", "//compute.googleapis.com/projects/host", project="host", xpnProjectStatus="HOST")
    return Fleet().add(*MADE, FORGED, host)


def findings(store: Any) -> dict[str, str]:
    return {
        state.key.name.rpartition("/")[2]: state.finding.claim.proof
        for state in store.states(drifted=True)
        if state.finding is not None and state.finding.status == "open"
    }


@pytest.mark.parametrize("seed", range(3))
def test_no_order_of_shards_makes_an_alarm_of_what_controllers_made(fleet: Fleet, store: Any, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - an order, not a secret

    def drawn(queue: Queue) -> Any:
        queue.rotate(-rng.randrange(len(queue)))
        return queue.popleft()

    for run in range(3):
        sweeper = sweeper_of(fleet, store, shard_size=9)
        deliver(START, sweeper, str(run))
        assert run == 0 or len(sweeper.queue) > 2
        sweeper.queue.extend(list(sweeper.queue))
        summary = ended(work_off(sweeper, drawn))
        proofs = {entry.claim.proof for entry in summary.unreported}
        assert proofs == ({"exists", "missing"} if run == 0 else {"exists"})
        fleet.now += timedelta(hours=3)
        deliver(PendingWork(), sweeper)
    assert findings(store) == {"miner": "missing"}


def test_each_shard_may_be_listed_by_another_process(fleet: Fleet, store: Any) -> None:
    first = sweeper_of(fleet, store, shard_size=9)
    deliver(START, first, "0")
    work_off(first)
    deliver(START, first, "1")
    messages = list(first.queue)
    for message in messages:
        other = sweeper_of(fleet, store, shard_size=9)
        deliver(message, other)
        messages.extend(other.queue)
    assert findings(store) == {}
    assert sum(1 for _ in store.sweeps.sweeps()) == 1


class Dying(Fleet):
    """An inventory that does not answer for the second page of parents."""

    def pages(
        self, scope: str, content: Any, asset_types: Any = (), *, page_token: str = ""
    ) -> Iterator[InventoryPage]:
        for place, page in enumerate(super().pages(scope, content, asset_types, page_token=page_token)):
            if place == 1 and parent_types.CLUSTER in asset_types:
                raise Unavailable("the inventory does not answer")
            yield page


def test_a_start_that_died_while_it_listed_parents_begins_again(fleet: Fleet, store: Any) -> None:
    dying = Dying(resources=fleet.resources, page=2)
    with pytest.raises(Unavailable):
        deliver(START, sweeper_of(dying, store), "0")
    assert list(store.sweeps.sweeps()) == []
    sweeper = sweeper_of(fleet, store)
    deliver(START, sweeper, "0")
    summary = ended(work_off(sweeper))
    assert {entry.claim.proof for entry in summary.unreported} == {"exists", "missing"}


def test_a_listing_of_which_records_are_gone_refutes_nothing(fleet: Fleet, store: Any) -> None:
    sweeper = sweeper_of(fleet, store)
    deliver(START, sweeper, "0")
    (stored,) = store.sweeps.sweeps()
    store.sweeps.drop_run(stored.value.parents)
    summary = ended(work_off(sweeper))
    assert {entry.claim.proof for entry in summary.unreported} == {"unchecked"}


def test_the_listing_before_is_dropped_with_its_run(fleet: Fleet, store: Any) -> None:
    sweeper = sweeper_of(fleet, store)
    runs = []
    for run in range(3):
        deliver(START, sweeper, str(run))
        work_off(sweeper)
        (stored,) = store.sweeps.sweeps()
        runs.append(stored.value.parents)
        fleet.now += timedelta(hours=6)
    assert [len(list(store.sweeps.shards(run))) for run in runs] == [0, 0, 1]
