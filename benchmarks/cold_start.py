"""Cold start of each function over the bare imports of the Google clients that it needs, one process each, in turn.

functions-framework is imported before the clock starts: it is the platform's. The function's own time is that of its
`main.py` and of all that its first event makes: the ports and the catalogue.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

CLIENTS = {
    "detect": ("detector", ("google.cloud.firestore", "google.cloud.pubsub_v1")),
    "remediate": ("remediator", ("google.cloud.firestore", "google.cloud.pubsub_v1", "google.auth.transport.requests")),
    "sweep": ("sweeper", ("google.cloud.firestore", "google.cloud.pubsub_v1", "google.cloud.asset_v1")),
    "sync": ("syncer", ("google.cloud.firestore", "google.cloud.pubsub_v1", "google.cloud.storage")),
}
"""Of each function, what of `wiring` its first event calls, and the clients that it needs."""

ENVIRONMENT = {
    "SETPOINT_STORE": "firestore://fleet-ops/setpoint",
    "SETPOINT_EVENTS_TOPIC": "projects/fleet-ops/topics/drift-events",
    "SETPOINT_DEAD_LETTER_TOPIC": "projects/fleet-ops/topics/dead-letters",
    "SETPOINT_SWEEP_TOPIC": "projects/fleet-ops/topics/sweeps",
    "SETPOINT_SWEEP_SECONDS": "60",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
    "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
}

_TIMED = """
import sys, time, functions_framework, google.auth
from google.auth.credentials import AnonymousCredentials
google.auth.default = lambda *_, **__: (AnonymousCredentials(), "fleet-ops")
started = time.perf_counter()
{work}
print(time.perf_counter() - started)
"""
_BARE = "import importlib\nfor name in {clients!r}:\n    importlib.import_module(name)"
_FUNCTION = "import runpy\nrunpy.run_path({main!r})\nfrom setpoint import wiring\nwiring.{maker}()"


def measure(name: str, rounds: int) -> dict[str, float]:
    """Milliseconds of the bare imports and of the function, and the median of their ratios."""
    maker, clients = CLIENTS[name]
    bare = _BARE.format(clients=clients)
    function = _FUNCTION.format(main=str(ROOT / "functions" / name / "main.py"), maker=maker)
    pairs = [(_timed(bare), _timed(function)) for _ in range(rounds)]
    return {
        "bare_ms": round(min(one for one, _ in pairs) * 1000, 1),
        "function_ms": round(min(other for _, other in pairs) * 1000, 1),
        "ratio": round(statistics.median(other / one for one, other in pairs), 3),
    }


def _timed(work: str) -> float:
    command = [sys.executable, "-c", _TIMED.format(work=work)]
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Measure each function; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    names = {main.parent.name for main in ROOT.glob("functions/*/main.py")}
    assert names == CLIENTS.keys(), f"say which clients {names ^ CLIENTS.keys()} needs"
    print(json.dumps({name: measure(name, rounds) for name in CLIENTS}))


if __name__ == "__main__":
    main()
