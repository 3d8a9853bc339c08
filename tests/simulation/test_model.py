"""Whatever happens: after one sweep the findings are those of a fresh comparison, none lost and none false."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from setpoint.adapters.google.asset_inventory import AssetInventory
from setpoint.detection import pipeline, undeclared_changes
from setpoint.detection.outbox import Outbox
from setpoint.model.resource_key import ResourceKey
from setpoint.sweep import conclude, coordinator, list_shard
from simulation.actions import ACTIONS, Action, settle
from simulation.episodes import Episode, failure, shortest
from simulation.long_run import memory, run, unwatched
from simulation.model import Model
from simulation.world import EPOCH, as_asset
from sizes import size


@pytest.fixture(autouse=True, scope="module")
def _nothing_undeclared_is_watched():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(undeclared_changes, "is_watched", unwatched)
        yield


class Machine(RuleBasedStateMachine):
    """The actions as rules; Hypothesis chooses them, and leaves out of a failure whatever it can do without."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(memory(), Counter())

    def teardown(self) -> None:
        settle(self.model, random.Random(0))  # noqa: S311 - a sample
        self.model.close()


def _rule(action: Action):
    def step(self, seed):
        action.do(self.model, random.Random(seed))  # noqa: S311 - a sample
        self.model.after_step()

    step.__name__ = action.name
    return rule(seed=st.integers(0, 2**16))(step)


for _action in ACTIONS:
    setattr(Machine, _action.name, _rule(_action))

TestMachine = Machine.TestCase
TestMachine.pytestmark = [pytest.mark.thorough]
TestMachine.settings = settings(max_examples=size(12, 250), stateful_step_count=50)


@pytest.mark.thorough
@pytest.mark.parametrize("which", ["fixed", "random"])
def test_after_one_sweep_nothing_is_lost_and_nothing_false(which, seed):
    steps = size(1_000, 10_000)
    counts = run(20261124 if which == "fixed" else seed, steps)  # a failure says its seed and its steps
    assert counts["steps"] >= steps
    assert (counts["lost"], counts["false"]) == (0, 0)
    for what in ("messages lost", "late", "repeated", "crashes", "failures", "races", "sweeps", "drift.resolved"):
        assert counts[what] > steps / 400, f"the model no longer shows {what}"


@pytest.mark.thorough
def test_the_same_holds_in_a_file(new_sqlite):
    for number in range(size(4, 20)):
        Episode(1, number).run(Model(new_sqlite().open, Counter()))


@pytest.mark.emulator
def test_the_same_holds_in_firestore(new_firestore):
    Episode(1, 0).run(Model(new_firestore().open, Counter(), checks_records=False))


@pytest.mark.parametrize("number", range(5))
def test_the_same_holds_where_the_last_sweep_reads_from_the_asset_service(asset_service, number):
    model = Model(memory(), Counter())
    Episode(2, number).take(model)
    model.under_way.clear()
    for asset in model.world.assets.values():
        versions = {kind: model.world.latest(ResourceKey(asset.name, kind)) for kind in asset.contents}
        if versions["resource"].data is not None:
            fields = {}
            for content, version in versions.items():
                fields |= as_asset(asset, content, version)
            asset_service.put(
                {**fields, "updateTime": max(observed.time for observed in versions.values()).isoformat()}
            )

    model.settle(AssetInventory(asset_service.client(), page_size=5))

    assert model.counts["compared"] > 0


FLAWS = {
    "a sweep that finds nothing gone": (conclude, "_judge", lambda *_: None),
    "a flow that publishes nothing": (Outbox, "publish_pending", lambda *_: None),
    "a sweep that never overrules": (list_shard, "known_at", lambda *_: EPOCH),
    "a sweep that learns no ids": (coordinator, "_record_projects", lambda *_: None),
    "a flow that leaves what is known by two names": (pipeline, "_ended", lambda *_: None),
    "a clock that nobody looks at": (pipeline, "promote_settled", lambda *_: Counter()),
}


@pytest.mark.parametrize("flaw", FLAWS.values(), ids=FLAWS)
def test_a_flaw_is_found_and_told_in_few_steps(monkeypatch, flaw):
    monkeypatch.setattr(*flaw)
    failing = next(episode for episode in (Episode(5, number) for number in range(300)) if failure(episode, memory))

    short = shortest(failing, memory)

    assert failure(short, memory) is not None
    assert len(short.steps) <= 24
