"""``setpoint types``: the asset types of Cloud Asset Inventory, and what is known of each."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from setpoint.catalog import inventory_names
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli.output import out


def types(
    pattern: Annotated[str, typer.Argument(help="Only types that contain this text.")] = "",
    *,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """List asset types: API version, how the inventory names them, what is compared, and what the inventory lacks."""
    rows = [_row(asset_type) for asset_type in inventory_names.known_types() if pattern.lower() in asset_type.lower()]
    if json:
        for row in rows:
            out.out(msgspec.json.encode(row).decode())
        return
    table = Table(box=None, pad_edge=False)
    for column in ("type", "versions", "named by", "compared by", "the inventory lacks"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row["type"], row["versions"], row["named_by"], row["compared_by"], row["lacks"])
    out.print(table)
    out.print(f"{len(rows)} types")


def _row(asset_type: str) -> dict[str, str]:
    known = inventory_names.entry(asset_type)
    schema = default_catalogue().schema_for(asset_type)
    lacks = sorted(inventory_names.missing_fields(asset_type))
    if known is None or not known.formats:
        named_by = "unknown"
    elif inventory_names.is_server_named(asset_type):
        named_by = known.by.replace("_", " ")
    else:
        named_by = "name, project number" if known.project_number else "name"
    versions = inventory_names.versions(asset_type)
    return {
        "type": asset_type,
        "versions": ", ".join(versions),
        "named_by": named_by,
        "compared_by": "schema" if schema is not None else "shape",
        "lacks": ", ".join(lacks),
    }
