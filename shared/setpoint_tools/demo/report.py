"""The summary that the demo prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from statistics import median

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from setpoint.cli.output import SEVERITY_STYLES, ago, difference_line, title
from setpoint.detection.finding_events import data_of
from setpoint.detection.finding_filter import is_baseline
from setpoint.model.display_names import kind_of
from setpoint.model.grouping import cause_id, cause_of
from setpoint.model.outcome import Outcome
from setpoint.model.resource_state import Finding, ResourceState
from setpoint.model.severity import Kind
from setpoint.sweep import SweepResult
from setpoint_tools.demo.pipeline import DemoPaths, DemoRun
from setpoint_tools.demo.spellings import Spellings

_SEVERITIES = list(SEVERITY_STYLES)
_MAX_REASONS = 8
_WHAT_IS_LEFT_OUT = "# no remediation, baseline or attribution"
_INDENT = 10
_ONE_CAUSE = 4
"""So many findings of one cause are shown together."""
_NOT_THERE: dict[Kind, str] = {
    "deleted": "declared, but deleted",
    "unmanaged": "unmanaged: not declared",
    "modified": "",
}
_MEANINGS: dict[Outcome, str] = {
    "in_sync": "no declared field differs",
    "opened": "drift began",
    "changed": "known drift changed",
    "drifted": "known drift, observed again",
    "attributed": "the actor of known drift was identified",
    "resolved": "drift ended",
    "undeclared": "not declared, and not in a scope",
    "stale": "late: older than the known state",
    "repeated": "delivered twice",
    "welcome": "the first message of a new feed",
    "rejected": "not a feed message: kept as a dead letter",
}


def show_findings(console: Console, states: Iterable[ResourceState]) -> None:
    """What drifted: what has one cause, then by team, the worst first; then what was resolved meanwhile."""
    known = [(state, state.finding) for state in states if state.finding is not None]
    still = [(state, finding) for state, finding in known if finding.status == "open"]
    past = [(state, finding) for state, finding in known if finding.status == "resolved"]
    causes: dict[str, list[tuple[ResourceState, Finding]]] = {}
    for state, finding in sorted(still, key=_worst_first):
        causes.setdefault(cause_id(cause_of(data_of(state))), []).append((state, finding))
    _heading(console, f"{len(still)} open findings", "severity, resource, since, mode or remediation, id")
    teams: dict[str, list[tuple[ResourceState, Finding]]] = {}
    for group in causes.values():
        if len(group) >= _ONE_CAUSE:
            _show_cause(console, group)
            continue
        for state, finding in group:
            teams.setdefault(finding.owner.team, []).append((state, finding))
    for team, group in teams.items():
        console.print(Text.assemble((team, "bold cyan"), "  ", (group[0][1].owner.slack, "dim")))
        for state, finding in group:
            console.print(_entry(state, finding, ago(finding.first_seen), _what_next(state, finding)))
        console.print()
    _heading(console, f"{len(past)} resolved", "drifted in the last hour, and is as declared again")
    for state, finding in sorted(past, key=_worst_first):
        assert finding.resolved_at is not None  # noqa: S101 - that is what resolved means
        lasted = (finding.resolved_at - finding.first_seen).total_seconds() / 60
        console.print(_entry(state, finding, f"for {lasted:.0f} min", finding.reason))
    console.print()


def show_first_sweep(console: Console, run: DemoRun) -> None:
    """What had drifted before Setpoint: since when, by whom and how, or why that is not known."""
    _heading(console, f"{len(run.first)} drifted before Setpoint", "the first sweep: since when, origin, id")
    for state in sorted(run.first, key=_begun):
        finding = state.finding
        if finding is None:
            continue
        data = data_of(state)
        console.print(_entry(state, finding, _since(finding), data.origin.replace("_", " ")))
        if finding.actor is None:
            console.print(Padding(Text(data.evidence, "dim"), (0, 0, 0, _INDENT)))
    console.print(
        f"  {run.accepted} of them are in the baseline: no alert until the drift changes or the baseline ends"
    )
    console.print()


def _begun(state: ResourceState) -> datetime:
    history = state.finding.history if state.finding is not None else None
    return (history.since if history is not None else None) or state.observed_at


def _since(finding: Finding) -> str:
    history = finding.history
    if history is None or history.since is None:
        return "since: unknown"
    return f"{'before' if history.at_least else 'since'} {history.since:%Y-%m-%d %H:%M}"


def _show_cause(console: Console, group: Sequence[tuple[ResourceState, Finding]]) -> None:
    """Findings of one cause as one entry, as one message to Slack shows them."""
    state, finding = group[0]
    teams = sorted({finding.owner.team for _, finding in group})
    console.print(
        Text.assemble((f"one cause, {len(group)} resources", "bold cyan"), "  ", (f"of {', '.join(teams)}", "dim"))
    )
    console.print(_entry(state, finding, ago(finding.first_seen), _what_next(state, finding)))
    console.print(Text(f"{'':{_INDENT}}and {len(group) - 1} others, in one message", "dim"))
    console.print()


def show_remediation(console: Console, run: DemoRun) -> None:
    """What Setpoint wrote, what waits for somebody, and what a guardrail stopped."""
    steps = Counter(state.remediation.step for state in run.states if state.remediation is not None and state.is_open)
    _heading(console, f"{len(run.writes)} fields remediated", "by Setpoint, in a stand-in for Google's APIs")
    for line in run.writes:
        console.print(Text(f"  {line}", "green"))
    for state in run.states:
        if state.is_open and state.remediation is not None and state.remediation.step == "stopped":
            console.print(Text.assemble(("  stopped by a guardrail: ", "yellow"), title(state)))
            console.print(Padding(Text(state.remediation.reason, "dim"), (0, 0, 0, _INDENT)))
    console.print(f"  {steps['asked']} wait for approval")
    console.print()


def _what_next(state: ResourceState, finding: Finding) -> str:
    """What remediation does about it, else its mode."""
    step = state.remediation.step if state.remediation is not None else ""
    return {"asked": "approve", "stopped": "stopped"}.get(step, finding.mode)


def worst(states: Iterable[ResourceState]) -> str:
    """The beginning of the id of the worst open finding."""
    still = [(state, state.finding) for state in states if state.finding is not None and state.finding.status == "open"]
    return min(still, key=_worst_first)[0].key.id[:8] if still else ""


def _worst_first(pair: tuple[ResourceState, Finding]) -> tuple[int, str, str]:
    state, finding = pair
    return _SEVERITIES.index(finding.severity), finding.owner.team, state.key.name


def _entry(state: ResourceState, finding: Finding, when: str, what: str) -> RenderableType:
    """What it is and since when on one line; below it, what differs."""
    style = SEVERITY_STYLES[finding.severity]
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column(width=8)
    head.add_column(ratio=1, overflow="fold")
    head.add_column(justify="right", no_wrap=True)
    head.add_column(width=8, no_wrap=True)
    head.add_column(width=8, no_wrap=True)
    head.add_row(Text(finding.severity, style), title(state), when, Text(what, "dim"), Text(state.key.id[:8], "dim"))
    return Group(head, *(Padding(line, (0, 0, 0, _INDENT)) for line in _differences(finding)))


def _differences(finding: Finding) -> list[Text]:
    """The differences, one field per line, and the actor."""
    lines = [difference_line(difference) for difference in finding.differences]
    if finding.kind != "modified":
        lines = [Text(_NOT_THERE[finding.kind], "red")]
    if finding.actor is not None:
        tool = f" with {finding.actor.caller}" if finding.actor.caller else ""
        lines.append(Text(f"by {finding.actor.principal}{tool}", "dim"))
    if finding.episodes > 1:
        lines[-1].append(f"  (recurrence {finding.episodes})", "dim")
    return lines


def show_outcomes(console: Console, run: DemoRun, reasons: Iterable[str]) -> None:
    """What became of all messages, and why some were dropped."""
    counts = Counter(run.outcomes)
    _heading(console, f"{len(run.outcomes):,} messages", "by result")
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", min_width=7)
    table.add_column(style="bold")
    table.add_column()
    for outcome, meaning in _MEANINGS.items():
        table.add_row(f"{counts[outcome]:,}", outcome.replace("_", " "), Text(meaning, "dim"))
    console.print(table)
    for reason, count in Counter(reason.removeprefix("not a feed message: ") for reason in reasons).items():
        console.print(Text(f"{count:>9,}    {reason}", "yellow"))
    console.print()


def show_spellings(console: Console, spellings: Spellings) -> None:
    """What a comparison of texts would have taken for drift."""
    total = sum(reason.count for reason in spellings.reasons)
    _heading(
        console,
        f"{total:,} fields are equivalent",
        f"on {spellings.resources} resources: declared and observed values differ only in spelling",
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", min_width=7)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for spelling in spellings.reasons[:_MAX_REASONS]:
        example = Text.assemble(
            (f"{kind_of(spelling.asset_type)} {spelling.path}: ", "dim"),
            spelling.declared,
            (" is ", "dim"),
            spelling.observed,
        )
        table.add_row(f"{spelling.count:,}", spelling.reason, example if spelling.declared else "")
    console.print(table)
    if more := spellings.reasons[_MAX_REASONS:]:
        rest = ", ".join(f"{spelling.reason} ({spelling.count})" for spelling in more)
        console.print(Padding(Text(f"and {rest}", "dim"), (0, 0, 0, 9)))
    console.print()


def show_speed(console: Console, run: DemoRun) -> None:
    """How fast it was, the store on disk included."""
    took = sum(run.seconds)
    ranked = sorted(run.seconds)
    half, most = median(ranked) * 1e6, ranked[len(ranked) * 99 // 100] * 1e6
    console.print(
        f"[bold]{len(ranked) / took:,.0f} messages a second[/] on one core, store and event file included "
        f"(half took less than\u00a0{half:,.0f}\u00a0µs, 99\u00a0%\u00a0less\u00a0than\u00a0{most:,.0f}\u00a0µs)"
    )


def show_sweep(console: Console, swept: SweepResult | None) -> None:
    """What a sweep from an export file finds after the feed."""
    if swept is None:
        return
    summary = swept.summary
    console.print(
        f"[bold]A sweep of export.jsonl[/]: {swept.listed:,} assets, {summary.declared:,} declared, "
        f"{summary.in_sync:,} in sync, {summary.drifted:,} drifted, {summary.unknown + summary.unchecked:,} unknown; "
        "no credentials needed"
    )


def show_sum(console: Console, states: Iterable[ResourceState], swept: SweepResult | None) -> None:
    """How the numbers of this output add up, and what each of them counts."""
    known = [state for state in states if state.finding is not None]
    statuses = Counter(state.finding.status for state in known if state.finding is not None)
    open_, resolved, baseline = statuses["open"], statuses["resolved"], sum(map(is_baseline, known))
    console.print(f"{len(known)} resources drifted = {open_} open + {resolved} resolved + {baseline} in the baseline")
    meanings = [
        ("open", "differs from its declaration now: the findings above"),
        ("resolved", "differed in the last hour, and is as declared again"),
        ("in the baseline", "differed before that hour; accepted in one decision, without alerts"),
    ]
    if swept is not None:
        drifted = swept.summary.drifted
        others = open_ + baseline - drifted
        verb = "is" if others == 1 else "are"
        meaning = f"counted by the sweep, of {open_} open + {baseline} in the baseline: declared resources"
        meanings.append((f"{drifted} drifted", f"{meaning}; {others} {verb} undeclared, and found by scopes"))
    table = Table.grid(padding=(0, 2))
    for row in meanings:
        table.add_row(*row)
    console.print(Padding(table, (0, 0, 0, 2)))


def show_next(console: Console, places: DemoPaths, finding: str) -> None:
    """Where to go from here."""
    _heading(console, "next", "")
    store = f"--store {places.store}"
    declared = f"--declarations {places.fleet} --declarations {places.states}"
    for what, command in (
        ("the report page", f"{places.report}  (open it in a browser)"),
        ("the Slack messages", f"{places.slack}  (open it in a browser)"),
        ("the findings again", f".venv/bin/setpoint findings list {store}"),
        ("the worst finding in full", f".venv/bin/setpoint findings show {finding} {store}"),
        ("declare the observed state", f".venv/bin/setpoint propose {finding} --root {places.fleet} {store}"),
        ("approve its remediation", f".venv/bin/setpoint approve {finding} {store}"),
        (
            "detection alone",
            f".venv/bin/setpoint detect {declared} --feed {places.feed} --store memory:  {_WHAT_IS_LEFT_OUT}",
        ),
        ("the declarations", f"{places.fleet}, {places.states}"),
        ("the audit log", str(places.audit_log)),
        ("the published events", str(places.events)),
        ("the dead letters", str(places.dead_letters)),
    ):
        console.print(Text.assemble((f"  {what:<28}", "dim"), command), soft_wrap=True)


def _heading(console: Console, what: str, detail: str) -> None:
    console.rule(Text.assemble((what, "bold"), (f"  {detail}" if detail else "", "dim")), align="left", style="dim")
