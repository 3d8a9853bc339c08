"""``setpoint sweep``: the whole inventory against what is declared."""

from __future__ import annotations

import random
import time
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from setpoint import bootstrap
from setpoint import sweep as sweeping
from setpoint.cli.options import DEFAULT_STORE, ContentChoice, EventsTopic, Scopes, StoreUrl, Types, split
from setpoint.cli.output import errors, out, print_findings, say, say_warning
from setpoint.sweep import Swept


class Output(StrEnum):
    """How the summary is written."""

    table = "table"
    json = "json"


def sweep(  # noqa: PLR0913 - each is an option
    *,
    scope: Scopes,
    types: Types = None,
    content: Annotated[list[ContentChoice] | None, typer.Option(help="What of them; several. Else everything.")] = None,
    store: StoreUrl = DEFAULT_STORE,
    events_topic: EventsTopic = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, where a sweep was interrupted.")] = False,
    jitter: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="Begin up to so much later.")] = 0.0,
    output: Annotated[Output, typer.Option(help="table for people; json: one object.")] = Output.table,
) -> None:
    """Compare all that is there, and all that is not, with what is declared; heal what feeds have dropped.

    A sweep that was interrupted goes on where it stopped.

    Exits with 1 where something could not be listed for another reason than that it is denied.
    """
    time.sleep(random.uniform(0, jitter))  # noqa: S311 - no secret
    deps = bootstrap.rejudging(store, events_topic)
    started = time.perf_counter()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
            task = progress.add_task("assets", total=None)
            swept = sweeping.sweep(
                scope,
                [one.value for one in content or _everything(scope)],
                split(types),
                bootstrap.open_inventory(),
                deps,
                advance=lambda done: progress.advance(task, done),
                resume=not fresh,
            )
        _tell(swept, time.perf_counter() - started)
        if output is Output.json:
            told = msgspec.structs.asdict(swept.summary) | {"healed": swept.healed, "resumed": swept.resumed}
            out.out(msgspec.json.encode(told).decode())
        else:
            out.print(_coverage(swept))
            drifted = [
                state for state in deps.store.states(drifted=True) if state.finding and state.finding.status == "open"
            ]
            print_findings(out, drifted, f"{len(drifted) or 'no'} open findings")
    finally:
        deps.store.close()
    if swept.summary.failed:
        raise typer.Exit(1)


def _everything(scopes: list[str]) -> list[ContentChoice]:
    """All contents; access policies are listed of organisations only, which hold them."""
    above = any(scope.startswith("organizations/") for scope in scopes)
    return [one for one in ContentChoice if above or one is not ContentChoice.access_policy]


def _tell(swept: Swept, took: float) -> None:
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in swept.outcomes.most_common())
    if swept.resumed:
        say("went on where the sweep before was interrupted; --fresh begins anew")
    say(f"{swept.listed:,} assets in {took:.1f} s ({swept.listed / took if took else 0:,.0f}/s): {told}")
    for made, count in swept.made.most_common():
        say(f"{count:,} need no declaration: {made}")
    if swept.gone:
        say(f"{swept.gone:,} declared and not there")
    if swept.unknown:
        say_warning(f"{swept.unknown:,} declared, and the listing can tell nothing of them", "unknown")
    for reason in (*swept.denied.values(), *swept.summary.failed.values()):
        say_warning(reason, "unknown")
    if swept.healed:
        say(f"published what was left of {swept.healed:,} resources")


def _coverage(swept: Swept) -> Table:
    """Of what is declared, how much the sweep knows."""
    summary = swept.summary
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    counts = (
        (summary.declared, "declared", ""),
        (summary.seen, "seen", ""),
        (summary.in_sync, "in sync", "green"),
        (summary.drifted, "drifted", "red"),
        (summary.unknown, "unknown: the listing can tell nothing of them", "yellow"),
        (summary.unchecked, "unchecked: the listing does not tell what they are", "yellow"),
    )
    for count, what, style in counts:
        table.add_row(f"{count:,}", Text(what, style if count else "dim"))
    return table
