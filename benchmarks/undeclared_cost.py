"""The cost of watching undeclared values per event, by kind of message: `python benchmarks/undeclared_cost.py`.

Each message is judged and its record encoded, once with the watch and once with `undeclared: {report: off}`. A feed
sends a message whenever anything of a resource changes, so that most messages carry what only the server writes: the
same again, and a counter or a time that has moved. The kinds are those, a change of an undeclared field, a change of
a declared one, and the first observation.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cases import Case, cases
from msgspec.structs import replace
from run import best

from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import finding_state_machine
from setpoint.detection import verdict as judging
from setpoint.model import events, fleet_rules, resource_state
from setpoint.model import observation as observations
from setpoint.model.declaration import Desired, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy, Undeclared
from setpoint.model.resource_state import ResourceState

_NOW = datetime.now(UTC)
_ON = fleet_rules.rules((), Policy())
_OFF = fleet_rules.rules((), Policy(undeclared=Undeclared(report="off")))
_LATER = timedelta(days=1)
SHARES = {"same": 0.5, "server field": 0.38, "undeclared field": 0.06, "declared field": 0.05, "first": 0.01}
"""An assumed feed. Measure your own: `event` and `outcome` are in the log of each event."""


def server_field(data: dict[str, Any], stamp: int) -> dict[str, Any]:
    """The data with another `etag`."""
    return {**data, "etag": f"other {stamp}"}


def undeclared_field(data: dict[str, Any], declared: dict[str, Any]) -> dict[str, Any]:
    """The data with a switch turned that nobody declares, else with a label of somebody else."""
    name = next((name for name, value in data.items() if name not in declared and isinstance(value, bool)), "")
    return {**data, name: not data[name]} if name else {**data, "resourceLabelsOfOthers": {"team": "other"}}


def declared_field(data: dict[str, Any], declared: dict[str, Any]) -> dict[str, Any]:
    """The data with another value of a declared text."""
    names = [name for name, value in declared.items() if isinstance(value, str) and isinstance(data.get(name), str)]
    return {**data, names[-1]: "changed-by-somebody"} if names else data


_KINDS: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] | None] = {
    "same": lambda data, _: data,
    "server field": lambda data, _: server_field(data, 1),
    "undeclared field": undeclared_field,
    "declared field": declared_field,
    "first": None,
}


def _after(wanted: Desired, rules: Rules, observation: Observation, state: ResourceState | None) -> ResourceState:
    """The next record; its encoding is a part of the cost."""
    good, home, quiet = (state.last_good, state.home, state.suppressed) if state is not None else (None, "", ())
    verdict = judging.judge(wanted, rules, observation, default_catalogue(), home=home, good=good, quiet=quiet)
    after = finding_state_machine.advance(state, observation, verdict, _NOW).state
    assert after is not None
    resource_state.encode_state(after)
    for event in after.pending:
        events.encode(event)
    return after


def measure(case: Case) -> dict[str, tuple[float, float]] | None:
    """Seconds of a message with and without the watch, by kind; None for a resource that is not in sync."""
    wanted = desired((case.declaration,))
    seen = observations.parse(case.message)
    assert seen is not None
    first = replace(seen, observed_at=seen.observed_at - _LATER)
    if _after(wanted, _ON, first, None).finding is not None:
        return None
    figures = {}
    parse = best(lambda: observations.parse(case.message))
    for kind, change in _KINDS.items():
        taken = []
        for rules in (_ON, _OFF):
            state = _after(wanted, rules, first, None) if change is not None else None
            now = replace(seen, data=change(seen.data, case.declaration.data)) if change is not None else seen
            taken.append(parse + best(lambda: _after(wanted, rules, now, state), 25, 0.0004))  # noqa: B023 - called at once
        figures[kind] = (taken[0], taken[1])
    return figures


def main() -> int:
    """Measure, and print a line for each kind and one of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="measure each so manieth case")
    options = parser.parse_args()
    some, _ = cases()
    gc.freeze()
    measured = [figures for case in some[:: options.every] if (figures := measure(case)) is not None]
    more = {kind: statistics.median(case[kind][0] / case[kind][1] - 1 for case in measured) for kind in _KINDS}
    for kind in _KINDS:
        on, off = (statistics.median(case[kind][side] for case in measured) * 1e6 for side in (0, 1))
        sys.stdout.write(f"{kind:18} with {on:6.1f} µs, without {off:6.1f} µs: {more[kind]:+.0%}\n")
    feed = [sum(share * statistics.mean(case[kind][side] for case in measured) for kind, share in SHARES.items())
            for side in (0, 1)]  # fmt: skip
    sys.stdout.write(json.dumps({**{k: round(v, 3) for k, v in more.items()}, "feed": round(feed[0] / feed[1] - 1, 3)}))
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
