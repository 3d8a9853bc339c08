"""All figures of Setpoint's speed in one run: `make bench`.

Each part is a process of its own that ends with a line of JSON. Prints a table, and one line of JSON at the end.

    python benchmarks/bench.py
    python benchmarks/bench.py --only emulated cold_start
    python benchmarks/bench.py --million            # a sweep and an apply of 1,000,000 too; some ten minutes
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

_HERE = Path(__file__).parent
_MILLION = 1_000_000
_FUNCTIONS = sorted(main.parent.name for main in _HERE.parent.glob("functions/*/main.py"))


class Figure(NamedTuple):
    """A figure, where it is in what a part has told, and what it may be.

    Args:
        name: what it is.
        part: the part that tells it.
        value: takes it from what the part has told.
        most: the budget, where less is better.
        least: the budget, where more is better.
    """

    name: str
    part: str
    value: Callable[[Any], float]
    most: float | None = None
    least: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the budget is kept."""
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)


def _keyed(name: str) -> Callable[[Any], float]:
    return lambda figures: float(figures[name])


def _of(name: str, figure: str) -> Callable[[Any], float]:
    return lambda figures: float(figures[name][figure])


FIGURES = (
    Figure("event path / orjson.loads, median", "run", _keyed("event path / orjson.loads, median"), most=4),
    Figure("event path / orjson.loads, p95 by size", "run", _keyed("event path / orjson.loads, p95"), most=6),
    Figure("message of a change / orjson.loads, median", "run", _keyed("message of a change / orjson.loads, median")),
    Figure("first observation / orjson.loads, median", "run", _keyed("first observation / orjson.loads, median")),
    Figure("DeepDiff / comparing", "run", _keyed("DeepDiff / compare, median"), least=45),
    Figure("dictdiffer / comparing", "run", _keyed("dictdiffer / compare, median")),
    Figure("jsonpatch / comparing", "run", _keyed("jsonpatch / compare, median")),
    Figure("jsondiff / comparing", "run", _keyed("jsondiff / compare, median")),
    Figure("embedded with SQLite / orjson.loads", "run", _keyed("pipeline with SQLite / orjson.loads"), most=20),
    Figure("sweep of 50,000, s", "sweep", lambda figures: figures["50000"]["first"]["seconds"], most=10),
    Figure(
        "sweep of 50,000 / bare listing",
        "sweep",
        lambda figures: figures["50000"]["first"]["seconds"] / figures["50000"]["bare"]["seconds"],
    ),
    Figure("sweep of 1,000,000, s", "million", lambda figures: figures[str(_MILLION)]["first"]["seconds"], most=200),
    Figure("apply of 50,000, s", "apply", _keyed("first_s"), most=20),
    Figure("apply of 50,000 / parsing YAML", "apply", lambda figures: figures["first_s"] / figures["bare_s"]),
    *(
        Figure(f"cold start of {name} / bare imports", "cold_start", _of(name, "ratio"), most=1.15)
        for name in _FUNCTIONS
    ),
    *(
        Figure(f"the same with interpreter and framework, {name}", "cold_start", _of(name, "whole_ratio"))
        for name in _FUNCTIONS
    ),
    Figure("worker / emulators' bare rate", "emulated", _keyed("worker_ratio"), least=0.5),
    Figure("push / emulator's bare push", "emulated", _keyed("push_ratio"), least=0.5),
    Figure("push / push with the same bare calls", "emulated", _keyed("push_over_bare_calls")),
    Figure(
        "observation to write, p99, SQLite, ms",
        "remediation",
        lambda figures: figures["observation_to_write"]["sqlite"]["p99_ms"],
        most=50,
    ),
)

PARTS = {
    "run": ["run.py"],
    "sweep": ["sweep.py", "50000"],
    "apply": ["apply.py", "--counts", "50000", "--formats", "native"],
    "cold_start": ["cold_start.py"],
    "emulated": ["emulated.py"],
    "remediation": ["remediation.py"],
    "million": ["sweep.py", str(_MILLION)],
    "million_apply": ["apply.py", "--counts", str(_MILLION), "--formats", "native"],
}
"""What is run for each part."""


def measure(part: str) -> dict[str, Any]:
    """What a part tells, how long it took and the most memory that a process of it had, in MB."""
    script, *arguments = PARTS[part]
    started = time.perf_counter()
    command = [sys.executable, str(_HERE / script), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    figures = json.loads(lines[-1]) if process.returncode == 0 and lines else None
    seconds = round(time.perf_counter() - started, 1)
    return {"told": figures, "seconds": seconds, "peak_mb": round(usage.ru_maxrss / 1024, 1)}


def main() -> int:
    """Run the parts; 1 where one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS))
    parser.add_argument("--million", action="store_true")
    options = parser.parse_args()
    names = options.only or [name for name in PARTS if options.million or not name.startswith("million")]
    parts = {name: measure(name) for name in names}
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    table = Table(title=f"ratios of one run; {machine}", title_justify="left")
    for column in ("figure", "measured", "budget", ""):
        table.add_column(column, justify="left" if column == "figure" else "right")
    figures: dict[str, float] = {}
    for figure in FIGURES:
        part = parts.get(figure.part)
        if part is None or part["told"] is None:
            continue
        value = figures[figure.name] = round(figure.value(part["told"]), 3)
        bound = f"≤ {figure.most:g}" if figure.most else f"≥ {figure.least:g}" if figure.least else ""
        table.add_row(figure.name, f"{value:,.2f}", bound, "" if figure.holds(value) else "over")
    for name, part in parts.items():
        table.add_row(f"peak memory of {name}, MB", f"{part['peak_mb']:,.0f}", "", "" if part["told"] else "failed")
    Console(width=100).print(table)
    print(json.dumps({"machine": machine, "figures": figures, "parts": parts}))
    return 0 if all(part["told"] is not None for part in parts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
