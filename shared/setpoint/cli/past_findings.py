"""The findings at a time in the past, and the difference between two times, from the stored records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from rich.text import Text

from setpoint import bootstrap
from setpoint.cli.output import out, print_finding, print_status, print_warning
from setpoint.detection import finding_filter, past_findings
from setpoint.detection.finding_filter import FindingFilter
from setpoint.errors import BadRequest
from setpoint.model.resource_state import ResourceState
from setpoint.ports.stores import Problems
from setpoint.util.counts import counted


def states_as_of(states: Iterable[ResourceState], time: datetime) -> Iterator[ResourceState]:
    """The records of the drift at a past time; gaps are reported."""
    listed = list(states)
    past = past_findings.all_as_of(listed, time)
    print_status(f"as of {time:%Y-%m-%d %H:%M:%SZ}, from the stored records")
    first = min((state.finding.first_seen for state in listed if state.finding is not None), default=None)
    if first is not None and time < first:
        print_status(f"the store's first finding is of {first:%Y-%m-%d %H:%M:%SZ}; nothing was recorded before it")
    if past.unnoticed:
        print_status(f"{counted(past.unnoticed, 'finding')} had not been observed then, and are known from the history")
    if past.changed:
        print_warning(f"{counted(past.changed, 'finding')} had another form then; the present one is shown", "changed")
    if past.unknown:
        print_warning(
            f"{counted(past.unknown, 'resource')} drifted again since: whether they did then is not recorded", "unknown"
        )
    return iter(past.states)


def print_comparison(store: str, wanted: FindingFilter, first: datetime, second: datetime) -> None:
    """Print what began and what ended between two times, and the owners.

    Raises:
        BadRequest: the times are in the wrong order.
    """
    if first >= second:
        raise BadRequest("--compare names a time after --at")
    problems: Problems = []
    opened = bootstrap.open_store(store, create=False)
    try:
        listed = finding_filter.select(opened.states(drifted=True, problems=problems), wanted, second)
        compared = past_findings.compare(listed, first, second)
    finally:
        opened.close()
    for problem in problems:
        print_warning(str(problem), "unreadable")
    _print_part("began", compared.began)
    _print_part("ended", compared.ended)
    out.print(Text(f"{compared.stayed:,} drifted at both times", "dim"))
    if compared.unknown:
        print_warning(
            f"{counted(compared.unknown, 'resource')} drifted again since: what they did then is not recorded",
            "unknown",
        )


def _print_part(what: str, states: tuple[ResourceState, ...]) -> None:
    teams = Counter(state.finding.owner.team or "no team" for state in states if state.finding is not None)
    whose = ", ".join(f"{team} {count:,}" for team, count in teams.most_common())
    out.print(Text(f"{len(states):,} {what}{f': {whose}' if whose else ''}", "bold"))
    for state in sorted(states, key=lambda state: state.key):
        print_finding(out, state)
