"""Count the headline figures and their history in one pass over the findings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from setpoint.detection.finding_filter import is_baseline
from setpoint.model.remediation_attempt import UNDER_WAY
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.model.severity import SEVERITIES
from setpoint.reporting.html.model import Figures, PageStatus, Span

LONGEST = timedelta(days=366)
"""The longest period, since a chart shows a year of days at most."""

_SPANS = ((timedelta(hours=3), timedelta(minutes=5)), (timedelta(days=3), timedelta(hours=1)))
_DAY = timedelta(days=1)


def span_of(period: timedelta) -> timedelta:
    """The length of the intervals of a period: days, or hours or minutes for a short one."""
    return next((span for longest, span in _SPANS if period <= longest), _DAY)


def status_of(state: ResourceState, finding: Finding) -> PageStatus:
    """The status of a finding on the page."""
    if finding.status == "open" and state.remediation is not None:
        if state.remediation.step == "asked":
            return "awaiting"
        if state.remediation.step in UNDER_WAY or state.remediation.step == "handed_off":
            return "remediating"
    return "baseline" if is_baseline(state) else finding.status


class Tally:
    """Counts findings in a period.

    Args:
        since: the start of the period.
        now: the end of the period.
    """

    def __init__(self, since: datetime, now: datetime) -> None:
        self.since, self.now = since, now
        self.before = since - (now - since)
        self.span = span_of(now - since)
        self.start = _floor(since, self.span)
        parts = (now - self.start) // self.span + 1
        self._opened, self._resolved = [0] * parts, [0] * parts
        self._change = [[0] * parts for _ in SEVERITIES]
        self._carried = [0] * len(SEVERITIES)
        self._counts: dict[str, int] = {}
        self._lasted: list[float] = []
        self._lasted_before: list[float] = []

    def add(self, state: ResourceState, finding: Finding) -> None:
        """Count a finding."""
        status = status_of(state, finding)
        is_critical = finding.severity == "critical"
        if finding.status == "open":
            self._count("open")
            self._count("critical", is_critical)
            self._count(status, status != "open")
            self._count("stopped", state.remediation is not None and state.remediation.step == "stopped")
        self._count("exempted", finding.status in ("exempted", "accepted"))
        self._count("accepted", finding.status == "accepted")
        self._count("baseline", is_baseline(state))
        if state.remediation is not None:
            self._count("put_back", sum(put.verified_at >= self.since for put in state.remediation.applied_fixes))
        if finding.status not in ("exempted", "accepted"):
            self._time(finding, SEVERITIES.index(finding.severity))

    def _count(self, what: str, by: int = 1) -> None:
        self._counts[what] = self._counts.get(what, 0) + by

    def _time(self, finding: Finding, severity: int) -> None:
        began, ended = finding.first_seen, finding.resolved_at
        if began < self.since:
            self._count("open_before", ended is None or ended >= self.since)
            self._count("critical_before", finding.severity == "critical" and (ended is None or ended >= self.since))
        else:
            self._count("opened")
        if began < self.start:
            self._carried[severity] += ended is None or ended >= self.start
        else:
            self._opened[self._index(began)] += 1
            self._change[severity][self._index(began)] += 1
        if ended is None:
            return
        if ended >= self.start:
            self._resolved[self._index(ended)] += 1
            self._change[severity][self._index(ended)] -= 1
        lasted = (ended - began).total_seconds()
        if ended >= self.since:
            self._count("resolved")
            self._lasted.append(lasted)
        elif ended >= self.before:
            self._lasted_before.append(lasted)

    def _index(self, time: datetime) -> int:
        return min((time - self.start) // self.span, len(self._opened) - 1)

    def figures(self) -> Figures:
        """The headline figures of all counted findings."""
        known = {name: count for name, count in self._counts.items() if name in Figures.__struct_fields__}
        return Figures(**known, seconds_to_resolve=_mean(self._lasted), seconds_before=_mean(self._lasted_before))

    def spans(self) -> Iterator[Span]:
        """The intervals of the period."""
        open_at = [
            list(accumulate(change, initial=carried))[1:]
            for change, carried in zip(self._change, self._carried, strict=True)
        ]
        for index, (opened, resolved) in enumerate(zip(self._opened, self._resolved, strict=True)):
            low, medium, high, critical = (level[index] for level in open_at)
            yield Span(self.start + index * self.span, opened, resolved, (low, medium, high, critical))


def _floor(time: datetime, span: timedelta) -> datetime:
    """The start of the interval of a time, in UTC."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (time - epoch) // span * span


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
