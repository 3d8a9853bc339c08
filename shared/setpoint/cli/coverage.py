"""``setpoint coverage``: which declared fields are not compared, why not, and what would close the gap."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from setpoint.bootstrap import open_store_to_read
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli.apply import Exclude, LoadOptions, Namespace, ProjectOfObjects, load_all
from setpoint.cli.options import DEFAULT_STORE, StoreUrl
from setpoint.cli.output import out, print_status
from setpoint.cli.output_models import CoverageOutput, UncheckedField, print_json
from setpoint.comparison import gaps
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Explanation
from setpoint.util.counts import counted
from setpoint.util.external_sort import batches

_AT_ONCE = 100


class Output(StrEnum):
    """How fields that are not compared are written."""

    table = "table"
    json = "json"
    jsonl = "jsonl"


def coverage(  # noqa: PLR0913 - the options of the command
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]…", help="Declarations; without any, those of the store.")
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    *,
    security: Annotated[bool, typer.Option("--security", help="Only fields that matter to security.")] = False,
    output: Annotated[
        Output, typer.Option(help="table for people; json: one object; jsonl: a field a line.")
    ] = Output.table,
    json: Annotated[bool, typer.Option("--json", help="The same as --output jsonl.")] = False,
    exclude: Exclude = None,
    project: ProjectOfObjects = "",
    namespace: Namespace = "",
) -> None:
    """List the declared fields that are not compared, the reason, and what would close the gap."""
    options = LoadOptions(tuple(exclude or ()), project, namespace)
    declarations = _of_files(paths, options) if paths else _of_store(store)
    totals: Counter[str] = Counter()
    table = Table(box=None, pad_edge=False)
    for column in ("resource", "field", "why it is not compared", "closed by"):
        table.add_column(column, overflow="fold")
    fields: list[UncheckedField] = []
    for declaration, unknown in declarations:
        for row in _rows(declaration, unknown, totals, security=security):
            if json or output is Output.jsonl:
                out.out(msgspec.json.encode(row).decode())
            elif output is Output.json:
                fields.append(row)
            else:
                table.add_row(row.resource, row.field, row.reason, row.closed_by)
    if output is Output.json:
        print_json(_as_output(totals, fields))
    if table.row_count:
        out.print(table)
    print_status(_summary(totals))


_Declared = tuple[Declaration, tuple[Explanation, ...]]
"""A declaration, and what its last observation left unknown."""


def _rows(
    declaration: Declaration, unknown: tuple[Explanation, ...], totals: Counter[str], *, security: bool
) -> Iterator[UncheckedField]:
    schema = default_catalogue().fitting(declaration.asset_type, declaration.data)
    covered = gaps.coverage(declaration, schema, unknown)
    totals["resources"] += 1
    totals["declared"] += covered.declared
    totals["unchecked"] += len(covered.gaps)
    for gap in covered.gaps:
        totals["security"] += bool(gap.matters)
        if gap.matters or not security:
            yield UncheckedField(declaration.key.name, declaration.asset_type, *gap)


def _as_output(totals: Counter[str], fields: Iterable[UncheckedField]) -> CoverageOutput:
    declared, unchecked = totals["declared"], totals["unchecked"]
    return CoverageOutput(
        resources=totals["resources"],
        declared=declared,
        unchecked=unchecked,
        security=totals["security"],
        coverage=round((declared - unchecked) / declared, 4) if declared else 1.0,
        fields=tuple(fields),
    )


def _summary(totals: Counter[str]) -> str:
    declared, unchecked = totals["declared"], totals["unchecked"]
    if not declared:
        return "nothing is declared"
    share = (declared - unchecked) / declared
    return (
        f"{declared - unchecked:,} of {counted(declared, 'declared field')} of "
        f"{counted(totals['resources'], 'resource')} are compared ({share:.1%}); "
        f"{unchecked:,} are not, {totals['security']:,} of which matter to security"
    )


def _of_files(paths: Iterable[str], options: LoadOptions) -> Iterator[_Declared]:
    loaded = load_all(list(paths), options, quietly=True)
    for desired in loaded.desired:
        yield from ((declaration, ()) for declaration in desired.declarations)


def _of_store(url: str) -> Iterator[_Declared]:
    store = open_store_to_read(url)
    try:
        sources = store.control().value.sources.items()
        manifests = (store.manifest(name, source.generation) for name, source in sources)
        previous = None
        for keys in batches((key for key, _ in heapq.merge(*manifests)), _AT_ONCE):
            wanted = [key for key in dict.fromkeys(keys) if key != previous]
            for snapshot in store.read_many(wanted).values():
                unknown = snapshot.state.unknown if snapshot.state is not None else ()
                for number, declaration in enumerate(snapshot.desired.declarations if snapshot.desired else ()):
                    yield declaration, () if number else unknown
            previous = keys[-1]
    finally:
        store.close()
