"""The model of a report: figures, days, coverage and findings, independent of the store."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from setpoint.model.actors import Actor
from setpoint.model.controller_claims import Proof
from setpoint.model.declaration import Mode, Owner
from setpoint.model.difference import Operation
from setpoint.model.notice_view import TimelineEntry
from setpoint.model.resource_key import Content
from setpoint.model.severity import Kind, Severity

PageStatus = Literal["open", "awaiting", "remediating", "resolved", "exempted", "accepted", "baseline"]
"""The status of a finding; open ones are also ``awaiting`` approval or ``remediating``, accepted ones ``baseline``."""

UNRESOLVED: frozenset[PageStatus] = frozenset(("open", "awaiting", "remediating"))
"""The statuses of open findings."""


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """A difference as text.

    Args:
        op: ``changed``, ``missing`` or ``unexpected``.
        path: the field; empty for the whole, and for a grant.
        declared: the declared value as JSON; empty if nothing is declared.
        observed: the observed value as JSON; empty if nothing is observed.
        grant: a missing or unexpected grant, as text; replaces the other fields.
        immutable: whether a revert means to replace the resource.
        undeclared: whether the value is undeclared; ``declared`` is the last known good one.
    """

    op: Operation
    path: str = ""
    declared: str = ""
    observed: str = ""
    grant: str = ""
    immutable: bool = False
    undeclared: bool = False


class Onset(msgspec.Struct, frozen=True, omit_defaults=True):
    """The beginning of a difference.

    Args:
        path: the field.
        since: when it took its value; None if unknown.
        at_least: whether it took it then or earlier.
        before: the value before as JSON; empty if nothing is known.
        by: who changed it; empty if unknown.
        reason: why something is not known.
    """

    path: str = ""
    since: datetime | None = None
    at_least: bool = False
    before: str = ""
    by: str = ""
    reason: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finding.

    Args:
        id: id of the finding.
        resource_name: full resource name.
        asset_type: Cloud Asset Inventory's type.
        content: the content of the resource that drifted.
        what: its display name, ``IAM of Bucket``.
        name: the last part of its name.
        project: project id if known, else its number.
        kind: ``modified``, ``deleted`` or ``unmanaged``.
        status: its status.
        severity: its severity.
        mode: the remediation mode.
        owner: its owner.
        fields: the differences, up to a limit.
        field_count: number of differing fields.
        first_seen: when this drift began.
        last_seen: time of the latest observation of the drift.
        count: number of observations of the drift.
        episodes: how often the resource has drifted.
        resolved_at: when it was resolved; None while it is open.
        reason: the reason for its status.
        actor: the actor behind the drift; None if unknown.
        source: file and line of its declaration.
        link: URL of that line; empty if unknown.
        steps: its timeline, oldest first.
        group: id of its group, which is alerted in one message.
        at_least: whether it began earlier than ``first_seen`` or then.
        origin: where the drift comes from, in words.
        evidence: what the origin follows from, besides the actor.
        onsets: the beginning of each difference.
        watched: what of the resource is watched; empty if nothing of it is declared.
    """

    id: str
    resource_name: str
    asset_type: str
    content: Content
    what: str
    name: str
    project: str
    kind: Kind
    status: PageStatus
    severity: Severity
    mode: Mode
    owner: Owner
    first_seen: datetime
    last_seen: datetime
    fields: tuple[Field, ...] = ()
    field_count: int = 0
    count: int = 1
    episodes: int = 1
    resolved_at: datetime | None = None
    reason: str = ""
    actor: Actor | None = None
    source: str = ""
    link: str = ""
    steps: tuple[TimelineEntry, ...] = ()
    group: str = ""
    at_least: bool = False
    origin: str = ""
    evidence: str = ""
    onsets: tuple[Onset, ...] = ()
    watched: str = ""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The headline figures; ``before`` refers to a period of the same length before this one.

    A finding counts only with its latest episode: earlier episodes are not included.

    Args:
        open: open findings.
        open_before: findings that were open at the start of the period.
        critical: critical open findings.
        critical_before: critical findings that were open at the start of the period.
        opened: findings whose drift began in the period.
        resolved: findings that were resolved in the period.
        seconds_to_resolve: mean duration of the resolved findings; None if there are none.
        seconds_before: the same for findings resolved in the period before; None if there are none.
        put_back: remediated fields or resources in the period, one per write.
        awaiting: open findings that wait for an approval.
        remediating: open findings with a remediation in progress.
        stopped: open findings whose remediation is stopped until a person resumes it.
        exempted: exempt or accepted findings, including the baseline.
        accepted: accepted findings, including the baseline.
        baseline: findings in the baseline: drift that existed before alerting began.
    """

    open: int = 0
    open_before: int = 0
    critical: int = 0
    critical_before: int = 0
    opened: int = 0
    resolved: int = 0
    seconds_to_resolve: float | None = None
    seconds_before: float | None = None
    put_back: int = 0
    awaiting: int = 0
    remediating: int = 0
    stopped: int = 0
    exempted: int = 0
    accepted: int = 0
    baseline: int = 0


class Span(msgspec.Struct, frozen=True):
    """An interval of the period.

    Args:
        start: its start.
        opened: findings whose drift began in it.
        resolved: findings that were resolved in it.
        open: number of open findings at its end by severity, the lowest first.
    """

    start: datetime
    opened: int
    resolved: int
    open: tuple[int, int, int, int]


class ReportCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """The coverage of the latest sweeps.

    Args:
        declared: number of declared resources and contents.
        swept: those in the scope of a sweep.
        in_sync: those that were as declared.
        drifted: those that had drifted.
        unknown: those whose state could not be determined.
        pending: unknown ones whose inventory name is not known yet.
        swept_at: end of the latest sweep; None if there was none.
        scopes: the scopes of the sweeps.
        missed: scopes and shards that could not be listed, with the reason.
        claims: number of undeclared resources that say that a controller made them, by what is known of that.
        evidence: the most frequent of those claims, with their numbers.
    """

    declared: int = 0
    swept: int = 0
    in_sync: int = 0
    drifted: int = 0
    unknown: int = 0
    pending: int = 0
    swept_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    claims: dict[Proof, int] = {}
    evidence: tuple[str, ...] = ()

    @property
    def compared(self) -> float | None:
        """The share of swept resources that could be compared; None if there were none."""
        return (self.in_sync + self.drifted) / self.swept if self.swept else None


class ReportNotice(msgspec.Struct, frozen=True):
    """A notice about the reliability of the figures.

    Args:
        level: ``warning``, or ``note``.
        text: the text.
    """

    level: Literal["warning", "note"]
    text: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The drift of a fleet at a time.

    Args:
        generated_at: that time.
        since: the start of the period.
        store: URL of the store, for commands.
        figures: the headline figures.
        spans: the intervals of the period, oldest first.
        span_seconds: the length of an interval in seconds.
        coverage: the coverage of sweeps.
        is_watched: whether anything was ever observed or swept; otherwise the report has no content.
        notices: the notices to show first.
        rows: the findings, the most severe first; up to a few ten thousand.
        total: total number of findings.
    """

    generated_at: datetime
    since: datetime
    store: str
    figures: Figures
    spans: tuple[Span, ...]
    span_seconds: float
    coverage: ReportCoverage
    is_watched: bool
    notices: tuple[ReportNotice, ...]
    rows: tuple[Row, ...]
    total: int
