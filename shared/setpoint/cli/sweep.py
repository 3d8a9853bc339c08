"""``setpoint sweep``: compare the whole inventory with the declarations."""

from __future__ import annotations

import dataclasses
import os
import random
import time
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from setpoint import bootstrap
from setpoint import sweep as sweeping
from setpoint.bootstrap.settings import from_environment
from setpoint.cli.check_reports import print_report
from setpoint.cli.drift_checks import ExitCode, FailOn, as_results, check_severity, drift_code
from setpoint.cli.exit_codes import ERROR
from setpoint.cli.feed import in_words
from setpoint.cli.finding_options import check_scope
from setpoint.cli.history import read_all
from setpoint.cli.loading import LoadOptions, load_all
from setpoint.cli.options import (
    DEFAULT_STORE,
    ContentChoice,
    EventsTopic,
    PastTime,
    StoreUrl,
    Types,
    parsed_time,
    split,
)
from setpoint.cli.output import out, print_error, print_findings, print_status, print_warning, visible
from setpoint.cli.output_models import SweepOutput, print_json
from setpoint.cli.passed_declarations import Declarations, count_declared, declare
from setpoint.cli.post_detection import deep_reads, print_ambiguous
from setpoint.cli.progress import progress
from setpoint.errors import BadRequest
from setpoint.model.resource_state import ResourceState
from setpoint.ports.services import Inventory
from setpoint.ports.stores import Problems
from setpoint.sweep import SweepResult
from setpoint.util.counts import counted

DECLARED_BEFORE = timedelta(days=1)
"""How long before a past sweep its declarations count as applied; a sweep does not judge what is applied during it."""
_MAX_PARTS = 5
_MAX_CLAIMS = 20
_REASONS = 3
"""Reasons of rejected records that are shown."""


class Output(StrEnum):
    """How the summary is written."""

    table = "table"
    json = "json"
    sarif = "sarif"
    junit = "junit"
    github = "github"
    markdown = "markdown"


def sweep(  # noqa: PLR0913 - each is an option
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPE", help="organizations/N, folders/N or projects/P; may be repeated."),
    ] = None,
    from_files: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="FILE|gs://…",
            help="File of exported or listed assets, instead of the API; may be repeated.",
        ),
    ] = None,
    types: Types = None,
    content: Annotated[
        list[ContentChoice] | None,
        typer.Option(
            metavar="CONTENT",
            help="Content to list: resource, iam_policy, org_policy, access_policy; may be repeated. Default: all.",
        ),
    ] = None,
    declarations: Declarations = None,
    store: StoreUrl = DEFAULT_STORE,
    events_topic: EventsTopic = None,
    past_time: PastTime = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Restart an interrupted sweep.")] = False,
    history: Annotated[
        bool,
        typer.Option("--history", help="Read from the history when findings began to drift, and who changed them."),
    ] = False,
    jitter: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Maximum random delay before the start.")
    ] = 0.0,
    output: Annotated[
        Output,
        typer.Option(
            help="table for people; json: one object; sarif, junit, github and markdown: the open findings, for CI."
        ),
    ] = Output.table,
    exit_code: ExitCode = False,
    fail_on: FailOn = "",
) -> None:
    """Compare the whole inventory with the declarations: a full scan that also finds deleted resources.

    With --from, no credentials for Cloud Asset Inventory are needed; the default scope is that of the files. An
    interrupted sweep continues where it stopped. With --at, up to 35 days ago, the inventory of that time is compared
    with --declarations in memory; no store is changed.

    Exits with 1 if a declaration is invalid, or if a listing failed for another reason than a missing permission. With
    --exit-code or --fail-on, exits with 2 if something has drifted, and with 1 if nothing was compared, a scope denied
    access, or a record could not be read.
    """
    check_severity(fail_on)
    secrecy = bootstrap.secrecy_of("memory:" if past_time else store, create=True)
    loaded = load_all(declarations, LoadOptions(secrecy=secrecy)) if declarations else None
    time.sleep(random.uniform(0, jitter))  # noqa: S311 - no secret
    as_of = _past(past_time, declarations, [from_files, events_topic, history])
    inventory, scopes, rejected, contents = _inventory(scope or [], from_files or [], as_of)
    if as_of is not None:
        store = "memory:"
        print_status(f"as of {as_of:%Y-%m-%d %H:%M:%SZ}, in memory: no store is changed")
    detection = bootstrap.open_detection(store, events_topic, create=bool(declarations))
    if as_of is not None:
        detection = dataclasses.replace(detection, clock=lambda: as_of)
    started = time.perf_counter()
    try:
        if loaded:
            declare(loaded, detection, as_of - DECLARED_BEFORE if as_of is not None else None)
        with progress("assets") as advance:
            swept = sweeping.sweep(
                scopes,
                [choice.value for choice in content or _all_contents(scopes)],
                split(types),
                inventory,
                detection,
                advance=advance,
                resume=not fresh and not from_files,
                retention=from_environment(os.environ).parsed_retention(),
            )
        if as_of is None:
            deep_reads(detection)()
        print_ambiguous(detection.projects, detection.store)
        if history:
            read_all(detection)
        _report(swept, time.perf_counter() - started, contents)
        count_declared(detection.store, store)
        unread: Problems = []
        opened = [state for state in detection.store.states(drifted=True, problems=unread) if state.is_open]
        _write(output, swept, opened)
    finally:
        detection.store.close()
    if swept.summary.failed or (loaded and loaded.problems):
        raise typer.Exit(ERROR)
    gaps = _gaps(swept, rejected, unread) if exit_code or fail_on else []
    for gap in gaps:
        print_error(gap)
    if gaps:
        raise typer.Exit(ERROR)
    raise typer.Exit(drift_code(opened, exit_code=exit_code, fail_on=fail_on))


def _gaps(swept: SweepResult, rejected: int, unread: Problems) -> list[str]:
    """Why a sweep without open findings does not show that nothing drifts."""
    gaps = []
    if not swept.summary.in_sync + swept.summary.drifted:
        gaps.append("nothing was compared; check --declarations, --store, --scope and --from")
    if swept.unknown:
        gaps += [f"not listed: {reason}" for reason in swept.denied.values()]
    if rejected:
        gaps.append(f"{counted(rejected, 'record')} of the inventory could not be read")
    if unread or swept.problems:
        gaps.append(f"stored records cannot be read, first: {[*unread, *swept.problems][0]}; run `setpoint repair`")
    return gaps


def _write(output: Output, swept: SweepResult, opened: list[ResourceState]) -> None:
    headline = counted(len(opened), "open finding", none="no")
    if output is Output.table:
        out.print(_coverage(swept))
        print_findings(out, opened, headline if swept.summary.declared or opened else "nothing was compared")
    elif output is Output.json:
        summary = msgspec.structs.asdict(swept.summary)
        print_json(SweepOutput(**summary, healed=swept.healed, resumed=swept.resumed))
    else:
        passed = swept.summary.in_sync
        headline = f"{headline}; {passed:,} of {swept.summary.declared:,} declared are in sync"
        print_report(output.value, as_results(opened), headline=headline, suite="setpoint sweep", passed=passed)


def _past(past_time: str, declarations: list[str] | None, others: list[object]) -> datetime | None:
    """The time that --at names; None without it."""
    if not past_time:
        return None
    if not declarations:
        raise BadRequest("--at needs --declarations PATH: what was declared then")
    if any(others):
        raise BadRequest("--at compares in memory what was there: without --from, --events-topic and --history")
    return parsed_time("--at", past_time)


class _Listed(NamedTuple):
    """An inventory to list.

    Args:
        inventory: the inventory.
        scopes: its scopes.
        rejected: number of its records that cannot be read.
        contents: the contents that exported files hold; None for an inventory that is listed.
    """

    inventory: Inventory
    scopes: list[str]
    rejected: int = 0
    contents: Collection[str] | None = None


def _inventory(scopes: list[str], files: list[str], as_of: datetime | None = None) -> _Listed:
    """The inventory to list, and what is known of it before."""
    for scope in scopes:
        check_scope("--scope", scope)
    if not files:
        if not scopes:
            raise BadRequest("use --scope SCOPE, or --from FILE for exported assets")
        return _Listed(bootstrap.open_inventory(as_of), scopes)
    inventory = bootstrap.open_inventory_files(files)
    kinds = in_words(inventory.kinds)
    print_status(f"{', '.join(files)}: {kinds}; as of {inventory.read_at:%Y-%m-%d %H:%M:%SZ}")
    for reason, count in inventory.rejected.most_common(_REASONS):
        print_warning(f"{counted(count, 'record')}: {reason}", "rejected")
    if not (scopes or inventory.scopes):
        raise BadRequest(
            f"{files[0]}: its assets have no `ancestors`, so that it is not known what was exported; "
            "give --scope organizations/NUMBER, folders/NUMBER or projects/ID, or export with `gcloud asset list`"
        )
    return _Listed(inventory, scopes or list(inventory.scopes), inventory.rejected.total(), inventory.contents)


def _all_contents(scopes: list[str]) -> list[ContentChoice]:
    """All contents; access policies can be listed on organisations only."""
    above = any(scope.startswith("organizations/") for scope in scopes)
    return [choice for choice in ContentChoice if above or choice is not ContentChoice.access_policy]


def _print_unknown(swept: SweepResult, contents: Collection[str] | None) -> None:
    """What the listing does not show, by content and type, and the content that exported files lack."""
    parts = Counter(swept.summary.unknown_of).most_common()
    shown = [f"{count:,} {what}" for what, count in parts[:_MAX_PARTS]]
    more = [f"{len(parts) - _MAX_PARTS} other kinds"] if len(parts) > _MAX_PARTS else []
    which = f": {', '.join(shown + more)}" if shown else ""
    print_warning(f"{swept.unknown:,} declared, and inconclusive in the listing{which}", "unknown")
    is_policy = any(what.startswith(f"{ContentChoice.iam_policy} of ") for what, _ in parts)
    if is_policy and contents is not None and ContentChoice.iam_policy not in contents:
        print_status(
            "the files hold no IAM policies: add a second --from with the output of `gcloud asset list "
            "--content-type=iam-policy --format=json`"
        )


def _report(swept: SweepResult, took: float, contents: Collection[str] | None) -> None:
    """What a sweep did.

    Args:
        swept: the sweep.
        took: its duration in seconds.
        contents: the contents that exported files hold; None for an inventory that was listed.
    """
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in swept.outcomes.most_common())
    if swept.resumed:
        print_status("continued the interrupted sweep; --fresh restarts it")
    print_status(
        f"{counted(swept.listed, 'asset')} in {took:.1f} s ({swept.listed / took if took else 0:,.0f}/s): {counts}"
    )
    for problem in swept.problems:
        print_warning(problem, "unreadable")
    _print_unreported(swept)
    if swept.gone:
        print_status(f"{swept.gone:,} declared and deleted")
    if swept.summary.pending:
        print_status(f"{swept.summary.pending:,} declared are pending: their names in the inventory are not known yet")
    if swept.unknown:
        _print_unknown(swept, contents)
    for reason in (*swept.denied.values(), *swept.summary.failed.values()):
        print_warning(reason, "unknown")
    if swept.healed:
        print_status(f"published pending events of {counted(swept.healed, 'resource')}")


def _print_unreported(swept: SweepResult) -> None:
    """What needs no declaration, by which evidence, and the claims that are not believed."""
    for made, count in swept.made.most_common():
        print_status(f"{counted(count, 'needs', 'need')} no declaration: {made}")
    claims = swept.summary.unreported
    for entry in claims[:_MAX_CLAIMS]:
        word = "refuted, findings within two hours" if entry.claim.is_refuted else "among them"
        print_status(f"  {entry.count:,} {word}: {visible(str(entry.claim))}")
    if more := claims[_MAX_CLAIMS:]:
        print_status(f"  and {counted(len(more), 'other claim')}; --output json has all of them")


def _coverage(swept: SweepResult) -> Table:
    """The coverage of the declarations."""
    summary = swept.summary
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    counts = (
        (summary.declared, "declared", ""),
        (summary.seen, "seen", ""),
        (summary.in_sync, "in sync", "green"),
        (summary.drifted, "drifted", "red"),
        (summary.unknown, "unknown: the listing is not conclusive", "yellow"),
        (summary.unchecked, "unchecked: the listing carries no content", "yellow"),
    )
    for count, what, style in counts:
        table.add_row(f"{count:,}", Text(what, style if count else "dim"))
    return table
