"""``setpoint types``: the asset types of Cloud Asset Inventory, and what is known of each."""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from setpoint.catalog import inventory_names, type_table
from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli.output import out
from setpoint.cli.output_lists import TypeList
from setpoint.cli.output_models import print_json
from setpoint.declarations.readers import typos
from setpoint.errors import BadRequest
from setpoint.util.counts import counted

_CLOSE = 0.8


class Output(StrEnum):
    """How asset types are written."""

    table = "table"
    json = "json"
    jsonl = "jsonl"


def types(
    pattern: Annotated[str, typer.Argument(metavar="TEXT", help="Only types whose name contains this text.")] = "",
    *,
    output: Annotated[
        Output, typer.Option(help="table for people; json: one object; jsonl: one type per line.")
    ] = Output.table,
    json: Annotated[bool, typer.Option("--json", help="The same as --output jsonl.")] = False,
) -> None:
    """List asset types: API version, naming, compared and writable fields, and fields that the inventory lacks."""
    rows = [
        row for row in type_table.rows(default_catalogue(), default_methods()) if pattern.lower() in row.type.lower()
    ]
    if not rows and pattern:
        near = typos.closest_asset_type(pattern) or _of_kind(pattern)
        raise BadRequest(f"no asset type contains `{pattern}`{f'; did you mean {near}?' if near else ''}")
    if output is Output.json:
        print_json(TypeList(tuple(rows)))
        return
    if json or output is Output.jsonl:
        for row in rows:
            out.out(msgspec.json.encode(row).decode())
        return
    table = Table(box=None, pad_edge=False)
    for column in ("type", "versions", "named by", "compared by", "writes", "the inventory lacks"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            row.type, ", ".join(row.versions), row.named_by, row.compared_by, row.writes, ", ".join(row.lacks)
        )
    out.print(table)
    out.print(counted(len(rows), "type"))


def _of_kind(kind: str) -> str:
    """A type whose kind is like this word; empty if there is none."""
    kinds = {known.rpartition("/")[2].lower(): known for known in inventory_names.known_types()}
    near = difflib.get_close_matches(kind.lower(), kinds, n=1, cutoff=_CLOSE)
    return kinds[near[0]] if near else ""
