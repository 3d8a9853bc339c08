"""``setpoint dead-letters``: what could not be handled, and back to where it came from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from setpoint import bootstrap
from setpoint.cli.options import Project
from setpoint.cli.output import ago, out, print_status
from setpoint.operations import dead_letter_replay
from setpoint.operations.dead_letters import DeadLetter

app = typer.Typer(help="Messages that could not be handled.", no_args_is_help=True)

Subscription = Annotated[str, typer.Option(metavar="NAME", help="The subscription of the dead letters.")]
Most = Annotated[int, typer.Option(min=1, help="At most this many.")]


class Output(StrEnum):
    """How letters are written."""

    table = "table"
    jsonl = "jsonl"


@app.command("list")
def list_letters(
    project: Project,
    subscription: Subscription = "dead-letters",
    most: Most = 100,
    output: Annotated[Output, typer.Option(help="table for people; jsonl: an object a line.")] = Output.table,
) -> None:
    """List dead letters without acknowledging them. Their content is not shown: it may hold secrets."""
    letters = dead_letter_replay.show(bootstrap.open_dead_letter_queue(project, subscription), most)
    if output is Output.jsonl:
        for letter in letters:
            out.out(msgspec.json.encode(_as_json(letter)).decode())
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "since", "from", "bytes", "why"):
        table.add_column(column, overflow="fold", justify="right" if column == "bytes" else "left")
    for letter in letters:
        size = f"{len(letter.data):,}"
        table.add_row(letter.id, ago(letter.published_at), letter.subscription or "?", size, letter.why)
    out.print(table)
    print_status(f"{len(letters) or 'no'} dead letters{' at least' if len(letters) == most else ''}")


@app.command()
def replay(
    project: Project,
    subscription: Subscription = "dead-letters",
    most: Most = 1000,
    reason: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Only messages with this text in their reason. Default: those that Pub/Sub gave up."
        ),
    ] = "",
    *,
    drop: Annotated[bool, typer.Option("--drop", help="Acknowledge them without publishing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
) -> None:
    """Publish dead letters to the topics that they came from, then acknowledge each.

    Exits with 1 where some were left.
    """
    box = bootstrap.open_dead_letter_queue(project, subscription)
    done = dead_letter_replay.replay(box, most, reason, drop=drop, try_only=dry_run)
    for result in done:
        trial = "would be " if dry_run and result.done != "left" else ""
        print_status(f"{trial}{result.done} {result.dead_letter.id}: {result.about or result.dead_letter.why}")
    handled = sum(result.done != "left" for result in done)
    print_status(f"{handled} of {len(done)} {'would be ' if dry_run else ''}sent or dropped")
    if handled < len(done):
        raise typer.Exit(1)


def _as_json(letter: DeadLetter) -> dict[str, object]:
    return {
        "id": letter.id,
        "published_at": letter.published_at,
        "subscription": letter.subscription,
        "bytes": len(letter.data),
        "why": letter.why,
        "reason": letter.reason,
        "attempts": letter.attempts,
    }
