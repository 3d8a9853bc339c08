"""Episodes: steps drawn from a seed, each by its own number, so that some can be left out and the rest replayed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from setpoint.ports.stores import Store
from simulation.actions import ACTIONS, settle
from simulation.model import Model

LENGTH = 150
"""Steps of an episode."""

_WEIGHTS = [action.weight for action in ACTIONS]


class Episode(NamedTuple):
    """A number of steps over one store.

    Args:
        seed: whatever all episodes of a run have in common.
        number: which of them this is.
        steps: the numbers of its steps.
    """

    seed: int
    number: int
    steps: Sequence[int] = range(LENGTH)

    def run(self, model: Model) -> None:
        """Take all steps, and look in the end whether all is right."""
        try:
            self.take(model)
            settle(model, self._choices(-1))
        finally:
            model.close()

    def take(self, model: Model) -> None:
        """Take all steps."""
        for step in self.steps:
            rng = self._choices(step)
            action = rng.choices(ACTIONS, _WEIGHTS)[0]
            model.counts["steps"] += 1
            action.do(model, rng)
            model.after_step()

    def step_names(self) -> str:
        """The steps by name."""
        names = (f"{step} {self._choices(step).choices(ACTIONS, _WEIGHTS)[0].name}" for step in self.steps)
        return ", ".join(names)

    def _choices(self, step: int) -> random.Random:
        """What a step draws lots with; the product, which shuffles its messages, draws the same ones each time."""
        seed = f"{self.seed}/{self.number}/{step}"
        random.seed(seed)
        return random.Random(seed)  # noqa: S311 - a sample


def failure(episode: Episode, open_store: Callable[[], Callable[[], Store]]) -> BaseException | None:
    """What goes wrong in an episode over a fresh store; None where nothing does."""
    try:
        episode.run(Model(open_store(), Counter()))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what goes wrong
        return error
    return None


def shortest(episode: Episode, open_store: Callable[[], Callable[[], Store]]) -> Episode:
    """A failing episode less all steps without which it still fails."""
    size = len(episode.steps)
    while size:
        start = 0
        while start < len(episode.steps):
            less = episode._replace(steps=(*episode.steps[:start], *episode.steps[start + size :]))
            if failure(less, open_store) is None:
                start += size
            else:
                episode = less
        size //= 2
    return episode
