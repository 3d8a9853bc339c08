"""``setpoint findings explain`` and ``setpoint sweep --history``: when a finding began, and who made the change."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from setpoint import bootstrap
from setpoint.attribution import history as reading
from setpoint.bootstrap.histories import history_reader
from setpoint.cli.finding_text import facts_table
from setpoint.cli.findings import find_finding
from setpoint.cli.options import DEFAULT_STORE, EventsTopic, FindingName, StoreUrl
from setpoint.cli.output import actor_text, difference_line, errors, out, print_status, print_warning
from setpoint.comparison import difference_text
from setpoint.detection.finding_events import data_of
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, TransientError
from setpoint.model.difference import Difference
from setpoint.model.drift_history import FieldOnset, since_text
from setpoint.model.drift_origin import WORDS
from setpoint.model.resource_state import ResourceState
from setpoint.util.counts import counted

_MAX_REASONS = 5


def explain(
    finding: FindingName,
    *,
    store: StoreUrl = DEFAULT_STORE,
    events_topic: EventsTopic = None,
    again: Annotated[bool, typer.Option("--again", help="Read the history again, even if it is known.")] = False,
) -> None:
    """Show when a finding began to drift, the value before, who changed it, and the evidence.

    Missing details are read from the history of the inventory and from the audit logs.
    """
    context = bootstrap.open_detection(store, events_topic, create=False)
    try:
        state = find_finding(context.store, finding)
        _read(state, context, again=again)
        state = context.store.read(state.key).state or state
    finally:
        context.store.close()
    out.print(_explanation(state))
    if state.finding is not None and state.finding.history is not None and state.finding.history.fields:
        out.print(_fields(state))


def _read(state: ResourceState, context: Context, *, again: bool) -> None:
    finding = state.finding
    if finding is None or finding.status == "resolved":
        return
    try:
        reading.read_history_of(state.key, history_reader(context), again=again)
    except (BadRequest, TransientError) as error:
        print_warning(f"the history cannot be read: {error}", "unknown")


def _explanation(state: ResourceState) -> Table:
    finding = state.finding
    table = facts_table(state.key.name)
    if finding is None:
        return table
    data = data_of(state)
    history = finding.history
    rows = {
        "finding": state.key.id,
        "drifts since": since_text(history) or f"{finding.first_seen:%Y-%m-%d %H:%M}, as first observed",
        "changed by": actor_text(finding.actor),
        "call": " from ".join(filter(None, (finding.actor.method, finding.actor.ip))) if finding.actor else "",
        "origin": WORDS[data.origin],
        "evidence": data.evidence,
        "declared in": " ".join(filter(None, (finding.source.named, finding.source.commit[:12]))),
        "read at": f"{history.read_at:%Y-%m-%d %H:%M}" if history is not None else "",
    }
    for name, value in rows.items():
        if value:
            table.add_row(name, Text(value))
    return table


def _fields(state: ResourceState) -> Table:
    """The beginning of each difference."""
    finding = state.finding
    table = Table(box=None, pad_edge=False)
    for column in ("difference", "since", "before", "by", "note"):
        table.add_column(column, overflow="fold")
    if finding is None or finding.history is None:
        return table
    known = {(difference.path, difference.op): difference for difference in finding.differences}
    for field in finding.history.fields:
        difference = known.get((field.path, field.op), Difference(field.path, field.op))
        line = difference_line(difference) if field.path else Text(finding.kind)
        table.add_row(line, field_since(field), _before(field), actor_text(field.actor), field.reason)
    return table


def field_since(field: FieldOnset) -> str:
    """When a difference began, for a line of text: a time, an interval, or why that is not known."""
    if field.since is None:
        return "unknown"
    return f"{field.since:%Y-%m-%d %H:%M}{' or earlier' if field.at_least else ''}"


def _before(field: FieldOnset) -> str:
    if field.created:
        return "did not exist"
    if field.since is None or field.at_least or field.clear is None:
        return ""
    return difference_text.as_text(field.before)


def read_all(context: Context) -> None:
    """Read the history of all findings that began unseen, and say what came of it."""
    reader = history_reader(context)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("history", total=None)
        result = reading.read_histories(reader, advance=lambda done: progress.advance(task, done))
    print_status(
        f"history of {result.dated:,} findings read, audit log of {result.searched:,}: {result.named:,} have an actor"
    )
    for reason, count in result.reasons.most_common(_MAX_REASONS):
        print_warning(f"{counted(count, 'finding')}: {reason or 'not known'}", "unknown")
    for problem in result.problems:
        print_warning(problem, "unreadable")
