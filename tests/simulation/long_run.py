"""The long run of the model: episode after episode from one seed, and what came of them.

In ``tests/``: ``python -m simulation.long_run --steps 1000000``. A failure is told with its seed, its episode, the
fewest of its steps that still fail, and the command that replays them.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable

from setpoint.adapters.memory.store import MemoryStore
from setpoint.detection import undeclared_changes
from setpoint.ports.stores import Store
from simulation.episodes import LENGTH, Episode, failure, shortest
from simulation.model import Model

_SHOWN = (
    "steps", "episodes", "changes", "delivered", "messages lost", "late", "repeated", "applied", "sweeps", "crashes",
    "failures", "races", "drift.opened", "drift.changed", "drift.resolved", "checks", "compared", "lost", "false",
)  # fmt: skip


def memory() -> Callable[[], Store]:
    store = MemoryStore()
    return lambda: store


def run(seed: int, steps: int) -> Counter[str]:
    """Run episodes until so many steps are taken.

    Raises:
        SystemExit: one of them fails; says how to replay it.
    """
    counts: Counter[str] = Counter()
    while counts["steps"] < steps:
        episode = Episode(seed, counts["episodes"])
        try:
            episode.run(Model(memory(), counts))
        except Exception as error:
            raise SystemExit(replayable(episode, error)) from error
        counts["episodes"] += 1
    return counts


def replayable(episode: Episode, error: BaseException) -> str:
    """A failing episode, as short as it can be, and how to replay it."""
    short = shortest(episode, memory)
    steps = ",".join(map(str, short.steps))
    return (
        f"seed {episode.seed}, episode {episode.number}: {failure(short, memory) or error}\n"
        f"of its steps these fail: {short.step_names()}\n"
        f"again: python -m simulation.long_run --seed {episode.seed} --episode {episode.number} --only {steps}"
    )


def unwatched(*_: object) -> bool:
    """In place of ``undeclared_changes.is_watched``: what nobody declares has a history, and the model has none."""
    return False


def main() -> None:
    undeclared_changes.is_watched = unwatched
    parser = argparse.ArgumentParser(description="The long run of the model.")
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    parser.add_argument("--episode", type=int, help="only this one")
    parser.add_argument("--only", default="", help="of that episode only these steps, as a failure prints them")
    asked = parser.parse_args()
    if asked.episode is not None:
        only = [int(step) for step in asked.only.split(",") if step] or range(LENGTH)
        Episode(asked.seed, asked.episode, only).run(Model(memory(), Counter()))
        return
    started = time.monotonic()
    counts = run(asked.seed, asked.steps)
    seconds = time.monotonic() - started
    shown = "".join(f"{name}: {counts[name]:,}\n" for name in _SHOWN)
    sys.stdout.write(f"seed: {asked.seed}\n{shown}seconds: {seconds:,.0f}\n")


if __name__ == "__main__":
    main()
