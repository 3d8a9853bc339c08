"""Whatever happens: after one sweep the findings are those of a fresh comparison, none lost and none false."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from model.actions import ACTIONS, Action, settle
from model.long_run import memory
from model.model import Model


class Machine(RuleBasedStateMachine):
    """The actions as rules, chosen and shrunk by Hypothesis."""

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
TestMachine.settings = settings(max_examples=40, stateful_step_count=50)
