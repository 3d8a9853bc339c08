"""Storms for long: `make storm`, or `PYTHONPATH=tests python -m chaos.storm --findings 100000 --seconds 600`.

Prints a line of JSON for each storm; ends with 1 where one is not as docs/reliability.md promises.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from chaos import cloud
from chaos.emulated_storm import emulated_storm
from chaos.simulated_storm import simulated_storm
from setpoint_tools.testing.emulators import FIRESTORE, PUBSUB, EmulatorMissing, running


def on_emulators(folder: Path, seconds: float) -> bool:
    with ExitStack() as stack:
        try:
            pubsub, firestore = (stack.enter_context(running(kind)) for kind in (PUBSUB, FIRESTORE))
        except EmulatorMissing as missing:
            sys.stderr.write(f"SKIPPED: {missing}\n")
            return True
        storm = emulated_storm(stack.enter_context(cloud.cloud(pubsub, firestore, folder)), seconds)
    _print(storm.figures())
    return storm.is_true


def _print(figures: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=100_000, help="on a simulated clock; 0 for none")
    parser.add_argument("--seconds", type=float, default=600.0, help="on Google's emulators; 0 for none")
    options = parser.parse_args()
    is_true = True
    with tempfile.TemporaryDirectory() as name:
        if options.findings:
            storm = simulated_storm(Path(name), options.findings)
            _print(storm.figures())
            is_true = not storm.wrong
        if options.seconds:
            is_true &= on_emulators(Path(name) / "emulated", options.seconds)
    return 0 if is_true else 1


if __name__ == "__main__":
    sys.exit(main())
