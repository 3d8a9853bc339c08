"""``setpoint validate``, ``plan`` and ``apply``: declarations from files into a store."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.progress import Progress

from setpoint import flow, syncing, wiring
from setpoint.cli import plan as plans
from setpoint.cli.output import errors, out, report
from setpoint.declare import load
from setpoint.declare.load import Loaded
from setpoint.errors import BadRequest
from setpoint.ports import Store
from setpoint.syncing import DEFAULT_MAX_REMOVALS, DEFAULT_SOURCE, Plan

Paths = Annotated[list[str], typer.Argument(metavar="PATH…", help="Files, or directories to look through.")]
StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="SETPOINT_STORE",
        help="memory:, sqlite:///path or firestore://PROJECT/DATABASE",
        metavar="URL",
    ),
]
SourceName = Annotated[str, typer.Option("--source", metavar="NAME", help="The set of files that this is a state of.")]
Prune = Annotated[bool, typer.Option("--prune", help="Remove what the source no longer declares.")]
MaxRemovals = Annotated[
    str, typer.Option("--max-removals", metavar="PERCENT", help="Remove no more than this part of the source.")
]


class Output(StrEnum):
    """How a plan is written."""

    text = "text"
    json = "json"


DEFAULT_STORE = "sqlite:///setpoint.db"
_FEW = 2_000


def validate(paths: Paths) -> None:
    """Check what is declared in PATH… and touch no store.

    Exits with 1 where a document is bad.
    """
    if load_all(paths).problems:
        raise typer.Exit(1)


def plan(
    paths: Paths,
    store: StoreUrl = DEFAULT_STORE,
    source: SourceName = DEFAULT_SOURCE,
    output: Annotated[Output, typer.Option(help="text for people; json for machines.")] = Output.text,
    *,
    prune: Prune = False,
) -> None:
    """Tell what `apply` would add, change and remove."""
    loaded = load_all(paths)
    opened = wiring.open_store(store)
    try:
        planned = _plan(loaded, source, opened, prune=prune)
    finally:
        opened.close()
    if output is Output.json:
        out.out(plans.as_json(planned).decode())
    else:
        plans.print_plan(planned)
    if loaded.problems or planned.claimed:
        raise typer.Exit(1)


def apply(  # noqa: PLR0913 - the options of the command
    paths: Paths,
    *,
    store: StoreUrl = DEFAULT_STORE,
    source: SourceName = DEFAULT_SOURCE,
    commit: Annotated[str, typer.Option(metavar="SHA", help="The revision that is applied.")] = "",
    prune: Prune = False,
    max_removals: MaxRemovals = f"{DEFAULT_MAX_REMOVALS:.0%}",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")] = False,
    events_topic: Annotated[
        str | None,
        typer.Option(
            envvar="SETPOINT_EVENTS_TOPIC", metavar="projects/P/topics/T", help="Publish what follows; else it waits."
        ),
    ] = None,
) -> None:
    """Put in force what is declared in PATH…, so that changes are compared with it from now on.

    Exits with 1 where a document is bad; the good ones are put in force all the same, and nothing is removed.
    """
    loaded = load_all(paths)
    deps = wiring.rejudging(store, events_topic)
    try:
        planned = _plan(loaded, source, deps.store, prune=prune)
        if dry_run:
            plans.print_plan(planned)
        else:
            syncing.check_removals(planned, _part(max_removals))
            _apply(planned, deps, commit)
    finally:
        deps.store.close()
    if loaded.problems or planned.claimed:
        raise typer.Exit(1)


def load_all(paths: list[str]) -> Loaded:
    """Load and report.

    Raises:
        BadRequest: nothing at all was found, which is more likely a wrong path than an empty fleet.
    """
    loaded = load.load(paths)
    report(loaded)
    if not loaded.desired and not loaded.scopes and not loaded.problems:
        raise BadRequest(f"no declarations in {', '.join(paths)}; is it the right path?")
    return loaded


def _plan(loaded: Loaded, source: str, store: Store, *, prune: bool) -> Plan:
    if prune and loaded.problems:
        errors.print("nothing is removed, since not every document could be read", style="yellow")
        prune = False
    return syncing.plan(loaded.desired, loaded.scopes, source, store, prune=prune)


def _apply(planned: Plan, deps: flow.Deps, commit: str) -> None:
    with Progress(console=errors, transient=True, disable=len(planned.changes) < _FEW) as progress:
        task = progress.add_task("writing", total=len(planned.changes))
        keys = syncing.apply(
            planned, deps.store, datetime.now(UTC), commit=commit, advance=lambda done: progress.advance(task, done)
        )
        task = progress.add_task("judging again", total=len(keys))
        judged = 0
        for key in keys:
            judged += flow.rejudge(key, deps) in ("opened", "changed", "resolved")
            progress.advance(task)
    for claim in planned.claimed:
        errors.print(
            f"[red]error:[/] {claim.here}: {claim.key.name} is declared by source {claim.source} at {claim.where}",
            soft_wrap=True,
        )
    errors.print(plans.summary(planned), soft_wrap=True)
    if judged:
        errors.print(f"{judged} findings opened, changed or resolved by what is declared now")


def _part(percent: str) -> float:
    try:
        return float(percent.removesuffix("%")) / 100
    except ValueError:
        raise BadRequest(f"--max-removals takes a percentage, 10%; not `{percent}`") from None
