"""What a message shows of a group, in constant memory however many findings the group has."""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import datetime

from setpoint.alerting.model import AlertNotice, Thread
from setpoint.model.notice_view import FindingView, GroupView
from setpoint.model.remediation_attempt import UNDER_WAY
from setpoint.model.severity import SEVERITIES, Severity

_SAMPLES = 10
_MAX_PROJECTS = 20
_MAX_NAMES = 10
_MAX_COUNTED = 20_000
"""Different projects, teams or actors that are counted one by one; later ones count together."""


class GroupSummary:
    """Counts notices one after the other, and keeps the first and the worst few."""

    def __init__(self) -> None:
        self.size = 0
        self.first: AlertNotice | None = None
        self._worst: list[_Ranked] = []
        self._opened_at: datetime | None = None
        self._changed_at: datetime | None = None
        self._counters: dict[str, Counter[str]] = {
            name: Counter() for name in ("statuses", "severities", "projects", "teams", "actors")
        }

    def add(self, notice: AlertNotice) -> None:
        """Count one notice more."""
        shown, data = notice.shown, notice.shown.data
        self.first = self.first or notice
        self.size += 1
        self._opened_at = min(self._opened_at or data.first_seen, data.first_seen)
        self._changed_at = max(self._changed_at or shown.event_time, shown.event_time)
        self._count("statuses", data.status)
        if data.status == "open" and data.remediation is not None:
            self._counters["statuses"]["awaiting"] += data.remediation.step == "asked"
            self._counters["statuses"]["remediating"] += data.remediation.step in UNDER_WAY
        self._count("severities", data.severity)
        self._count("projects", data.project)
        self._count("teams", data.owner.team)
        self._count("actors", data.actor.principal if data.actor is not None else "")
        ranked = _Ranked(shown)
        if len(self._worst) < _SAMPLES:
            heapq.heappush(self._worst, ranked)
        elif self._worst[0] < ranked:
            heapq.heapreplace(self._worst, ranked)

    def _count(self, name: str, value: str) -> None:
        counter = self._counters[name]
        if value in counter or len(counter) < _MAX_COUNTED:
            counter[value] += 1

    def view(self, thread: Thread) -> FindingView | GroupView:
        """The content of a thread's message: one finding, or several of one cause.

        Args:
            thread: the thread; at least one notice was added.
        """
        assert self.first is not None  # noqa: S101 - as above; these tell the type checker
        if self.size == 1:
            return self.first.shown
        assert self._opened_at is not None  # noqa: S101 - as above
        assert self._changed_at is not None  # noqa: S101 - as above
        counters = self._counters
        return GroupView(
            id=thread.id,
            cause=thread.cause,
            severity=next(name for name in reversed(SEVERITIES) if counters["severities"][name]),
            opened_at=self._opened_at,
            changed_at=self._changed_at,
            total=self.size,
            statuses={name: count for name, count in counters["statuses"].items() if count},
            severities=dict(counters["severities"]),
            projects=dict(counters["projects"].most_common(_MAX_PROJECTS)),
            project_count=len(counters["projects"]),
            teams=dict(counters["teams"].most_common(_MAX_NAMES)),
            actors=dict(counters["actors"].most_common(_MAX_NAMES)),
            samples=tuple(ranked.shown for ranked in sorted(self._worst, reverse=True)),
        )


class _Ranked:
    """A finding that is less than one that is worse: open before closed, by severity, then by name."""

    __slots__ = ("_key", "shown")

    def __init__(self, shown: FindingView) -> None:
        self.shown = shown
        self._key = (shown.data.status != "open", -_rank(shown.data.severity), shown.data.resource_name)

    def __lt__(self, other: _Ranked) -> bool:
        return self._key > other._key


def _rank(severity: Severity) -> int:
    return SEVERITIES.index(severity)
