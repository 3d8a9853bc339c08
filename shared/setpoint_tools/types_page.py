"""The page of all asset types, ``docs/asset-types.md``, from the tables: ``python -m setpoint_tools.types_page``."""

from __future__ import annotations

import sys
from pathlib import Path

from msgspec.structs import replace

from setpoint.catalog import type_table
from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.catalog.type_table import TypeRow

PAGE = Path("docs/asset-types.md")
_HEAD = """\
# Asset types

<!-- Written by `make typetable`; do not edit. -->
Every type that Cloud Asset Inventory lists: {count}. `setpoint types` prints the same for the installed version.

- **Version**: API versions in which the inventory was seen to send it; a dash where none was recorded.
- **Named by**: what [its name](inventory.md#names) in the inventory holds.
- **Compared by**: `schema`, Google's own description of its fields; `shape`, where there is none.
- **Writes**: how [remediation](remediation.md) writes it; `no` where no method does.
- **Lacks**: fields that the inventory never carries; [deep reads](policies.md#deep-reads) compare them.

{schema} types are compared by schema, {writable} can be written.
"""
_TABLE = "\n| service | types | version | named by | compared by | writes | lacks |\n|---|---|---|---|---|---|---|\n"


def page() -> str:
    """The page: a row for the types of a service of which the same is known."""
    rows = list(type_table.rows(default_catalogue(), default_methods()))
    head = _HEAD.format(
        count=len(rows),
        schema=sum(row.compared_by == "schema" for row in rows),
        writable=sum(row.writes != "no" for row in rows),
    )
    alike: dict[tuple[str, TypeRow], list[str]] = {}
    for row in rows:
        service, _, kind = row.type.partition("/")
        alike.setdefault((service, replace(row, type="")), []).append(kind)
    return head + _TABLE + "".join(_line(service, kinds, row) for (service, row), kinds in alike.items())


def _line(service: str, kinds: list[str], row: TypeRow) -> str:
    lacks = ", ".join(f"`{field}`" for field in row.lacks)
    versions = ", ".join(row.versions) or "-"
    what = f"{row.named_by} | {row.compared_by} | {row.writes} | {lacks}"
    return f"| {service.removesuffix('.googleapis.com')} | {', '.join(kinds)} | {versions} | {what} |\n"


def main() -> None:
    """Write the page below the working directory, or below the one given."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    (root / PAGE).write_text(page())


if __name__ == "__main__":
    main()
