"""``setpoint findings``: what drifted, and the life of one finding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Annotated

import msgspec
import typer
from msgspec.structs import replace
from rich.table import Table
from rich.text import Text

from setpoint import bootstrap
from setpoint.cli.finding_options import with_filter
from setpoint.cli.options import DEFAULT_STORE, FindingName, StoreUrl
from setpoint.cli.output import (
    difference_line,
    out,
    print_findings,
    print_suppressed,
    print_warning,
    suppressed_line,
    who,
)
from setpoint.detection import finding_filter
from setpoint.detection.finding_filter import FindingFilter
from setpoint.errors import BadRequest
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.ports.stores import Problems, StateStore
from setpoint.util.counts import counted

_SIGNS = {"act": "+"}
"""Before a reason that speaks for it; others speak against."""

app = typer.Typer(help="List and show findings.", no_args_is_help=True)


class Which(StrEnum):
    """Which findings to list."""

    open = "open"
    resolved = "resolved"
    exempted = "exempted"
    accepted = "accepted"
    suppressed = "suppressed"
    all = "all"


class Output(StrEnum):
    """How findings are written."""

    table = "table"
    jsonl = "jsonl"


@app.command("list")
@with_filter
def list_findings(
    wanted: FindingFilter,
    *,
    store: StoreUrl = DEFAULT_STORE,
    status: Annotated[Which, typer.Option(help="Findings of this status.")] = Which.open,
    output: Annotated[Output, typer.Option(help="table for people; jsonl: one finding a line.")] = Output.table,
) -> None:
    """List findings, the worst first.

    Exits with 1 where a record cannot be read; all others are listed.
    """
    if status is Which.suppressed and wanted != FindingFilter():
        raise BadRequest("--status suppressed takes no other filter: suppressed drift has no finding")
    problems: Problems = []
    opened = bootstrap.open_store(store, create=False)
    try:
        if status is Which.suppressed:
            states = list(opened.suppressed(problems))
        else:
            listed = opened.states(drifted=True, problems=problems)
            chosen = wanted if status is Which.all else replace(wanted, statuses=(status.value,))
            states = list(finding_filter.select(listed, chosen, datetime.now(UTC)))
    finally:
        opened.close()
    if output is Output.jsonl:
        for state in states:
            out.out(msgspec.json.encode({"id": state.key.id, **msgspec.to_builtins(state)}).decode())
    elif status is Which.suppressed:
        print_suppressed(out, states)
    else:
        print_findings(out, states, counted(len(states), f"{status} finding", none="no"))
    for problem in problems:
        print_warning(str(problem), "unreadable")
    if problems:
        raise typer.Exit(1)


@app.command()
def show(
    finding: FindingName,
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Show one finding with its audit trail."""
    opened = bootstrap.open_store(store, create=False)
    try:
        state = find_finding(opened, finding)
        trail = opened.trail(state.key)
    finally:
        opened.close()
    out.print(_details(state))
    if trail:
        out.print(_trail(trail))


def find_finding(store: StateStore, wanted: str) -> ResourceState:
    """The one finding that is meant by an id, the beginning of one, or a resource name.

    Raises:
        BadRequest: there is none, or there are several.
    """
    problems: Problems = []
    listed = chain(store.states(drifted=True, problems=problems), store.suppressed(problems))
    known = {state.key: state for state in listed}
    matching = [state for key, state in known.items() if key.name == wanted or key.id.startswith(wanted)]
    unread = [problem for problem in problems if wanted in (problem.resource, problem.record.rpartition("/")[2])]
    if not matching and unread:
        raise BadRequest(str(unread[0]))
    if not matching:
        raise BadRequest(f"no finding `{wanted}`; `setpoint findings list --status all` names them all")
    if len(matching) > 1:
        ids = ", ".join(state.key.id[:12] for state in matching[:5])
        raise BadRequest(f"`{wanted}` means {counted(len(matching), 'finding')} ({ids}…); give more of the id")
    return matching[0]


def _details(state: ResourceState) -> Table:
    table = Table(show_header=False, title=Text(state.key.name), title_justify="left")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    rows = {"finding": state.key.id, "asset type": state.asset_type, "content": state.key.content}
    for name, value in (rows | _facts(state.finding)).items():
        if value:
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


def _trail(trail: Sequence[AuditEntry]) -> Table:
    """The audit trail, a line a step: when, what, by whom, on which reading, and why."""
    table = Table(title="audit trail", title_justify="left", box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for entry in trail:
        lines = [entry.text] if entry.text else []
        lines += (f"{_SIGNS.get(reason.action, '-')} {reason.text}" for reason in entry.reasons)
        lines += (f"writes {line}" for line in entry.summary)
        if entry.observed_at is not None:
            lines.append(f"on a reading of {entry.observed_at:%Y-%m-%d %H:%M:%S}")
        by = f" by {entry.by}" if entry.by else ""
        table.add_row(
            f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}", Text(f"{entry.what}{by}"), Text("\n").join(map(Text, lines))
        )
    return table


def _facts(finding: Finding | None) -> dict[str, str]:
    if finding is None:
        return {"status": "suppressed"}
    return {
        "kind": finding.kind,
        "status": f"{finding.status} {finding.reason}".strip(),
        "severity": finding.severity,
        "project": finding.project,
        "owner": " ".join(filter(None, (finding.owner.team, finding.owner.slack, finding.owner.email))),
        "mode": finding.mode,
        "declared in": " ".join(filter(None, (str(finding.source), finding.source.repo, finding.source.commit[:12]))),
        "changed by": who(finding.actor),
        "call": " from ".join(filter(None, (finding.actor.method, finding.actor.ip))) if finding.actor else "",
        "first seen": finding.first_seen.isoformat(),
        "last seen": finding.last_seen.isoformat(),
        "resolved at": finding.resolved_at.isoformat() if finding.resolved_at else "",
        "seen": f"{counted(finding.count, 'time')}, recurrence {finding.episodes}",
        "fingerprint": finding.fingerprint,
    }
