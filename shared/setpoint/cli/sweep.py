"""``setpoint sweep``: the whole inventory against what is declared."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from setpoint import sweeping, wiring
from setpoint.cli.options import DEFAULT_STORE, ContentChoice, EventsTopic, Scopes, StoreUrl, Types, split
from setpoint.cli.output import errors, out, print_findings, say, say_warning
from setpoint.sweeping import Swept


def sweep(
    *,
    scope: Scopes,
    types: Types = None,
    content: Annotated[list[ContentChoice] | None, typer.Option(help="What of them; several. Else everything.")] = None,
    store: StoreUrl = DEFAULT_STORE,
    events_topic: EventsTopic = None,
) -> None:
    """Compare all that is there, and all that is not, with what is declared; heal what feeds have dropped."""
    deps = wiring.rejudging(store, events_topic)
    started = time.perf_counter()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, console=errors, transient=True) as progress:
            task = progress.add_task("assets", total=None)
            swept = sweeping.sweep(
                scope,
                [one.value for one in content or _everything(scope)],
                split(types),
                wiring.open_inventory(),
                deps,
                advance=lambda done: progress.advance(task, done),
            )
        _tell(swept, time.perf_counter() - started)
        drifted = [one for one in deps.store.states(drifted=True) if one.finding and one.finding.status == "open"]
        print_findings(out, drifted, f"{len(drifted) or 'no'} open findings")
    finally:
        deps.store.close()


def _everything(scopes: list[str]) -> list[ContentChoice]:
    """All contents; access policies are listed of organisations only, which hold them."""
    above = any(scope.startswith("organizations/") for scope in scopes)
    return [one for one in ContentChoice if above or one is not ContentChoice.access_policy]


def _tell(swept: Swept, took: float) -> None:
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in swept.outcomes.most_common())
    say(f"{swept.listed:,} assets in {took:.1f} s ({swept.listed / took if took else 0:,.0f}/s): {told}")
    for made, count in swept.made.most_common():
        say(f"{count:,} need no declaration: {made}")
    if swept.gone:
        say(f"{swept.gone:,} declared and not there")
    if swept.unknown:
        say_warning(f"{swept.unknown:,} declared, and the listing can tell nothing of them", "unknown")
    for reason in swept.denied.values():
        say_warning(reason, "unknown")
    if swept.healed:
        say(f"published what was left of {swept.healed:,} resources")
