"""What the commands share: consoles, reports of problems, and how a finding reads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from setpoint.core.compare import Difference
from setpoint.core.findings import ResourceState
from setpoint.declare.documents import Problem
from setpoint.declare.load import Loaded

out = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}
_OPERATION_STYLES = {"changed": "yellow", "missing": "red", "unexpected": "magenta"}
_SHORT = 60
_MOST_LINES = 6


def report(loaded: Loaded) -> None:
    """Tell on standard error what was loaded and what is wrong."""
    for problem in loaded.problems:
        errors.print(problem_line(problem), soft_wrap=True)
    said = f"{len(loaded.desired)} declared"
    if loaded.rules.scopes:
        said += f", {len(loaded.rules.scopes)} scopes"
    if loaded.skipped:
        said += f", {loaded.skipped} documents of other kinds skipped"
    if loaded.problems:
        said += f", [red]{len(loaded.problems)} problems[/]"
    errors.print(said)


def problem_line(problem: Problem) -> str:
    """``file:line: field: message``, which terminals and editors can follow."""
    return f"[red]error:[/] {escape(str(problem))}"


def findings_table(states: Iterable[ResourceState], title: str) -> Table:
    """Findings as a person wants to see them, the worst first."""
    table = Table(title=title, title_justify="left", expand=False, show_lines=True)
    for column in ("severity", "resource", "difference: declared → observed", "since", "owner", "finding"):
        table.add_column(column, overflow="fold")
    for state in sorted(states, key=_worst_first):
        finding = state.finding
        if finding is None:
            continue
        table.add_row(
            Text(finding.severity, SEVERITY_STYLES[finding.severity]),
            Text.assemble(short_name(state.key.name), "\n", (f"{state.asset_type} {finding.status}", "dim")),
            difference_lines(state),
            ago(finding.first_seen),
            Text.assemble(finding.owner.team or "-", "\n", (finding.project, "dim")),
            Text(state.key.id[:8], "dim"),
        )
    return table


def _worst_first(state: ResourceState) -> tuple[int, str]:
    severity = state.finding.severity if state.finding else "low"
    return list(SEVERITY_STYLES).index(severity), state.key.name


def difference_lines(state: ResourceState, most: int = _MOST_LINES) -> Text:
    """The differences of a finding, one a line, as many as fit."""
    finding = state.finding
    if finding is None or finding.kind != "modified":
        return Text(finding.kind if finding else "", "red")
    lines = [difference_line(one) for one in finding.differences[:most]]
    if (more := finding.difference_count - len(lines)) > 0:
        lines.append(Text(f"and {more} more", "dim"))
    return Text("\n").join(lines)


def difference_line(difference: Difference) -> Text:
    """``path: declared → observed``."""
    text = Text.assemble((difference.path or "(all)", _OPERATION_STYLES[difference.op]), ": ")
    if difference.op != "unexpected":
        text.append(shown(difference.declared))
    text.append({"changed": " → ", "missing": " is missing", "unexpected": "+ "}[difference.op], "dim")
    if difference.op != "missing":
        text.append(shown(difference.observed))
    if difference.immutable:
        text.append(" (immutable)", "dim")
    return text


def shown(value: Any, most: int = _SHORT) -> str:
    """A value as JSON, shortened."""
    if value is msgspec.UNSET:
        return "-"
    if isinstance(value, dict) and value.keys() <= {"role", "member", "condition"} and "member" in value:
        condition = value.get("condition")
        when = f" if {condition.get('title') or condition.get('expression')}" if condition else ""
        return f"{value['role']} for {value['member']}{when}"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= most else text[: most - 1] + "…"


def short_name(name: str) -> str:
    """A resource name less what everybody knows."""
    service, _, path = name.removeprefix("//").partition("/")
    return f"{service.removesuffix('.googleapis.com')}/{path}"


def ago(time: datetime) -> str:
    """How long ago, in the largest unit that tells."""
    seconds = int((datetime.now(UTC) - time).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{max(seconds, 0)} s ago"
