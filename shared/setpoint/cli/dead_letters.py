"""``setpoint dead-letters``: list messages that could not be handled, and replay them."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from setpoint import bootstrap
from setpoint.cli.options import Project
from setpoint.cli.output import ago, out, print_status, print_warning
from setpoint.cli.output_lists import DeadLetterList, DeadLetterRecord
from setpoint.cli.output_models import print_json
from setpoint.errors import BadRequest
from setpoint.operations import dead_letter_replay
from setpoint.operations.dead_letters import ENCRYPTED, DeadLetter, decrypted
from setpoint.util.counts import counted

app = typer.Typer(
    help="List, replay or decrypt messages that could not be handled.", no_args_is_help=True, add_completion=False
)

Subscription = Annotated[str, typer.Option(metavar="NAME", help="The subscription of the dead letters.")]
KeyStoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="SETPOINT_STORE",
        metavar="URL",
        help="The store of the installation, which has the key for encrypted messages.",
        show_default=False,
    ),
]
Most = Annotated[int, typer.Option(min=1, metavar="N", help="Maximum number of messages.")]


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
        Output, typer.Option(help="table for people; json: one object; jsonl: one message per line.")
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
            metavar="TEXT",
            help="Only messages with this text in their reason. Default: messages without a reason, which Pub/Sub "
            "gave up.",
        ),
    ] = "",
    *,
    store: KeyStoreUrl = None,
    drop: Annotated[bool, typer.Option("--drop", help="Acknowledge them without publishing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")] = False,
) -> None:
    """Publish dead letters to their original topics, then acknowledge each.

    Exits with 1 if some messages are left.
    """
    queue = bootstrap.open_dead_letter_queue(project, subscription)
    done = dead_letter_replay.replay(queue, most, reason, drop=drop, try_only=dry_run, key=_key_of(store))
    for result in done:
        trial = "would be " if dry_run and result.done != "left" else ""
        print_status(f"{trial}{result.done} {result.dead_letter.id}: {result.about or result.dead_letter.why}")
    handled = sum(result.done != "left" for result in done)
    print_status(f"{handled} of {len(done)} {'would be ' if dry_run else ''}sent or dropped")
    if handled < len(done):
        raise typer.Exit(1)


class _StoredMessage(msgspec.Struct):
    """A line of a file of dead letters."""

    message: str
    attributes: dict[str, str]


@app.command()
def decrypt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `setpoint detect --dead-letters`.")],
    store: KeyStoreUrl = None,
) -> None:
    """Write the messages in a file of dead letters, one per line, as `setpoint detect --feed -` reads them.

    Exits with 1 if a message was encrypted with the key of another store.
    """
    key = _key_of(store)
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise BadRequest(f"{file} cannot be read ({error.strerror})") from error
    messages = [_message_of(line, file, key) for line in lines]
    for message in messages:
        if message is not None:
            sys.stdout.buffer.write(message.rstrip() + b"\n")
    if unread := messages.count(None):
        print_warning(f"encrypted with the key of another store: {counted(unread, 'dead letter')}", "unread")
        raise typer.Exit(1)


def _message_of(line: bytes, file: Path, key: Callable[[], bytes] | None) -> bytes | None:
    """The message in a line of a file of dead letters; None where it was encrypted with another key."""
    try:
        letter = msgspec.json.decode(line, type=_StoredMessage)
        message = base64.b64decode(letter.message)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadRequest(f"{file} is not a file of dead letters; see `setpoint detect --help`") from error
    if ENCRYPTED not in letter.attributes:
        return message
    if key is None:
        raise BadRequest(f"what is in {file} is encrypted; give --store, which has the key")
    return decrypted(message, key())


def _key_of(store: str | None) -> Callable[[], bytes] | None:
    return bootstrap.open_installation_key(store).read if store else None


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
