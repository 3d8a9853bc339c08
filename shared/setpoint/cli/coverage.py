"""``setpoint coverage``: which declared fields are not compared and why, and what of each resource is watched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from setpoint.bootstrap import open_store_to_read
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli.apply import Exclude, Namespace
from setpoint.cli.exit_codes import ERROR
from setpoint.cli.loading import LoadOptions, load_all
from setpoint.cli.options import DEFAULT_STORE, ProjectOfObjects, StoreUrl
from setpoint.cli.output import out, print_error, print_status
from setpoint.cli.output_lists import WatchedResource, WatchedResources
from setpoint.cli.output_models import CoverageOutput, UncheckedField, print_json
from setpoint.cli.progress import progress
from setpoint.comparison import coverage_gaps
from setpoint.detection.declared_keys import declared_keys
from setpoint.detection.watched_fields import watching
from setpoint.model import fleet_rules
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.difference import Explanation
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation
from setpoint.model.resource_state import ResourceState
from setpoint.util.counts import counted
from setpoint.util.external_sort import batches

_BATCH = 100


class Output(StrEnum):
    """How fields that are not compared are written."""

    table = "table"
    json = "json"
    jsonl = "jsonl"


def coverage(  # noqa: PLR0913 - the options of the command
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH", help="Declarations. Default: those of the store.")
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    *,
    security: Annotated[bool, typer.Option("--security", help="Only fields that matter to security.")] = False,
    watched: Annotated[
        bool,
        typer.Option("--watched", help="Show what is watched in each resource: declared, last known good, exact."),
    ] = False,
    output: Annotated[
        Output, typer.Option(help="table for people; json: one object; jsonl: one field per line.")
    ] = Output.table,
    json: Annotated[bool, typer.Option("--json", help="The same as --output jsonl.")] = False,
    exclude: Exclude = None,
    project: ProjectOfObjects = "",
    namespace: Namespace = "",
) -> None:
    """List the declared fields that are not compared, the reason, and how to close the gap."""
    options = LoadOptions(tuple(exclude or ()), project, namespace)
    if watched:
        _print_watched(_files(paths, options) if paths else _store(store), Output.jsonl if json else output)
        return
    declarations = _of_files(paths, options) if paths else _of_store(store)
    totals: Counter[str] = Counter()
    table = Table(box=None, pad_edge=False)
    for column in ("resource", "field", "why it is not compared", "closed by"):
        table.add_column(column, overflow="fold")
    fields: list[UncheckedField] = []
    with progress("declarations") as advance:
        for declaration, unknown in declarations:
            for row in _rows(declaration, unknown, totals, security=security):
                if json or output is Output.jsonl:
                    out.out(msgspec.json.encode(row).decode())
                elif output is Output.json:
                    fields.append(row)
                else:
                    table.add_row(row.resource, row.field, row.reason, row.closed_by)
            advance(1)
    if output is Output.json:
        print_json(_as_output(totals, fields))
    if table.row_count:
        out.print(table)
    print_status(_summary(totals))


_Declared = tuple[Declaration, tuple[Explanation, ...]]
"""A declaration, and what its last observation left unknown."""
_Watched = tuple[Desired, Rules, ResourceState | None, Observation | None]
"""What is declared of a resource, the rules of the fleet, its record, and of an IAM policy the last observation."""


def _rows(
    declaration: Declaration, unknown: tuple[Explanation, ...], totals: Counter[str], *, security: bool
) -> Iterator[UncheckedField]:
    schema = default_catalogue().fitting(declaration.asset_type, declaration.data)
    covered = coverage_gaps.coverage(declaration, schema, unknown)
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


def _print_watched(resources: Iterable[_Watched], output: Output) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("resource", "what of it is watched"):
        table.add_column(column, overflow="fold")
    records: list[WatchedResource] = []
    count = 0
    for count, (desired, rules, state, last) in enumerate(resources, 1):  # noqa: B007 - the count is reported after the loop
        first = desired.declarations[0]
        watched = watching(desired, rules, state, last)
        record = WatchedResource(first.key.name, first.asset_type, first.key.content, **watched._asdict())
        if output is Output.jsonl:
            print_json(record)
        elif output is Output.json:
            records.append(record)
        else:
            table.add_row(first.key.name, str(watched))
    if output is Output.json:
        print_json(WatchedResources(tuple(records)))
    if table.row_count:
        out.print(table)
    print_status(counted(count, "declared resource", none="no"))


def _of_files(paths: Iterable[str], options: LoadOptions) -> Iterator[_Declared]:
    for desired, *_ in _files(paths, options):
        yield from ((declaration, ()) for declaration in desired.declarations)


def _files(paths: Iterable[str], options: LoadOptions) -> Iterator[_Watched]:
    loaded = load_all(list(paths), options, quietly=True)
    for problem in loaded.problems:
        print_error(problem)
    if loaded.problems and not loaded.desired:
        raise typer.Exit(ERROR)
    known = fleet_rules.rules(loaded.scopes, loaded.policy)
    for desired in loaded.desired:
        yield desired, known, None, None


def _of_store(url: str) -> Iterator[_Declared]:
    for desired, _, state, _ in _store(url):
        for number, declaration in enumerate(desired.declarations):
            yield declaration, state.unknown if state is not None and not number else ()


def _store(url: str) -> Iterator[_Watched]:
    store = open_store_to_read(url)
    try:
        for keys in batches(declared_keys(store), _BATCH):
            last = store.last_observations([key for key in keys if key.content == "iam_policy"])
            for key, snapshot in store.read_many(keys).items():
                if snapshot.desired is not None:
                    yield snapshot.desired, snapshot.rules, snapshot.state, last.get(key)
    finally:
        store.close()
