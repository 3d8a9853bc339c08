"""One finding as text for a terminal, and as Markdown for a ticket."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from setpoint.cli.markdown import code
from setpoint.cli.output import actor_text, difference_line, suppressed_line, title
from setpoint.detection.finding_events import claim_text, data_of
from setpoint.model import drift_origin
from setpoint.model.audit_trail import AuditEntry, display_text
from setpoint.model.drift_history import since_text
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.reporting.finding_fields import fields_of
from setpoint.util.counts import counted

_SIGNS = {"act": "+"}
"""Before a reason that speaks for it; others speak against."""


def facts_table(title: str) -> Table:
    """A table of facts, each with its name."""
    table = Table(show_header=False, title=Text(title), title_justify="left")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    return table


def details(state: ResourceState) -> Table:
    """A finding as a table of its facts."""
    table = facts_table(state.key.name)
    for name, value in _rows(state):
        table.add_row(name, Text(value))
    if state.finding is not None:
        for difference in state.finding.differences:
            table.add_row(difference.op, difference_line(difference))
        if (more := state.finding.difference_count - len(state.finding.differences)) > 0:
            table.add_row("", f"and {more} more")
    for suppressed in state.suppressed:
        table.add_row("suppressed", suppressed_line(suppressed))
    if state.remediation is not None:
        step = f"{state.remediation.step}{': ' if state.remediation.reason else ''}{state.remediation.reason}"
        table.add_row("remediation", Text(step))
        for line in state.remediation.summary:
            table.add_row("", Text(line))
    return table


def trail_table(trail: Sequence[AuditEntry]) -> Table:
    """The audit trail, a line a step: when, what, by whom, on which reading, and why."""
    table = Table(title="audit trail", title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column(overflow="fold", style="dim", min_width=10)
    table.add_column(overflow="fold")  # no step, name or reason is cut off where the terminal is narrow
    table.add_column(overflow="fold")
    for entry in trail:
        lines = _lines(entry)
        by = f" by {entry.by}" if entry.by else ""
        table.add_row(
            f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}",
            Text(f"{display_text(entry.what)}{by}"),
            Text("\n").join(map(Text, lines)),
        )
    return table


def _lines(entry: AuditEntry) -> list[str]:
    given = {reason.text for reason in entry.reasons}
    is_repeated = entry.text in given or given.issuperset(
        entry.text.split("; ")
    )  # a decision is recorded with its reasons
    lines = [entry.text] if entry.text and not is_repeated else []
    lines += (f"{_SIGNS.get(reason.action, '-')} {reason.text}" for reason in entry.reasons)
    lines += (f"writes {line}" for line in entry.summary)
    if entry.observed_at is not None:
        lines.append(f"on a reading of {entry.observed_at:%Y-%m-%d %H:%M:%S}")
    return lines


def as_markdown(state: ResourceState, trail: Sequence[AuditEntry], watched: str = "") -> Iterator[str]:
    """A finding with its audit trail; values are code, so that nothing in them formats or mentions.

    Args:
        state: the record.
        trail: its audit trail.
        watched: what of the resource is watched; empty for nothing.
    """
    yield f"### {' '.join(title(state).plain.split())}"
    yield ""
    yield code(state.key.name)
    yield ""
    yield "| | |"
    yield "|---|---|"
    for name, value in _rows(state):
        yield f"| {name} | {code(value)} |"
    if watched:
        yield f"| watched | {code(watched)} |"
    differences = state.finding.differences if state.finding is not None else ()
    if differences or state.suppressed:
        yield ""
        yield from (f"- {code(difference_line(difference).plain)}" for difference in differences)
        if state.finding is not None and (more := state.finding.difference_count - len(differences)) > 0:
            yield f"- and {more:,} more"
        yield from (f"- suppressed: {code(suppressed_line(suppressed).plain)}" for suppressed in state.suppressed)
    if trail:
        yield ""
        yield "| Time (UTC) | What | |"
        yield "|---|---|---|"
    for entry in trail:
        by = f" by {entry.by}" if entry.by else ""
        lines = "<br>".join(map(code, _lines(entry)))
        yield f"| {entry.recorded_at:%Y-%m-%d %H:%M:%S} | {code(f'{display_text(entry.what)}{by}')} | {lines} |"


def _rows(state: ResourceState) -> Iterator[tuple[str, str]]:
    rows = {"finding": state.key.id, "asset type": state.asset_type, "content": state.key.content}
    facts = {"status": "suppressed"} if state.finding is None else _facts(state, state.finding)
    origin = {"origin": drift_origin.in_words(data_of(state).origin)} if state.finding is not None else {}
    return ((name, value) for name, value in (rows | facts | origin).items() if value)


def _facts(state: ResourceState, finding: Finding) -> dict[str, str]:
    fields = fields_of(data_of(state))
    actor, resolved_at = fields["actor"], fields["resolved_at"]
    return {
        "kind": fields["kind"],
        "status": ": ".join(filter(None, (finding.status, fields["reason"]))),
        "severity": fields["severity"],
        "project": fields["project"],
        "owner": " ".join(filter(None, (finding.owner.team, finding.owner.slack, finding.owner.email))),
        "mode": fields["mode"],
        "declared in": " ".join(filter(None, (finding.source.named, finding.source.repo, finding.source.commit[:12]))),
        "changed by": actor_text(actor),
        "call": " from ".join(filter(None, (actor.method, actor.ip))) if actor else "",
        "claim": claim_text(finding),
        "drifts since": since_text(finding.history),
        "first seen": fields["first_seen"].isoformat(),
        "last seen": fields["last_seen"].isoformat(),
        "resolved at": resolved_at.isoformat() if resolved_at else "",
        "seen": f"{counted(fields['count'], 'time')}, recurrence {fields['episodes']}",
        "fingerprint": finding.fingerprint,
    }
