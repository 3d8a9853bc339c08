"""``setpoint report``: the fleet's drift now, for a terminal, for a browser or for a program."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from setpoint import bootstrap
from setpoint.cli.options import DEFAULT_STORE, PastTime, StoreUrl, duration, parsed_time
from setpoint.cli.output import SEVERITY_STYLES, out, print_status, print_warning
from setpoint.cli.output_models import print_json
from setpoint.cli.past_findings import states_as_of
from setpoint.cli.progress import progress
from setpoint.errors import BadRequest
from setpoint.model.display_names import kind_of
from setpoint.model.sweep_records import Sweep
from setpoint.reporting.html import build, load, page
from setpoint.reporting.html.figures import LONGEST
from setpoint.reporting.html.model import UNRESOLVED, Report, Row
from setpoint.util.counts import counted

_LIMIT = 10


class Output(StrEnum):
    """How the report is written."""

    text = "text"
    json = "json"


def report(
    store: StoreUrl = DEFAULT_STORE,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Period of the trends, 24h or 30d; at most a year.")
    ] = "30d",
    past_time: PastTime = "",
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a self-contained HTML page.")] = None,
    output: Annotated[Output, typer.Option(help="text for people; json: all of it as one object.")] = Output.text,
) -> None:
    """Report current drift: trends, origin, location and owner.

    With --at, report the drift at a past time, from stored records.
    """
    made = make(store, since, as_of=parsed_time("--at", past_time) if past_time else None)
    if html is not None:
        write(made, html)
    elif output is Output.json:
        print_json(made)
    else:
        _print(made)


def make(store: str, since: str, now: datetime | None = None, *, as_of: datetime | None = None) -> Report:
    """Make the report of a store.

    Args:
        store: URL of the store.
        since: how far trends go back, ``24h`` or ``30d``.
        now: when it is made; the present time where None.
        as_of: report what drifted at this time; None for now.

    Raises:
        BadRequest: there is no such store, or the period is none.
    """
    period = duration("--since", since)
    if period > LONGEST:
        raise BadRequest(f"--since {since} is more than a year; the events in BigQuery go back further")
    opened = bootstrap.open_store(store, create=False)
    try:
        now = as_of or now or datetime.now(UTC)
        with progress("records"):
            facts = load.gather(opened, store)
            if as_of is not None:
                facts = replace(facts, states=states_as_of(facts.states, as_of), sweeps=_ended_by(facts.sweeps, as_of))
            return build.build(facts, now - period, now)
    finally:
        opened.close()


def _ended_by(sweeps: Iterable[Sweep], time: datetime) -> list[Sweep]:
    """The sweeps whose figures are of a time or earlier."""
    return [sweep for sweep in sweeps if sweep.summary is not None and sweep.summary.ended_at <= time]


def write(report: Report, file: Path) -> None:
    """Write the page, and say where it is.

    Raises:
        BadRequest: it cannot be written there.
    """
    made = page.render(report)
    try:
        _replace(file, made)
    except OSError as error:
        raise BadRequest(f"{file}: {error.strerror}") from None
    print_status(f"{file}: {counted(len(report.rows), 'finding')}, {len(made) / 1e6:.1f} MB; open it in a browser")


def _replace(file: Path, made: bytes) -> None:
    """Write a page; an earlier one stays as it was where the disk is full."""
    target = file.resolve()  # a link stays one
    if (target.exists() and not target.is_file()) or not os.access(target.parent, os.W_OK):
        file.write_bytes(made)  # a device, a pipe, or a file in a folder that takes no other
        return
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_bytes(made)
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _print(report: Report) -> None:
    for notice in report.notices:
        (print_warning if notice.level == "warning" else print_status)(notice.text)
    if not report.is_watched:
        print_warning("nothing was observed or swept yet: an empty report does not mean that there is no drift")
    out.print(_figures(report))
    rows = [row for row in report.rows if row.status in UNRESOLVED]
    if rows:
        out.print(_shares("team", (row.owner.team or "no team" for row in rows), rows))
        out.print(_shares("project", (row.project or "none" for row in rows), rows))
        out.print(_shares("type", (kind_of(row.asset_type) for row in rows), rows))


def _figures(report: Report) -> Table:
    figures, covered = report.figures, report.coverage
    table = Table(
        title=f"drift since {report.since:%Y-%m-%d %H:%M} UTC", title_justify="left", box=None, show_header=False
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", style="bold", no_wrap=True)
    table.add_column(style="dim")
    swept = "never swept" if covered.swept_at is None else f"swept {covered.swept_at:%Y-%m-%d %H:%M} UTC"
    share = "-" if covered.compared is None else f"{covered.compared:.1%}"
    for row in (
        ("open", f"{figures.open:,}", f"{figures.open - figures.open_before:+,} in this period"),
        ("critical", f"{figures.critical:,}", f"{figures.critical - figures.critical_before:+,}"),
        ("opened", f"{figures.opened:,}", ""),
        ("resolved", f"{figures.resolved:,}", ""),
        ("mean time to resolve", _lasted(figures.seconds_to_resolve), f"{_lasted(figures.seconds_before)} before"),
        ("exempted, accepted", f"{figures.exempted:,}", f"{figures.baseline:,} in the baseline"),
        (
            "remediated",
            f"{figures.put_back:,}",
            f"{figures.awaiting} to approve, {figures.remediating} under way, {figures.stopped} stopped",
        ),
        ("coverage", share, f"{covered.in_sync + covered.drifted:,} of {covered.declared:,} declared, {swept}"),
    ):
        table.add_row(*row)
    return table


def _lasted(seconds: float | None) -> str:
    if seconds is None:
        return "none"
    return next(
        (f"{seconds / size:.1f} {unit}" for unit, size in (("d", 86400), ("h", 3600), ("min", 60)) if seconds >= size),
        f"{seconds:.0f} s",
    )


def _shares(what: str, values: Iterable[str], rows: Iterable[Row]) -> Table:
    """How many open findings each value has, by severity."""
    counts = Counter[str]()
    bad: dict[str, Counter[str]] = {}
    for value, row in zip(values, rows, strict=True):
        counts[value] += 1
        bad.setdefault(value, Counter())[row.severity] += 1
    table = Table(title=f"open by {what}", title_justify="left", box=None, header_style="dim")
    table.add_column(what)
    table.add_column("open", justify="right")
    for severity, style in SEVERITY_STYLES.items():
        table.add_column(severity, justify="right", style=style)
    for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_LIMIT]:
        table.add_row(Text(value), f"{count:,}", *(f"{bad[value][severity]:,}" for severity in SEVERITY_STYLES))
    if (more := len(counts) - _LIMIT) > 0:
        table.add_row(Text(f"and {counted(more, 'other')}", "dim"))
    return table
