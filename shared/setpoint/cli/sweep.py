"""``setpoint sweep``: compare the whole inventory with the declarations."""

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
    content: Annotated[
        list[ContentChoice] | None, typer.Option(help="Content to list; may be given again. Default: all.")
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    events_topic: EventsTopic = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Restart an interrupted sweep.")] = False,
    jitter: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Random delay before the start, at most this long.")
    ] = 0.0,
    output: Annotated[Output, typer.Option(help="table for people; json: one object.")] = Output.table,
) -> None:
    """Compare the whole inventory with the declarations: a full scan that also finds deleted resources.

    An interrupted sweep continues where it stopped.

    Exits with 1 where a listing failed for another reason than missing permission.
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
                [choice.value for choice in content or _all_contents(scope)],
                split(types),
                bootstrap.open_inventory(),
                deps,
                advance=lambda done: progress.advance(task, done),
                resume=not fresh,
            )
        _report(swept, time.perf_counter() - started)
        if output is Output.json:
            report = msgspec.structs.asdict(swept.summary) | {"healed": swept.healed, "resumed": swept.resumed}
            out.out(msgspec.json.encode(report).decode())
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


def _all_contents(scopes: list[str]) -> list[ContentChoice]:
    """All contents; access policies can be listed on organisations only."""
    above = any(scope.startswith("organizations/") for scope in scopes)
    return [choice for choice in ContentChoice if above or choice is not ContentChoice.access_policy]


def _report(swept: Swept, took: float) -> None:
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in swept.outcomes.most_common())
    if swept.resumed:
        say("continued the interrupted sweep; --fresh restarts it")
    say(f"{swept.listed:,} assets in {took:.1f} s ({swept.listed / took if took else 0:,.0f}/s): {counts}")
    for made, count in swept.made.most_common():
        say(f"{count:,} need no declaration: {made}")
    if swept.gone:
        say(f"{swept.gone:,} declared and deleted")
    if swept.unknown:
        say_warning(f"{swept.unknown:,} declared, and not conclusive in the listing", "unknown")
    for reason in (*swept.denied.values(), *swept.summary.failed.values()):
        say_warning(reason, "unknown")
    if swept.healed:
        say(f"published pending events of {swept.healed:,} resources")


def _coverage(swept: Swept) -> Table:
    """The coverage of the declarations."""
    summary = swept.summary
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    counts = (
        (summary.declared, "declared", ""),
        (summary.seen, "seen", ""),
        (summary.in_sync, "in sync", "green"),
        (summary.drifted, "drifted", "red"),
        (summary.unknown, "unknown: the listing is not conclusive", "yellow"),
        (summary.unchecked, "unchecked: the listing carries no content", "yellow"),
    )
    for count, what, style in counts:
        table.add_row(f"{count:,}", Text(what, style if count else "dim"))
    return table
