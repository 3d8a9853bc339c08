"""Shared output of the commands: consoles, reports of problems, and findings as text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from setpoint.cli.program import as_called
from setpoint.cli.streams import stop_writing
from setpoint.comparison import difference_text
from setpoint.declarations.readers import skipped
from setpoint.detection.finding_events import data_of
from setpoint.model import display_names, drift_origin
from setpoint.model.actors import Actor
from setpoint.model.difference import Difference
from setpoint.model.display_names import short_name
from setpoint.model.drift_history import beginning
from setpoint.model.events import DriftData
from setpoint.model.resource_state import ResourceState
from setpoint.model.source_grants import NOT_LISTED
from setpoint.model.suppressed import Suppressed
from setpoint.util.counts import counted
from setpoint.util.secret_formats import scrub

if TYPE_CHECKING:
    from setpoint.declarations.permits import OwnershipConflict, RefusedDocument
    from setpoint.declarations.readers.documents import Problem
    from setpoint.declarations.readers.load import LoadResult

_BESIDE = 9
"""Columns of the severity, beside which a finding is written."""
_BETWEEN = " · "

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it, and what turns the direction of writing; not a tab, not a new line."""


def visible(text: str) -> str:
    """The text with each control character escaped, in place of what would move the cursor."""
    return text if text.isprintable() else _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        stop_writing()

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            is_text = segment.control is None and not segment.text.isprintable()
            yield Segment(visible(segment.text), segment.style) if is_text else segment


out = _Console(highlight=False)
errors = _Console(stderr=True, highlight=False)

SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}
_OPERATION_STYLES = {"changed": "yellow", "missing": "red", "unexpected": "magenta"}
_MAX_LINES = 6
_MAX_SKIPPED = 5
_MAX_WARNINGS = 20
"""How many warnings of one category are printed."""


def _summary(loaded: LoadResult) -> str:
    """How much was loaded, and how much of it can be compared."""
    summary = f"{len(loaded.desired)} declared"
    if loaded.scopes:
        summary += f", {counted(len(loaded.scopes), 'scope')}"
    settings = {"a policy": loaded.policy, "alerting rules": loaded.alerting, "a Sources document": loaded.sources}
    summary += "".join(f", {name}" for name, setting in settings.items() if setting is not None)
    if loaded.leaves:
        summary += f", {loaded.coverage:.1%} of {counted(loaded.leaves, 'value')} comparable"
    if loaded.pending:
        pending = f"{loaded.pending:,} more" if loaded.leaves else counted(loaded.pending, "value")
        summary += f", {pending} known only after apply"
    if loaded.unobservable:
        summary += f", {loaded.unobservable} of them by deep reads only"
    if loaded.skipped:
        most = ", ".join(skipped.counted_as(what, count) for what, count in loaded.skipped.most_common(_MAX_SKIPPED))
        summary += f"; skipped: {most}{', …' if len(loaded.skipped) > _MAX_SKIPPED else ''}"
    return summary


def print_load_result(loaded: LoadResult, *, grouped: bool = False) -> None:
    """Print on standard error what was loaded and what is wrong.

    Args:
        loaded: what was loaded.
        grouped: errors before warnings, and each kind of problem under its name and count; else in the order of files.
    """
    if grouped:
        _print_groups(loaded.problems, print_error, "error")
        _print_groups(loaded.warnings, print_warning, "warning")
    else:
        for problem in loaded.problems:
            print_error(problem)  # ``file:line: kind/name: field: message``, which terminals and editors can follow
        _print_few(loaded.warnings)
    text = Text(_summary(loaded))
    if loaded.warnings:
        text.append(", ").append(counted(len(loaded.warnings), "warning"), "yellow")
    if loaded.problems:
        text.append(", ").append(counted(len(loaded.problems), "problem"), "red")
    errors.print(text, soft_wrap=True)
    if grouped and (elsewhere := loaded.elsewhere).count:
        objects = counted(elsewhere.count, "object is", "objects are")
        print_status(f"{objects} referred to and in none of these files, and compared by name: {elsewhere.first}")


def _print_few(warnings: Iterable[Problem]) -> None:
    """Print warnings, of each category some."""
    by_category: Counter[str] = Counter()
    for warning in warnings:
        by_category[warning.category] += 1
        if by_category[warning.category] <= _MAX_WARNINGS:
            print_warning(warning)
    for category, count in by_category.items():
        if count > _MAX_WARNINGS:
            print_warning(f"{count - _MAX_WARNINGS} more of {category}; `validate --output json` lists them all")


def _print_groups(problems: Iterable[Problem], print_problem: Callable[[Problem], None], what: str) -> None:
    """Print problems by their category, the most frequent first; of warnings of one category some."""
    groups: dict[str, list[Problem]] = {}
    for problem in problems:
        groups.setdefault(problem.category, []).append(problem)
    for category, members in sorted(groups.items(), key=lambda group: -len(group[1])):
        errors.print(
            Text(f"{category}: {len(members)} {what}{'s' if len(members) > 1 else ''}", "bold"), soft_wrap=True
        )
        shown = members if what == "error" else members[:_MAX_WARNINGS]
        for problem in shown:
            print_problem(problem)
        if len(shown) < len(members):
            print_status(f"{len(members) - len(shown)} more of {category}; `validate --output json` lists them all")


def print_status(text: object) -> None:
    """Say something on standard error as it is, whatever brackets there are in it."""
    errors.print(Text(as_called(str(text))), soft_wrap=True)


def print_error(text: object) -> None:
    """Say on standard error what is wrong."""
    errors.print(Text.assemble(("error:", "red"), " ", scrub(as_called(str(text)))), soft_wrap=True)


def print_warning(text: object, word: str = "warning") -> None:
    """Print a warning on standard error; ``word`` is its category."""
    errors.print(Text.assemble((f"{word}:", "yellow"), " ", scrub(as_called(str(text)))), soft_wrap=True)


def print_findings(console: Console, states: Iterable[ResourceState], title: str, *, sort: bool = True) -> None:
    """Findings as a person wants to see them, the worst first; piped into a file, one difference stays one line.

    Args:
        console: where they are written.
        states: the records.
        title: the line above.
        sort: whether the worst come first; else they stay in their order.
    """
    console.print(Text(title, "bold"), soft_wrap=True)
    for state in sorted(states, key=_worst_first) if sort else states:
        print_finding(console, state)


def print_finding(console: Console, state: ResourceState) -> None:
    """A finding as a block; on a terminal its lines stay beside the severity, in a pipe no line is wrapped."""
    block = finding_block(state)
    if not console.is_terminal:
        console.print(Text("\n" + " " * _BESIDE).join(block.lines()), soft_wrap=True)
        return
    table = Table.grid()
    table.add_column(width=_BESIDE)
    table.add_column(overflow="fold")
    facts = _packed(block.facts, console.width - _BESIDE)
    body = [block.head, *(Text(line, "dim") for line in facts), *block.differences]
    table.add_row(block.severity, Text("\n").join(body))
    console.print(table)


def print_suppressed(console: Console, states: Iterable[ResourceState]) -> None:
    """Print suppressed drift, by resource: each difference with the rule that suppresses it."""
    shown = sorted(states, key=lambda state: state.key)
    console.print(Text(f"{counted(len(shown), 'resource', none='no')} with suppressed drift", "bold"))
    for state in shown:
        lines = [Text.assemble(title(state), (f"  {short_name(state.key.name)}", "dim"))]
        lines += (suppressed_line(suppressed) for suppressed in state.suppressed)
        console.print(Text("\n    ").join(lines), soft_wrap=not console.is_terminal)


def suppressed_line(suppressed: Suppressed) -> Text:
    """``path: declared → observed``, or the kind of the drift, and the rule that keeps quiet about it."""
    difference = suppressed.difference
    text = Text(suppressed.kind, "red") if difference is None else difference_line(difference)
    return Text.assemble(text, (f"  by {suppressed.rule}", "dim"))


class FindingBlock(NamedTuple):
    """A finding in some lines.

    Args:
        severity: its severity.
        head: the resource, and the status of a finding that is not open.
        facts: its id, since when, by whom, from where, its owner, name and declaration.
        differences: a line for each difference.
    """

    severity: Text
    head: Text
    facts: tuple[str, ...]
    differences: list[Text]

    def lines(self) -> list[Text]:
        """All lines of the block, unwrapped: the head with its severity, the facts, the differences."""
        severity = self.severity.copy()
        severity.pad_right(_BESIDE - len(severity))
        return [severity.append_text(self.head), Text(" · ".join(self.facts), "dim"), *self.differences]


def _packed(facts: Iterable[str], width: int) -> list[str]:
    """The facts on as few lines as there is room for, none of them broken unless it is longer than a line."""
    lines: list[str] = []
    for fact in facts:
        if lines and len(lines[-1]) + len(_BETWEEN) + len(fact) <= width:
            lines[-1] += _BETWEEN + fact
        else:
            lines.append(fact)
    return lines


def finding_block(state: ResourceState) -> FindingBlock:
    """A finding in some lines; empty for a record without one."""
    if state.finding is None:
        return FindingBlock(Text(), Text(), (), [])
    data = data_of(state)
    head = title(state)
    if data.status != "open":
        head.append(f" {data.status}: {data.reason}", "green")
    facts = (
        data.finding_id[:8],
        since(data),
        f"changed by {actor_text(data.actor)}",
        drift_origin.in_words(data.origin),
        " ".join(filter(None, (data.owner.team, data.owner.slack))),
        data.declared_in.named,
        short_name(data.resource_name),
    )
    severity = Text(data.severity, SEVERITY_STYLES[data.severity])
    return FindingBlock(severity, head, tuple(filter(None, facts)), list(difference_lines(state)))


def since(finding: DriftData) -> str:
    """How long ago a drift began; ``at least 35 d ago`` if it is older than what is known."""
    began_at, at_least = beginning(finding.history, finding.first_seen)
    return f"at least {ago(began_at)}" if at_least else ago(began_at)


def actor_text(actor: Actor | None) -> str:
    """``alice@example.com, by console, 12:03 (likely)``; several possible actors; or that the actor is unknown."""
    if actor is None:
        return "unknown"
    names = " or ".join((actor.principal, *actor.others))
    parts = (names, f"by {actor.caller}" if actor.caller else "", f"{actor.requested_at:%Y-%m-%d %H:%M}")
    hand = "" if actor.kind == "person" else f"{actor.kind}, "
    through = f" through {', '.join(actor.through)}" if actor.through else ""
    return f"{', '.join(filter(None, parts))}{through} ({hand}{actor.confidence})"


def _worst_first(state: ResourceState) -> tuple[int, str]:
    severity = state.finding.severity if state.finding else "low"
    return list(SEVERITY_STYLES).index(severity), state.key.name


def difference_lines(state: ResourceState, most: int = _MAX_LINES) -> list[Text]:
    """The differences of a finding, one a line, as many as fit."""
    finding = state.finding
    if finding is None or finding.kind != "modified":
        return [Text(finding.kind, "red")] if finding else []
    lines = [difference_line(difference) for difference in finding.differences[:most]]
    if (more := finding.difference_count - len(lines)) > 0:
        lines.append(Text(f"and {more} more", "dim"))
    return lines


def difference_line(difference: Difference) -> Text:
    """A difference in a line, ``path: declared → observed``; a grant without its path."""
    if granted := difference_text.grant(difference):
        sign, style = ("- ", "red") if difference.op == "missing" else ("+ ", "magenta")
        return Text.assemble((sign, style), granted)
    values = (difference_text.as_json(value) for value in (difference.declared, difference.observed))
    made = difference_text.parts(difference, *values)
    text = Text.assemble((made.path, _OPERATION_STYLES[difference.op]), ": ", (made.before, "dim"), made.declared)
    text.append(made.joint, "dim").append(made.observed)
    marks = [" (immutable)"] * difference.immutable + [" (seen by its API)"] * (difference.seen_by == "api")
    return text.append("".join((*marks, difference_text.undeclared(difference))), "dim")


def title(state: ResourceState) -> Text:
    """What drifted, as people call it: ``IAM of Bucket exports``, and its project where the name does not say it."""
    project = state.finding.project if state.finding else ""
    title = display_names.title(state.key.name, state.key.content, state.asset_type, project)
    return Text.assemble((title.kind, "bold"), f" {title.name}", (f"  {title.project}", "dim"))


def ago(time: datetime) -> str:
    """How long ago, in the largest suitable unit."""
    seconds = int((datetime.now(UTC) - time).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{max(seconds, 0)} s ago"


def print_claims(claimed: Collection[OwnershipConflict]) -> None:
    """Print each resource that another source declares already, and what to do about those of each source."""
    for claim in claimed:
        print_error(str(claim))
    for hint in claim_hints(claimed):
        print_status(hint)


def claim_hints(claimed: Iterable[OwnershipConflict]) -> list[str]:
    """For each source that declares some of the resources with permission: how many, and the next step."""
    owners = Counter(claim.source for claim in claimed if not claim.disputed)
    return [
        f"{counted(count, 'resource')} {'belongs' if count == 1 else 'belong'} to source {source}: apply with "
        f"--source {source}, or remove from that source first"
        for source, count in owners.items()
    ]


def print_refused(refused: Collection[RefusedDocument]) -> None:
    """Print each document that the source may not put in force, and the next step."""
    for document in refused:
        print_error(str(document))
    if hint := refusal_hint(refused):
        print_status(hint)


def refusal_hint(refused: Iterable[RefusedDocument]) -> str:
    """The next step where documents are refused; empty where none is."""
    reasons = [document.reason for document in refused]
    if any(reason.endswith(NOT_LISTED) for reason in reasons):
        return (
            "add the source to `sources` of the Sources document, and apply that with --source setpoint; or give "
            "--source the name of a source that is listed"
        )
    return "what a source may do stands in the Sources document; see docs/sources.md" if reasons else ""


def print_unseen(unseen: Sequence[str]) -> None:
    """Warn of places that documents name before any sweep has listed the inventory."""
    if unseen:
        more = f" (and {len(unseen) - 1} more)" if len(unseen) > 1 else ""
        print_warning(f"{unseen[0]}{more}: its existence is unknown before the first `setpoint sweep`")
