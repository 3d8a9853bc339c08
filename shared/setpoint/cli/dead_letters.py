"""``setpoint dead-letters``: list messages that could not be handled, and replay them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from setpoint import bootstrap
from setpoint.cli.options import Project
from setpoint.cli.output import ago, out, print_status
from setpoint.cli.output_lists import DeadLetterList, DeadLetterRecord
from setpoint.cli.output_models import print_json
from setpoint.operations import dead_letter_replay
from setpoint.operations.dead_letters import DeadLetter
from setpoint.util.counts import counted

app = typer.Typer(help="Messages that could not be handled.", no_args_is_help=True)

Subscription = Annotated[str, typer.Option(metavar="NAME", help="The subscription of the dead letters.")]
Most = Annotated[int, typer.Option(min=1, help="At most this many.")]


class Output(StrEnum):
    """How dead letters are written."""

    table = "table"
    json = "json"
    jsonl = "jsonl"


@app.command("list")
def list_dead_letters(
    project: Project,
    subscription: Subscription = "dead-letters",
    most: Most = 100,
    output: Annotated[
        Output, typer.Option(help="table for people; json: one object; jsonl: a message a line.")
    ] = Output.table,
) -> None:
    """List dead letters without acknowledging them. Their content is not shown: it may hold secrets."""
    dead_letters = dead_letter_replay.show(bootstrap.open_dead_letter_queue(project, subscription), most)
    records = tuple(_as_record(dead_letter) for dead_letter in dead_letters)
    if output is Output.json:
        print_json(DeadLetterList(records))
        return
    if output is Output.jsonl:
        for record in records:
            print_json(record)
        return
    table = Table(box=None, pad_edge=False)
    for column in ("id", "since", "from", "bytes", "why"):
        table.add_column(column, overflow="fold", justify="right" if column == "bytes" else "left")
    for dead_letter in dead_letters:
        size = f"{len(dead_letter.data):,}"
        table.add_row(
            dead_letter.id, ago(dead_letter.published_at), dead_letter.subscription or "?", size, dead_letter.why
        )
    out.print(table)
    print_status(
        f"{counted(len(dead_letters), 'dead letter', none='no')}{' at least' if len(dead_letters) == most else ''}"
    )


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
    queue = bootstrap.open_dead_letter_queue(project, subscription)
    done = dead_letter_replay.replay(queue, most, reason, drop=drop, try_only=dry_run)
    for result in done:
        trial = "would be " if dry_run and result.done != "left" else ""
        print_status(f"{trial}{result.done} {result.dead_letter.id}: {result.about or result.dead_letter.why}")
    handled = sum(result.done != "left" for result in done)
    print_status(f"{handled} of {len(done)} {'would be ' if dry_run else ''}sent or dropped")
    if handled < len(done):
        raise typer.Exit(1)


def _as_record(dead_letter: DeadLetter) -> DeadLetterRecord:
    return DeadLetterRecord(
        id=dead_letter.id,
        published_at=dead_letter.published_at,
        subscription=dead_letter.subscription,
        size=len(dead_letter.data),
        why=dead_letter.why,
        reason=dead_letter.reason,
        attempts=dead_letter.attempts,
    )
