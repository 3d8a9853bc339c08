"""Build a report from a store's content in one pass over the findings."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from setpoint.comparison import difference_text
from setpoint.detection import actor_resolution
from setpoint.detection.finding_events import begun, claim_text, data_of
from setpoint.errors import CorruptState
from setpoint.model import declaration_links, display_names
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.drift_history import beginning
from setpoint.model.drift_origin import WORDS, CommonChanges
from setpoint.model.grouping import cause_id, cause_of
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.model.severity import SEVERITIES
from setpoint.model.sources import Control
from setpoint.model.sweep_records import Sweep
from setpoint.reporting.finding_fields import fields_of
from setpoint.reporting.html import coverage
from setpoint.reporting.html.differences import fields
from setpoint.reporting.html.figures import Tally, status_of
from setpoint.reporting.html.model import Onset, Report, Row
from setpoint.reporting.html.timeline import steps

MAX_ROWS = 10_000
_MAX_FIELDS = 40
_LONGEST = 600
"""Maximum length of a value in a report, in characters."""


def _no_trail(_: ResourceKey) -> Sequence[AuditEntry]:
    return ()


def _nothing_watched(_: Sequence[ResourceState]) -> Mapping[ResourceKey, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Facts:
    """The input of a report.

    Args:
        states: the records with a finding.
        control: the sources and their declarations.
        sweeps: the records of all sweeps.
        is_watched: whether anything was ever observed or swept.
        store: URL of the store, for commands.
        trail: reads the audit trail of a finding, if it is to be shown.
        problems: errors of records that cannot be read; complete after the states were listed.
        watched: says what of each resource is watched.
    """

    states: Iterable[ResourceState]
    control: Control = field(default_factory=Control)
    sweeps: Iterable[Sweep] = ()
    is_watched: bool = True
    store: str = ""
    trail: Callable[[ResourceKey], Sequence[AuditEntry]] = _no_trail
    problems: Sequence[CorruptState] = ()
    watched: Callable[[Sequence[ResourceState]], Mapping[ResourceKey, str]] = _nothing_watched


def _onsets(finding: Finding) -> tuple[Onset, ...]:
    if finding.history is None:
        return ()
    return tuple(
        Onset(
            onset.path,
            onset.since,
            onset.at_least,
            "" if onset.before is msgspec.UNSET else difference_text.as_json(onset.before)[:_LONGEST],
            actor_resolution.describe(onset.actor),
            onset.reason,
        )
        for onset in finding.history.fields[:_MAX_FIELDS]
    )


def build(facts: Facts, since: datetime, now: datetime, most: int = MAX_ROWS) -> Report:
    """Build a report.

    Args:
        facts: the input.
        since: the start of the period for trends; findings that were resolved before are omitted.
        now: the current time.
        most: maximum number of findings: open ones first, then by severity, then the latest.
    """
    tally = Tally(since, now)
    common = CommonChanges()
    kept: list[tuple[tuple[bool, int, float], str, ResourceState]] = []
    total = 0
    for state in facts.states:
        finding = state.finding
        if finding is None:
            continue
        tally.add(state, finding)
        common.add(begun(state))
        if finding.resolved_at is not None and finding.resolved_at < since:
            continue
        total += 1
        ranked = (_rank(finding), state.key.id, state)
        if len(kept) < most:
            heapq.heappush(kept, ranked)
        else:
            heapq.heappushpop(kept, ranked)
    covered = coverage.coverage(facts.control, facts.sweeps)
    is_watched = facts.is_watched or total > 0 or covered.swept_at is not None
    notices = coverage.notices(covered, is_watched=is_watched, shown=len(kept), total=total, now=now)
    shown = [state for _, _, state in sorted(kept, reverse=True)]
    watched = facts.watched(shown)
    return Report(
        generated_at=now,
        since=since,
        store=facts.store,
        figures=tally.figures(),
        spans=tuple(tally.spans()),
        span_seconds=tally.span.total_seconds(),
        coverage=covered,
        is_watched=is_watched,
        notices=(*coverage.unreadable(facts.problems), *notices),
        rows=tuple(_row(state, facts, common, watched.get(state.key, "")) for state in shown),
        total=total,
    )


def _rank(finding: Finding) -> tuple[bool, int, float]:
    """Sort key of findings; the highest rank comes first: open, severe, recent."""
    is_over = finding.status != "open"
    return not is_over, SEVERITIES.index(finding.severity), finding.first_seen.timestamp()


def _row(state: ResourceState, facts: Facts, common: CommonChanges, watched: str) -> Row:
    finding = state.finding
    assert finding is not None  # noqa: S101 - only records with a finding were kept
    data = data_of(state)
    title = display_names.title(data.resource_name, data.content, data.asset_type, data.project)
    has_trail = state.remediation is not None or state.exemption is not None
    trail = facts.trail(state.key) if has_trail else ()
    began_at, at_least = beginning(finding.history, finding.first_seen)
    origin = common.origin(begun(state))
    return Row(
        **(fields_of(data) | {"first_seen": began_at}),
        id=state.key.id,
        what=title.kind,
        name=title.name,
        status=status_of(state, finding),
        owner=finding.owner,
        fields=fields(finding.differences[:_MAX_FIELDS], _LONGEST),
        field_count=finding.difference_count,
        source=finding.source.named,
        link=declaration_links.declared_at(finding.source),
        steps=steps(state, finding, trail),
        group=cause_id(cause_of(data)),
        at_least=at_least,
        origin=WORDS[origin.word],
        evidence=claim_text(finding) if finding.actor is not None else origin.evidence,  # the actor is beside it
        onsets=_onsets(finding),
        watched=watched,
    )
