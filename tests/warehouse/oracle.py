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
    for event in sorted(events, key=lambda each: each.sequence):
        last[event.data.finding_id] = event
    return {finding: event for finding, event in last.items() if event.data.status == "open"}


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def detected(published: Published, now: datetime) -> dict[tuple[str, str], tuple[int, float]]:
    """How many openings there were, and the mean of the seconds until the first publishing."""
    first: dict[str, datetime] = {}
    for event, published_at in published:
        first[event.id] = min(published_at, first.get(event.id, published_at))
    opened = of_type(within(published, now), "drift.opened")
    return {
        part: (len(events), mean([_milliseconds(first[later.id] - later.data.first_seen) / 1000 for later in events]))
        for part, events in grouped(opened).items()
    }


def resolved(events: list[CloudEvent]) -> dict[tuple[str, str], tuple[int, int, float | None]]:
    """How many were put right, how many ended otherwise, and the mean of the hours that the former took."""
    rows = {}
    for part, group in grouped(of_type(events, "drift.resolved")).items():
        right = [event.data for event in group if event.data.reason in ("in sync", "gone")]
        hours = mean([_milliseconds(data.resolved_at - data.first_seen) / 3_600_000 for data in right])
        rows[part] = (len(right), len(group) - len(right), hours)
    return rows


def _milliseconds(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)


def causes(events: list[CloudEvent]) -> Counter[tuple[str, str, str, str]]:
    """How many drifts each actor, hand, caller and method has caused."""
    known: dict[tuple[str, int], Any] = {}
    for event in sorted(events, key=lambda each: each.sequence):
        if event.type.startswith("drift."):
            drift = (event.data.finding_id, event.data.episodes)
            known[drift] = event.data.actor or known.get(drift)
    return Counter(
        (change.principal, change.kind, change.caller or "(unknown)", change.method) if change else ("(unknown)",) * 4
        for change in known.values()
    )


def flapping(events: list[CloudEvent]) -> dict[str, int]:
    episodes = defaultdict(set)
    for event in events:
        episodes[event.data.finding_id].add(event.data.episodes)
    return {finding: len(group) for finding, group in episodes.items() if len(group) >= 3}


def remediation(events: list[CloudEvent]) -> dict[tuple[str, str], tuple[int, ...]]:
    """Of each group: drifts, asked, started, succeeded, failed, blocked."""
    drifts: dict[tuple[str, int], set[str]] = defaultdict(set)
    belongs: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for event in events:
        if event.data.remediation is not None:
            drift = (event.data.finding_id, event.data.episodes)
            drifts[drift].add(event.type)
            executors = {name for group, name in belongs.get(drift, set()) if group == "executor"}
            executor = max([*executors, event.data.remediation.executor])
            belongs[drift] = {*parts(event), ("executor", executor)}
    kinds = ("requested", "started", "succeeded", "failed", "blocked")
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 6)
    for drift, types in drifts.items():
        for part in belongs[drift]:
            row = counts[part]
            row[0] += 1
            for column, kind in enumerate(kinds, start=1):
                row[column] += f"remediation.{kind}" in types
    return {part: tuple(row) for part, row in counts.items()}


def blocks(events: list[CloudEvent]) -> Counter[tuple[str, str, str, str]]:
    return Counter(
        (
            event.type,
            re.sub("[0-9]+", "#", event.data.remediation.reason),
            event.data.remediation.rule or "(no rule)",
            event.data.remediation.executor,
        )
        for event in of_type(events, "remediation.blocked", "remediation.failed")
    )


def trend(events: list[CloudEvent]) -> dict[Any, Counter[str]]:
    days: dict[Any, Counter[str]] = defaultdict(Counter)
    for event in events:
        days[event.time.date()][event.type] += 1
    return days
