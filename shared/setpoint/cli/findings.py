"""``setpoint findings``: what drifted, and the life of one finding."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Annotated, NamedTuple

import msgspec
import typer

from setpoint import bootstrap
from setpoint.cli import finding_text, output_models
from setpoint.cli.finding_options import with_filter
from setpoint.cli.finding_pages import FindingPage, SortKey, page_of
from setpoint.cli.options import DEFAULT_STORE, FindingName, PastTime, StoreUrl, parsed_time
from setpoint.cli.output import out, print_findings, print_status, print_suppressed, print_warning
from setpoint.cli.past_findings import print_comparison, states_as_of
from setpoint.detection import finding_filter
from setpoint.detection.finding_filter import FindingFilter
from setpoint.detection.watched_fields import watching_of
from setpoint.errors import BadRequest
from setpoint.model.resource_state import ResourceState, without_digests
from setpoint.ports.stores import Problems, StateStore
from setpoint.util.counts import counted


class StatusChoice(StrEnum):
    """Which findings to list."""

    open = "open"
    resolved = "resolved"
    exempted = "exempted"
    accepted = "accepted"
    suppressed = "suppressed"
    all = "all"


class Output(StrEnum):
    """How findings are written."""

    table = "table"
    json = "json"
    jsonl = "jsonl"


class ShowFormat(StrEnum):
    """How one finding is written."""

    table = "table"
    json = "json"
    markdown = "markdown"


_DECISIONS = ("exempted", "accepted")
_FIRST = 100
"""Findings that a table shows without ``--limit``."""


class _Listing(NamedTuple):
    """What is listed, and how.

    Args:
        store: URL of the store.
        status: the status.
        wanted: the other conditions.
        sort: the order.
        limit: number of findings on a page; 0 for all.
        offset: number of findings before the page.
        as_of: list what drifted at this time; None for now.
    """

    store: str
    status: StatusChoice
    wanted: FindingFilter
    sort: SortKey
    limit: int
    offset: int
    as_of: datetime | None = None


@with_filter
def list_findings(  # noqa: PLR0913 - the options of the command
    wanted: FindingFilter,
    *,
    store: StoreUrl = DEFAULT_STORE,
    status: Annotated[StatusChoice, typer.Option(help="Findings of this status.")] = StatusChoice.open,
    sort: Annotated[SortKey, typer.Option(help="The order; severity: the worst first.")] = SortKey.severity,
    past_time: PastTime = "",
    compare_with: Annotated[
        str,
        typer.Option(
            "--compare",
            metavar="TIME",
            help="With --at, list the drift that began and ended between the two times, by owner.",
        ),
    ] = "",
    limit: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help=f"Maximum number of findings; 0: all. Default: {_FIRST} in a table, else all."
        ),
    ] = None,
    offset: Annotated[int, typer.Option(min=0, metavar="N", help="Skip the first N.")] = 0,
    watch: Annotated[
        float, typer.Option("--watch", min=0, metavar="SECONDS", help="List again at this interval, until Ctrl-C.")
    ] = 0.0,
    output: Annotated[
        Output, typer.Option(help="table for people; json: one object; jsonl: one stored record per line.")
    ] = Output.table,
) -> None:
    """List findings, the worst first.

    With --at, the drift at a past time, from the stored records. They hold the latest drift of each resource;
    findings that they cannot answer for that time are counted.

    Exits with 1 if a record cannot be read; all others are listed.
    """
    if status is StatusChoice.suppressed and wanted != FindingFilter():
        raise BadRequest("--status suppressed takes no other filter: suppressed drift has no finding")
    if compare_with and not past_time:
        raise BadRequest("--compare needs --at, which gives the other time")
    if past_time and (watch or status is StatusChoice.suppressed):
        raise BadRequest("--at takes neither --watch nor --status suppressed")
    if compare_with:
        print_comparison(store, wanted, parsed_time("--at", past_time), parsed_time("--compare", compare_with))
        return
    most = limit if limit is not None else _FIRST * (output is Output.table)
    as_of = parsed_time("--at", past_time) if past_time else None
    listing = _Listing(store, status, wanted, sort, most, offset, as_of)
    if watch:
        _watch(listing, output, watch)
        return
    page, problems = _read(listing)
    _print_page(page, problems, listing, output)
    if problems:
        raise typer.Exit(1)


def _read(listing: _Listing) -> tuple[FindingPage, Problems]:
    problems: Problems = []
    decided: Counter[str] = Counter()
    opened = bootstrap.open_store(listing.store, create=False)
    try:
        if listing.status is StatusChoice.suppressed:
            states = iter(opened.suppressed(problems))
        else:
            listed = opened.states(drifted=True, problems=problems)
            if listing.as_of is not None:
                listed = states_as_of(listed, listing.as_of)
            states = finding_filter.select(listed, listing.wanted, listing.as_of or datetime.now(UTC))
            states = _of_status(states, listing.status, decided)
        page = page_of(states, listing.sort, listing.limit, listing.offset, decided)
    finally:
        opened.close()
    return page, problems


def _of_status(states: Iterable[ResourceState], status: StatusChoice, decided: Counter[str]) -> Iterator[ResourceState]:
    """The records whose finding has a status; counts the others that people have decided about, by the decision."""
    for state in states:
        actual = state.finding.status if state.finding is not None else ""
        if status is StatusChoice.all or actual == status.value:
            yield state
        elif actual in _DECISIONS:
            decided["in the baseline" if finding_filter.is_baseline(state) else actual] += 1


def _watch(listing: _Listing, output: Output, seconds: float) -> None:
    """List until interrupted: on a terminal in place of the list before, elsewhere whenever it has changed."""
    before: tuple[object, ...] = ()
    try:
        while True:
            page, problems = _read(listing)
            if out.is_terminal:
                out.clear()
            now = (page, tuple(map(str, problems)))
            if out.is_terminal or now != before:
                _print_page(page, problems, listing, output)
            before = now
            time.sleep(seconds)
    except KeyboardInterrupt:
        print_status("stopped watching; nothing was changed")


def _print_page(page: FindingPage, problems: Problems, listing: _Listing, output: Output) -> None:
    status = listing.status
    if output is Output.json:
        listed = output_models.FindingList(
            status=status.value,
            total=page.total,
            offset=page.offset,
            next_offset=page.next_offset,
            findings=(),
            unreadable=tuple(map(str, problems)),
        )
        output_models.print_findings(listed, page.states)
    elif output is Output.jsonl:
        output_models.print_encoded(map(_line, page.states))
    elif status is StatusChoice.suppressed:
        print_suppressed(out, page.states)
    else:
        noun = "finding" if status is StatusChoice.all else f"{status} finding"
        fit = " match the filter" if not page.total and listing.wanted != FindingFilter() else ""
        title = counted(page.total, noun, none="no") + fit + _part(page) + _decided(page, status)
        print_findings(out, page.states, title, sort=False)
    for problem in problems:
        print_warning(str(problem), "unreadable")
    if output is Output.table and page.next_offset is not None:
        print_status(f"more with --offset {page.next_offset}; --limit 0 lists all")


def _line(state: ResourceState) -> bytes:
    """The record as it is stored, less digests that only the store needs, with its id in front."""
    return b'{"id":"%s",%s\n' % (state.key.id.encode(), msgspec.json.encode(without_digests(state))[1:])


def _part(page: FindingPage) -> str:
    """Which of all findings are shown, where that is not all."""
    if len(page.states) == page.total:
        return ""
    return f", {page.offset + 1:,} to {page.offset + len(page.states):,}"


def _decided(page: FindingPage, status: StatusChoice) -> str:
    """Where nothing is open: how many findings are not, since people decided so."""
    if page.total or status is not StatusChoice.open or not page.decided:
        return ""
    counts = ", ".join(f"{count:,} {decision}" for decision, count in sorted(page.decided.items()))
    return f"; {counts} (--status all)"


def show(
    finding: FindingName,
    store: StoreUrl = DEFAULT_STORE,
    output: Annotated[
        ShowFormat, typer.Option(help="table for people; json: one object; markdown for a ticket.")
    ] = ShowFormat.table,
) -> None:
    """Show one finding with its audit trail."""
    opened = bootstrap.open_store(store, create=False)
    try:
        state = find_finding(opened, finding)
        trail = opened.trail(state.key)
        snapshot = opened.read(state.key)
        last = opened.last_observation(state.key) if state.key.content == "iam_policy" else None
    finally:
        opened.close()
    watched = watching_of(snapshot.desired, snapshot.rules, state, last)
    if output is ShowFormat.json:
        output_models.print_json(output_models.finding_details(state, trail, watched), indent=2)
    elif output is ShowFormat.markdown:
        for line in finding_text.as_markdown(state, trail, str(watched or "")):
            out.out(line, highlight=False)
    else:
        out.print(finding_text.details(state))
        if watched is not None:
            out.print(f"watched: {watched}", highlight=False)
        if trail:
            out.print(finding_text.trail_table(trail))


def find_finding(store: StateStore, wanted: str) -> ResourceState:
    """The one finding that is meant by an id, the beginning of one, or a resource name.

    Raises:
        BadRequest: there is none, or there are several.
    """
    problems: Problems = []
    listed = chain(store.states(drifted=True, problems=problems), store.suppressed(problems))
    known = {state.key: state for state in listed}
    matching = [state for key, state in known.items() if key.name == wanted or key.id.startswith(wanted)]
    unread = [problem for problem in problems if wanted in (problem.resource, problem.record.rpartition("/")[2])]
    if not matching and unread:
        raise BadRequest(str(unread[0]))
    if not matching:
        raise BadRequest(f"no finding `{wanted}`; `setpoint findings list --status all` lists them all")
    if len(matching) > 1:
        ids = ", ".join(state.key.id[:12] for state in matching[:5])
        raise BadRequest(f"`{wanted}` matches {counted(len(matching), 'finding')} ({ids}…); use a longer id")
    return matching[0]
