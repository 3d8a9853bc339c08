"""Chaos for long: `make chaos`, or `PYTHONPATH=tests python -m chaos --messages 100000 --emulated 20000`.

Prints a line of JSON for each scenario; ends with 1 where anything was lost, false or double.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from chaos import cloud, embedded, poison
from chaos.truth import Report
from setpoint_tools.testing.emulators import FIRESTORE, PUBSUB, EmulatorMissing, running


def on_sqlite(messages: int, folder: Path) -> Iterator[Report]:
    yield embedded.killed_workers(_made(folder / "workers"), messages, resources=max(messages // 50, 100))
    yield poison.poisoned_store(_made(folder / "poison"), max(messages // 5, 1_000))
    yield embedded.full_disk(_made(folder / "disk"), max(messages // 10, 1_000))


def on_emulators(messages: int, folder: Path) -> Iterator[Report]:
    with ExitStack() as stack:
        try:
            pubsub, firestore = (stack.enter_context(running(kind)) for kind in (PUBSUB, FIRESTORE))
        except EmulatorMissing as missing:
            sys.stderr.write(f"SKIPPED: {missing}\n")
            return
        for name, (scenario, share) in cloud.SCENARIOS.items():
            with cloud.cloud(pubsub, firestore, folder / name) as system:
                system.patience += messages / 10
                yield scenario(system, max(int(messages * share), 200))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="on SQLite")
    parser.add_argument("--emulated", type=int, default=20_000, help="on Google's emulators; 0 for none")
    options = parser.parse_args()
    is_true = True
    with tempfile.TemporaryDirectory() as name:
        for reports in (on_sqlite(options.messages, Path(name)), on_emulators(options.emulated, Path(name))):
            for report in reports:
                sys.stdout.write(json.dumps(report.figures()) + "\n")
                sys.stdout.flush()
                is_true &= report.is_true
            if not options.emulated:
                break
    return 0 if is_true else 1


if __name__ == "__main__":
    sys.exit(main())
