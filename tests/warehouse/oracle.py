"""What the views have to answer, worked out from the events in plain Python and never by their SQL."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from setpoint.model.events import CloudEvent

Published = list[tuple[CloudEvent, datetime]]


def within(published: Published, now: datetime, days: int = 90) -> list[CloudEvent]:
    """Each event once, of those that happened since the begin of the day so many days ago."""
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    once = {event.id: event for event, _ in published}
    return [event for event in once.values() if since <= event.time < now + timedelta(days=1)]


def team(name: str) -> str:
    return name or "(no team)"


def parts(event: CloudEvent) -> list[tuple[str, str]]:
    """The groups that an event counts for."""
    data = event.data
    return [
        ("fleet", ""),
        ("team", team(data.owner.team)),
        ("project", data.project),
        ("asset_type", data.asset_type),
    ]


def grouped(events: Iterable[CloudEvent]) -> dict[tuple[str, str], list[CloudEvent]]:
    groups = defaultdict(list)
    for event in events:
        for part in parts(event):
            groups[part].append(event)
    return groups


def of_type(events: Iterable[CloudEvent], *types: str) -> list[CloudEvent]:
    return [event for event in events if event.type in types]


def open_findings(events: list[CloudEvent]) -> dict[str, CloudEvent]:
    """The last word of each finding, of those that are open."""
    last: dict[str, CloudEvent] = {}
    for event in sorted(events, key=lambda one: one.sequence):
        last[event.data.finding_id] = event
    return {finding: event for finding, event in last.items() if event.data.status == "open"}


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def detected(published: Published, now: datetime) -> dict[tuple[str, str], tuple[int, float]]:
    """How many openings there were, and the mean of the seconds until the first publishing."""
    first: dict[str, datetime] = {}
    for event, at in published:
        first[event.id] = min(at, first.get(event.id, at))
    opened = of_type(within(published, now), "drift.opened")
    return {
        part: (len(events), mean([_milliseconds(first[one.id] - one.data.first_seen) / 1000 for one in events]))
        for part, events in grouped(opened).items()
    }


def resolved(events: list[CloudEvent]) -> dict[tuple[str, str], tuple[int, int, float | None]]:
    """How many were put right, how many ended otherwise, and the mean of the hours that the former took."""
    found = {}
    for part, ones in grouped(of_type(events, "drift.resolved")).items():
        right = [one.data for one in ones if one.data.reason in ("in sync", "gone")]
        hours = mean([_milliseconds(one.resolved_at - one.first_seen) / 3_600_000 for one in right])
        found[part] = (len(right), len(ones) - len(right), hours)
    return found


def _milliseconds(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)


def causes(events: list[CloudEvent]) -> Counter[tuple[str, str, str, str]]:
    """How many drifts each actor, hand, caller and method has caused."""
    known: dict[tuple[str, int], Any] = {}
    for event in sorted(events, key=lambda one: one.sequence):
        if event.type.startswith("drift."):
            drift = (event.data.finding_id, event.data.episodes)
            known[drift] = event.data.actor or known.get(drift)
    return Counter(
        (one.principal, one.kind, one.caller or "(unknown)", one.method) if one else ("(unknown)",) * 4
        for one in known.values()
    )


def flapping(events: list[CloudEvent]) -> dict[str, int]:
    episodes = defaultdict(set)
    for event in events:
        episodes[event.data.finding_id].add(event.data.episodes)
    return {finding: len(ones) for finding, ones in episodes.items() if len(ones) >= 3}


def remediation(events: list[CloudEvent]) -> dict[tuple[str, str], tuple[int, ...]]:
    """Of each group: drifts, asked, started, succeeded, failed, blocked."""
    drifts: dict[tuple[str, int], set[str]] = defaultdict(set)
    belongs: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for event in events:
        if event.data.remediation is not None:
            drift = (event.data.finding_id, event.data.episodes)
            drifts[drift].add(event.type)
            executors = {one for group, one in belongs.get(drift, set()) if group == "executor"}
            executor = max([*executors, event.data.remediation.executor])
            belongs[drift] = {*parts(event), ("executor", executor)}
    told = ("requested", "started", "succeeded", "failed", "blocked")
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 6)
    for drift, types in drifts.items():
        for part in belongs[drift]:
            row = found[part]
            row[0] += 1
            for at, one in enumerate(told, start=1):
                row[at] += f"remediation.{one}" in types
    return {part: tuple(row) for part, row in found.items()}


def blocks(events: list[CloudEvent]) -> Counter[tuple[str, str, str, str]]:
    return Counter(
        (
            one.type,
            re.sub("[0-9]+", "#", one.data.remediation.reason),
            one.data.remediation.rule or "(no rule)",
            one.data.remediation.executor,
        )
        for one in of_type(events, "remediation.blocked", "remediation.failed")
    )


def trend(events: list[CloudEvent]) -> dict[Any, Counter[str]]:
    days: dict[Any, Counter[str]] = defaultdict(Counter)
    for event in events:
        days[event.time.date()][event.type] += 1
    return days
