"""``setpoint baseline``, and bulk decisions about findings: a preview with counts, then one decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import typer
from msgspec.structs import replace
from rich.table import Table

from setpoint import bootstrap
from setpoint.cli.decider import decider
from setpoint.cli.finding_options import with_filter
from setpoint.cli.option_sets import option_set
from setpoint.cli.options import DEFAULT_STORE, Because, EventsTopic, PersonOption, StoreUrl, duration
from setpoint.cli.output import out, print_status, print_warning
from setpoint.cli.progress import progress
from setpoint.detection import finding_filter
from setpoint.detection.finding_filter import FindingFilter
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest
from setpoint.model.display_names import kind_of
from setpoint.model.exemptions import Exemption
from setpoint.model.resource_state import ResourceState
from setpoint.model.severity import Severity
from setpoint.ports.stores import Problems
from setpoint.remediation import bulk_exemptions
from setpoint.remediation.bulk_exemptions import BulkResult
from setpoint.util.clock import in_utc
from setpoint.util.counts import counted

_NOT_CRITICAL: tuple[Severity, ...] = ("low", "medium", "high")
_DAYS = timedelta(days=90)
_YEAR = timedelta(days=366)
_MAX_ROWS = 15
_FEW = 500


class _Run(NamedTuple):
    """How a decision about many findings is carried out: what its commands share.

    Args:
        until: its end, or empty.
        lasts: how long it lasts, or empty.
        preview: show the counts, and change nothing.
        yes: do not ask.
        by: who decides, or empty.
        store: URL of the store.
        events_topic: where events are published; None leaves them in the store.
    """

    until: str
    lasts: str
    preview: bool
    yes: bool
    by: str
    store: str
    events_topic: str | None

    def end(self, now: datetime) -> datetime | None:
        """When the decision ends; None if that was not said.

        Raises:
            BadRequest: it is not a time, has passed, or is more than a year away.
        """
        if self.until and self.lasts:
            raise BadRequest("use --until or --for, not both")
        if self.lasts:
            period = duration("--for", self.lasts)
            if period > _YEAR:
                raise BadRequest(f"--for {self.lasts}: is more than a year, the maximum")
            return now + period
        return _date(self.until, now) if self.until else None

    def exemption(self, because: str, ends: datetime | None, now: datetime, *, baseline: bool = False) -> Exemption:
        """The decision as it is stored."""
        return Exemption(because, str(decider(self.store, self.by)), now, ends, baseline=baseline)


_OPTIONS: dict[str, Any] = {
    "until": Annotated[str, typer.Option("--until", metavar="DATE", help="The end, 2026-12-31, at midnight UTC.")],
    "lasts": Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 12h, 30d; at most a year.")],
    "preview": Annotated[bool, typer.Option("--preview", help="Show the counts, and change nothing.")],
    "yes": Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")],
    "by": PersonOption,
    "store": StoreUrl,
    "events_topic": EventsTopic,
}
_DEFAULTS: dict[str, Any] = {
    "until": "",
    "lasts": "",
    "preview": False,
    "yes": False,
    "by": "",
    "store": DEFAULT_STORE,
    "events_topic": None,
}
_decides = option_set("run", _OPTIONS, _DEFAULTS, _Run)


@with_filter
@_decides
def baseline(
    wanted: FindingFilter,
    run: _Run,
    *,
    because: Annotated[str, typer.Option("--because", "--reason", metavar="TEXT", help="The reason.")] = "",
    end: Annotated[bool, typer.Option("--end", help="End the baseline: findings that still drift open again.")] = False,
) -> None:
    """Accept all existing drift, in one decision: from then on only new drift alerts.

    The baseline includes critical findings only with --severity critical. A drift that changes leaves the baseline. The
    baseline ends after 90 days, unless --for or --until set another end.
    """
    if end:
        chosen = replace(wanted, statuses=("accepted",), baseline=True)
        _decide(
            _Verb("end the baseline of", "ended the baseline of"),
            chosen,
            lambda states, context, advance: bulk_exemptions.end_all(
                states, str(decider(run.store, run.by)), context, advance
            ),
            run,
        )
        return
    if not because:
        raise BadRequest("a reason is required: use --because TEXT")
    chosen = replace(wanted, statuses=("open",), severities=wanted.severities or _NOT_CRITICAL)
    now = datetime.now(UTC)
    exemption = run.exemption(because, run.end(now) or now + _DAYS, now, baseline=True)
    _decide(
        _Verb("accept as baseline", "accepted as baseline"),
        chosen,
        lambda states, context, advance: bulk_exemptions.accept_all(states, exemption, context, advance),
        run,
    )


@with_filter
@_decides
def accept_findings(wanted: FindingFilter, run: _Run, *, because: Because) -> None:
    """Accept the drift of all selected open findings: no alert until it changes."""
    now = datetime.now(UTC)
    exemption = run.exemption(because, run.end(now), now)
    _decide(
        _Verb("accept", "accepted"),
        replace(wanted, statuses=("open",)),
        lambda states, context, advance: bulk_exemptions.accept_all(states, exemption, context, advance),
        run,
    )


@with_filter
@_decides
def exempt_findings(wanted: FindingFilter, run: _Run, *, because: Because) -> None:
    """Suppress all selected open findings until a date, whatever drifts in them."""
    now = datetime.now(UTC)
    ends = run.end(now)
    if ends is None:
        raise BadRequest("an end is required: use --for 7d or --until DATE")
    exemption = run.exemption(because, ends, now)
    _decide(
        _Verb("exempt", "exempted"),
        replace(wanted, statuses=("open",)),
        lambda states, context, advance: bulk_exemptions.exempt_all(states, exemption, context, advance),
        run,
    )


class _Verb(NamedTuple):
    """What a decision does with the findings.

    Args:
        base: as a question asks: ``exempt``.
        past: as it is reported: ``exempted``.
    """

    base: str
    past: str


_Decision = Callable[[Sequence[ResourceState], Context, Callable[[int], object]], BulkResult]


def _decide(verb: _Verb, wanted: FindingFilter, decision: _Decision, run: _Run) -> None:
    """Show what is selected, ask, and carry a decision out."""
    context = bootstrap.open_detection(run.store, run.events_topic, create=False)
    problems: Problems = []
    try:
        listed = context.store.states(drifted=True, problems=problems)
        states = list(finding_filter.select(listed, wanted, datetime.now(UTC)))
        for problem in problems:
            print_warning(str(problem), "unreadable")
        if not states:
            print_status("no finding is selected; nothing is changed")
            return
        out.print(_counts(states))
        if run.preview:
            print_status(f"would {verb.base} {counted(len(states), 'finding')}; nothing is changed")
            return
        if not run.yes and not typer.confirm(
            f"{verb.base[0].upper()}{verb.base[1:]} {counted(len(states), 'finding')}?", err=True
        ):
            raise typer.Exit(1)
        with progress("findings", len(states)) as advance:
            result = decision(states, context, advance)
    finally:
        context.store.close()
    print_status(f"{verb.past}: {counted(result.changed, 'finding')}")
    for reason, count in result.refused.items():
        print_warning(f"{count:,} not changed: {reason}")
    if result.refused:
        raise typer.Exit(1)


def _counts(states: Sequence[ResourceState]) -> Table:
    """The selected findings by severity, team and type."""
    table = Table(box=None, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", style="bold")
    findings = [(state, state.finding) for state in states if state.finding is not None]
    groups: dict[str, Counter[str]] = {
        "severity": Counter(finding.severity for _, finding in findings),
        "team": Counter(finding.owner.team or "no team" for _, finding in findings),
        "type": Counter(kind_of(state.asset_type) for state, _ in findings),
    }
    for name, counts in groups.items():
        for value, count in counts.most_common(_MAX_ROWS):
            table.add_row(name, value, f"{count:,}")
    return table


def _date(text: str, now: datetime) -> datetime:
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"--until {text}: use the form 2026-12-31 or 2026-12-31T18:00Z") from None
    end = in_utc(end)
    if end <= now:
        raise BadRequest(f"--until {text}: it is in the past")
    return end
