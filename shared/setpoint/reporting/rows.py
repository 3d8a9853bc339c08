"""The rows of the daily snapshot: findings, coverage, sweeps, and a weekly digest.

Every row has its day; the rows of a day replace all earlier rows of that day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, NamedTuple

import msgspec

from setpoint.detection.finding_events import begun, data_of
from setpoint.model.actors import Actor
from setpoint.model.declaration import Desired, Mode
from setpoint.model.drift_origin import CommonChanges, DriftOrigin
from setpoint.model.events import Status
from setpoint.model.resource_key import Content, ResourceKey, project_of
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.model.severity import Kind, Severity
from setpoint.model.sweep_records import Sweep
from setpoint.reporting.finding_fields import fields_of

KEPT = timedelta(days=366)
"""How long a resolved finding is included; no view looks back further."""

WEEK = timedelta(days=7)
_PATHS = 50


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A finding on a day.

    Args:
        day: the day.
        taken_at: when the snapshot was taken.
        finding_id: the finding.
        resource_name: full resource name.
        asset_type: Cloud Asset Inventory's type.
        content: the content of the resource that drifted.
        project: project id if known, else its number.
        team: the owning team; empty if none is declared.
        kind: ``modified``, ``deleted`` or ``unmanaged``.
        status: ``open``, ``resolved``, ``exempted`` or ``accepted``.
        severity: ``low``, ``medium``, ``high`` or ``critical``.
        mode: the remediation mode.
        difference_count: number of differing fields.
        paths: paths of the differing fields, up to 50.
        fingerprint: changes when the differences do.
        first_seen: time of the first observation of this drift.
        last_seen: time of the latest observation of drift.
        count: number of observations of the drift since it began.
        episodes: how often this resource has drifted, including this time.
        sequence: sequence number of its last event; of events and snapshots the one with the greater number is later.
        reason: why it was resolved, exempted or accepted; empty while it is open.
        resolved_at: time of the observation that resolved it; null while it is open.
        actor: the actor behind the drift; null if unknown.
        remediation_step: step of its remediation; empty if there is none.
        remediation_reason: the reason for that step.
        exempted_since: start of its exemption; null if there is none.
        exempted_until: end of its exemption; null for no end, and if there is none.
        exempted_by: the person who exempted it.
        exempted_because: the reason of the exemption.
        declared_in: file and line of the declaration.
        origin: where the drift comes from: ``by_hand``, ``by_tool``, ``not_declared_yet``, ``not_applied``,
            ``absorbed``, ``by_google`` or ``unknown``.
        evidence: what the origin follows from.
        began_at: when the first of the differences began; null if the history was not read, or does not show it.
        began_at_least: it began then or earlier.
    """

    day: date
    taken_at: datetime
    finding_id: str
    resource_name: str
    asset_type: str
    content: Content
    project: str
    team: str
    kind: Kind
    status: Status
    severity: Severity
    mode: Mode
    difference_count: int
    paths: tuple[str, ...]
    fingerprint: str
    first_seen: datetime
    last_seen: datetime
    count: int
    episodes: int
    sequence: int
    reason: str = ""
    resolved_at: datetime | None = None
    actor: Actor | None = None
    remediation_step: str = ""
    remediation_reason: str = ""
    exempted_since: datetime | None = None
    exempted_until: datetime | None = None
    exempted_by: str = ""
    exempted_because: str = ""
    declared_in: str = ""
    origin: DriftOrigin = "unknown"
    evidence: str = ""
    began_at: datetime | None = None
    began_at_least: bool = False


class CoverageRow(msgspec.Struct, frozen=True, kw_only=True):
    """The coverage of the declared resources of one team, project and type.

    Args:
        day: the day.
        taken_at: when the snapshot was taken.
        team: their owner; empty if none is declared.
        project: the declared project, else that of the resource names; empty if neither is known.
        asset_type: Cloud Asset Inventory's type.
        content: the content of the resources.
        declared: number of declared resources.
        checked: number of declared resources that were compared with an observation.
    """

    day: date
    taken_at: datetime
    team: str
    project: str
    asset_type: str
    content: Content
    declared: int
    checked: int


class SweepRow(msgspec.Struct, frozen=True, kw_only=True):
    """The latest run of a sweep of the whole inventory; see ``model.sweep_records.Summary`` for the counters.

    Args:
        day: the day.
        taken_at: when the snapshot was taken.
        sweep: the sweep's name.
        scopes: its scopes.
        contents: its contents.
        types: asset types, or expressions for them; empty for all.
        started_at: its start.
        ended_at: its end; null while it is running.
        listed: number of listed assets.
        declared: number of declared resources and contents in the sweep.
        seen: those that were listed.
        in_sync: those that are as declared.
        drifted: those that are not.
        unchecked: those that were listed without readable state.
        unknown: those whose state the sweep could not determine.
        gone: number of declared resources that are deleted.
        denied: scopes without permission to list.
        failed: other incomplete shards.
    """

    day: date
    taken_at: datetime
    sweep: str
    scopes: tuple[str, ...]
    contents: tuple[str, ...]
    types: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None
    listed: int
    declared: int
    seen: int
    in_sync: int
    drifted: int
    unchecked: int
    unknown: int
    gone: int
    denied: tuple[str, ...]
    failed: tuple[str, ...]


class DigestRow(msgspec.Struct, frozen=True, kw_only=True):
    """A week of the fleet or of one team.

    Args:
        day: the first day after the week.
        taken_at: when it was generated.
        grouped_by: ``fleet`` or ``team``.
        name: the team; empty for the fleet, and for resources without an owner.
        began: findings whose drift began in the week.
        ended: findings that were resolved in the week.
        put_back: resources that Setpoint remediated in the week.
        open: findings that are open now.
        critical: open findings of this severity.
        high: open findings of this severity.
        medium: open findings of this severity.
        low: open findings of this severity.
        quiet: findings that are exempt or accepted now.
        oldest: when the oldest open drift began; null if none is open.
        actor: the actor behind most of the drifts that began; empty if unknown.
        text: a summary in a sentence or two.
    """

    day: date
    taken_at: datetime
    grouped_by: Literal["fleet", "team"]
    name: str
    began: int
    ended: int
    put_back: int
    open: int
    critical: int
    high: int
    medium: int
    low: int
    quiet: int
    oldest: datetime | None
    actor: str
    text: str


class SnapshotTime(NamedTuple):
    """The day and time of a snapshot.

    Args:
        day: its day, in UTC.
        time: when it is taken.
    """

    day: date
    time: datetime


def finding_row(state: ResourceState, taken: SnapshotTime, common: CommonChanges | None = None) -> FindingRow | None:
    """The row of a record; None without a finding, or for one that was resolved long ago.

    Args:
        state: the record.
        taken: when the snapshot is taken.
        common: the changes that many projects have in common; None to look at this record alone.
    """
    finding = state.finding
    if finding is None or _is_long_over(state, finding, taken.time):
        return None
    exemption, attempt = state.exemption, state.remediation
    origin = (common or CommonChanges()).origin(begun(state))
    return FindingRow(
        **fields_of(data_of(state)),
        day=taken.day,
        taken_at=taken.time,
        finding_id=state.key.id,
        team=finding.owner.team,
        status=finding.status,
        difference_count=finding.difference_count,
        paths=tuple(difference.path for difference in finding.differences[:_PATHS]),
        fingerprint=finding.fingerprint,
        sequence=state.sequence,
        remediation_step=attempt.step if attempt else "",
        remediation_reason=attempt.reason if attempt else "",
        exempted_since=exemption.since if exemption else None,
        exempted_until=exemption.until if exemption else None,
        exempted_by=exemption.by if exemption else "",
        exempted_because=exemption.reason if exemption else "",
        declared_in=str(finding.source),
        origin=origin.word,
        evidence=origin.evidence,
        began_at=finding.history.since if finding.history else None,
        began_at_least=finding.history.at_least if finding.history else False,
    )


def _is_long_over(state: ResourceState, finding: Finding, now: datetime) -> bool:
    exemption = state.exemption
    if exemption is not None and (exemption.until is None or exemption.until > now - KEPT):
        return False
    return finding.resolved_at is not None and finding.resolved_at < now - KEPT


class CoverageCounter:
    """Counts declared resources by team, project, type and content."""

    def __init__(self) -> None:
        self._declared: Counter[tuple[str, str, str, Content]] = Counter()
        self._checked: Counter[tuple[str, str, str, Content]] = Counter()

    def add(self, key: ResourceKey, desired: Desired, *, is_checked: bool) -> None:
        """Count a resource and content, under the team and project of its first declaration."""
        first = desired.declarations[0]
        group = (first.owner.team, first.project or project_of(key.name), first.asset_type, key.content)
        self._declared[group] += 1
        self._checked[group] += is_checked

    def rows(self, taken: SnapshotTime) -> Iterator[CoverageRow]:
        """One row for each team, project, type and content, in their order."""
        for group, declared in sorted(self._declared.items()):
            team, project, asset_type, content = group
            yield CoverageRow(
                day=taken.day,
                taken_at=taken.time,
                team=team,
                project=project,
                asset_type=asset_type,
                content=content,
                declared=declared,
                checked=self._checked[group],
            )


def sweep_row(sweep: Sweep, taken: SnapshotTime) -> SweepRow:
    """The row of a sweep; a running sweep has no counts yet."""
    start, summary = sweep.start, sweep.summary
    return SweepRow(
        day=taken.day,
        taken_at=taken.time,
        sweep=sweep.name,
        scopes=start.scopes,
        contents=start.contents,
        types=start.types,
        started_at=sweep.started_at,
        ended_at=summary.ended_at if summary else None,
        listed=summary.listed if summary else 0,
        declared=summary.declared if summary else 0,
        seen=summary.seen if summary else 0,
        in_sync=summary.in_sync if summary else 0,
        drifted=summary.drifted if summary else 0,
        unchecked=summary.unchecked if summary else 0,
        unknown=summary.unknown if summary else 0,
        gone=summary.deleted if summary else 0,
        denied=tuple(summary.denied) if summary else (),
        failed=tuple(summary.failed) if summary else (),
    )


class _Count:
    """The counters of one team, or of the fleet."""

    def __init__(self) -> None:
        self.began = 0
        self.ended = 0
        self.put_back = 0
        self.quiet = 0
        self.open: Counter[Severity] = Counter()
        self.oldest: datetime | None = None
        self.actors: Counter[str] = Counter()


class WeeklyDigest:
    """Counts a week from records in any order.

    Args:
        taken: the day after the week, and the time of generation.
    """

    def __init__(self, taken: SnapshotTime) -> None:
        self._taken = taken
        self._until = datetime.combine(taken.day, time(), UTC)
        self._fleet = _Count()
        self._teams: dict[str, _Count] = {}

    def add(self, state: ResourceState) -> None:
        """Count a record."""
        finding = state.finding
        if finding is None:
            return
        for count in (self._fleet, self._teams.setdefault(finding.owner.team, _Count())):
            self._count(count, state, finding)

    def _count(self, count: _Count, state: ResourceState, finding: Finding) -> None:
        if self._is_in_week(finding.first_seen):
            count.began += 1
            if finding.actor is not None:
                count.actors[finding.actor.principal] += 1
        if finding.resolved_at is not None and self._is_in_week(finding.resolved_at):
            count.ended += 1
        if state.remediation is not None and any(
            self._is_in_week(put.verified_at) for put in state.remediation.applied_fixes
        ):
            count.put_back += 1
        if finding.status == "open":
            count.open[finding.severity] += 1
            count.oldest = min(finding.first_seen, count.oldest or finding.first_seen)
        count.quiet += finding.status in ("exempted", "accepted")

    def _is_in_week(self, time: datetime) -> bool:
        return self._until - WEEK <= time < self._until

    def rows(self) -> Iterator[DigestRow]:
        """The fleet's row, then one per team in their order."""
        yield self._row("fleet", "", self._fleet)
        for team, count in sorted(self._teams.items()):
            yield self._row("team", team, count)

    def _row(self, grouped_by: Literal["fleet", "team"], name: str, count: _Count) -> DigestRow:
        actor = min(count.actors, key=lambda principal: (-count.actors[principal], principal), default="")
        return DigestRow(
            day=self._taken.day,
            taken_at=self._taken.time,
            grouped_by=grouped_by,
            name=name,
            began=count.began,
            ended=count.ended,
            put_back=count.put_back,
            open=count.open.total(),
            critical=count.open["critical"],
            high=count.open["high"],
            medium=count.open["medium"],
            low=count.open["low"],
            quiet=count.quiet,
            oldest=count.oldest,
            actor=actor,
            text=_text(grouped_by, name, count, actor, self._until),
        )


def _text(grouped_by: str, name: str, count: _Count, actor: str, until: datetime) -> str:
    whose = "the fleet" if grouped_by == "fleet" else name or "resources without an owner"
    last = (until - timedelta(days=1)).date()
    text = f"Drift of {whose} in the week to {last}: {count.began} began, {count.ended} ended"
    text += f", {count.put_back} remediated by Setpoint." if count.put_back else "."
    worst = [f"{count.open[level]} {level}" for level in ("critical", "high", "medium", "low") if count.open[level]]
    if count.oldest is not None:
        text += f" Open now: {count.open.total()} ({', '.join(worst)}), the oldest since {count.oldest.date()}."
    else:
        text += " Nothing is open."
    if count.quiet:
        text += f" {count.quiet} exempted or accepted."
    if actor:
        text += f" Most by {actor} ({count.actors[actor]})."
    return text
