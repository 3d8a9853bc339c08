"""What a report says: figures, days, coverage and findings, in words that need no further knowledge of the store."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from setpoint.model.actors import Actor
from setpoint.model.declaration import Mode, Owner
from setpoint.model.difference import Operation
from setpoint.model.notice_view import TimelineEntry
from setpoint.model.resource_key import Content
from setpoint.model.severity import Kind, Severity

PageStatus = Literal["open", "awaiting", "remediating", "resolved", "exempted", "accepted"]
"""The status of a finding, of the open ones also whether a person is to approve or somebody is putting it back."""

UNRESOLVED: frozenset[PageStatus] = frozenset(("open", "awaiting", "remediating"))
"""Statuses of findings that people are told of."""


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One difference, in words.

    Args:
        op: ``changed``, ``missing`` or ``unexpected``.
        path: the field; empty for the whole, and for a grant.
        declared: the declared value as JSON; empty where nothing is declared.
        observed: the observed value as JSON; empty where nothing is there.
        grant: a grant that is missing or unexpected, in words; it says all by itself.
        immutable: putting it back means making the resource anew.
    """

    op: Operation
    path: str = ""
    declared: str = ""
    observed: str = ""
    grant: str = ""
    immutable: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finding.

    Args:
        id: the finding.
        resource_name: full resource name.
        asset_type: Cloud Asset Inventory's type.
        content: what of the resource drifted.
        what: what it is called, ``IAM of Bucket``.
        name: the last part of its name.
        project: project id where known, else its number.
        kind: ``modified``, ``deleted`` or ``unmanaged``.
        status: how it stands.
        severity: its severity.
        mode: what may be done about it.
        owner: its owner.
        fields: what differs, as many as are shown.
        field_count: how many fields differ.
        first_seen: when this drift began.
        last_seen: the latest observation that showed it.
        count: observations that showed it.
        episodes: how often the resource has drifted.
        resolved_at: when it ended; None while it lasts.
        reason: why it is as it is.
        actor: who is behind it; None while that is not known.
        source: file and line of its declaration.
        link: address of that line; empty where none is known.
        steps: what has happened to it, oldest first.
        group: the id of its cause, which it shares with those that are told with it in one message.
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


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The headline figures; what is called ``before`` is of as long a time before the period.

    A finding tells of its latest episode alone: what had come to an end before it drifted again is not counted.

    Args:
        open: open findings.
        open_before: those that were open when the period began.
        critical: open findings that are critical.
        critical_before: those that were open when the period began.
        opened: findings whose drift began in the period.
        resolved: findings that were resolved in the period.
        seconds_to_resolve: how long those had lasted, on average; None where there are none.
        seconds_before: the same of those resolved before; None where there are none.
        put_back: fields or resources that Setpoint has remediated in the period, a write each.
        awaiting: open findings that wait for somebody to approve.
        remediating: open findings whose remediation is under way.
        stopped: open findings whose remediation is stopped until somebody has looked.
        exempted: findings that are exempted or accepted, those in the baseline included.
        baseline: findings in the baseline: drift that was there before anybody was alerted.
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
    baseline: int = 0


class Span(msgspec.Struct, frozen=True):
    """A part of the period.

    Args:
        start: when it begins.
        opened: findings whose drift began in it.
        resolved: findings that were resolved in it.
        open: how many were open at its end, by severity, the least first.
    """

    start: datetime
    opened: int
    resolved: int
    open: tuple[int, int, int, int]


class ReportCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what is declared the latest sweeps have looked at.

    Args:
        declared: resources and contents that are declared.
        swept: those that a sweep has asked for.
        in_sync: those of them that were as declared.
        drifted: those of them that were not.
        unknown: those of which it could tell nothing, or that could not be judged.
        pending: those of them whose name in the inventory is not known yet.
        swept_at: when the latest sweep ended; None where none ever did.
        scopes: what was swept.
        missed: scopes and shards that could not be listed, and why.
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

    @property
    def compared(self) -> float | None:
        """The share of what was asked for that could be compared; None where nothing was."""
        return (self.in_sync + self.drifted) / self.swept if self.swept else None


class ReportNotice(msgspec.Struct, frozen=True):
    """Something to know before any figure is believed.

    Args:
        level: ``warning``, or ``note``.
        text: what it is.
    """

    level: Literal["warning", "note"]
    text: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The fleet's drift at one moment.

    Args:
        generated_at: that moment.
        since: when the period begins.
        store: URL of the store, for commands.
        figures: the headline figures.
        spans: the period in parts, oldest first.
        span_seconds: how long a part is.
        coverage: how much was looked at.
        is_watched: whether anything was ever observed or swept; else the report says nothing of the fleet.
        notices: what to know first.
        rows: the findings, the worst first; up to some ten thousand.
        total: how many findings there are.
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
