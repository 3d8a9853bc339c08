"""The coverage of sweeps, and the notices about the reliability of figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from setpoint.errors import CorruptState
from setpoint.model.controller_claims import Proof
from setpoint.model.sources import Control
from setpoint.model.sweep_records import Summary, Sweep
from setpoint.reporting.html.model import ReportCoverage, ReportNotice

_STALE = timedelta(days=1)
"""The maximum age of the latest sweep before the page shows a notice; sweeps run every few hours."""
_LIMIT = 5


def coverage(control: Control, sweeps: Iterable[Sweep]) -> ReportCoverage:
    """The coverage of recent sweeps: the figures of the largest, since others cover parts of the same scopes."""
    declared = sum(source.declared for source in control.sources.values())
    ended = [(sweep, sweep.summary) for sweep in sweeps if sweep.summary is not None]
    if not ended:
        return ReportCoverage(declared=declared)
    latest = max(summary.ended_at for _, summary in ended)
    of_late = [(sweep, summary) for sweep, summary in ended if latest - summary.ended_at <= _STALE]
    main, summary = max(of_late, key=lambda pair: (pair[1].declared, pair[1].ended_at))
    return ReportCoverage(
        declared=declared,
        swept=summary.declared,
        in_sync=summary.in_sync,
        drifted=summary.drifted,
        unknown=summary.unknown + summary.unchecked,
        pending=summary.pending,
        swept_at=summary.ended_at,
        scopes=main.start.scopes,
        missed=tuple(text for _, summary in of_late for text in _missed(summary)),
        claims=_by_proof(summary),
        evidence=tuple(f"{entry.count:,} {entry.claim}" for entry in summary.unreported[:_LIMIT]),
    )


def _by_proof(summary: Summary) -> dict[Proof, int]:
    counts: Counter[Proof] = Counter()
    for entry in summary.unreported:
        counts[entry.claim.proof] += entry.count
    return dict(counts)


def _missed(summary: Summary) -> Iterator[str]:
    for what, why in (*summary.denied.items(), *summary.failed.items()):
        yield f"{what}: {why}"
    if summary.nothing_listed and not summary.denied and not summary.failed:
        yield f"nothing was listed: {summary.nothing_listed}"


def notices(
    covered: ReportCoverage, *, is_watched: bool, shown: int, total: int, now: datetime
) -> Iterator[ReportNotice]:
    """The notices about the reliability of figures.

    Args:
        covered: the coverage.
        is_watched: whether anything was ever observed or swept.
        shown: number of findings in the report.
        total: total number of findings.
        now: the current time.
    """
    if not is_watched:
        return  # the page shows no other content
    if covered.missed:
        more = f" … and {len(covered.missed) - _LIMIT} more" if len(covered.missed) > _LIMIT else ""
        yield ReportNotice(
            "warning",
            f"Some of the inventory was not listed; its drift is unknown. {'; '.join(covered.missed[:_LIMIT])}{more}",
        )
    if covered.swept_at is None:
        yield ReportNotice(
            "note", "No sweep has ended yet: what changed before Setpoint was installed is not in these figures."
        )
    elif now - covered.swept_at > _STALE:
        yield ReportNotice(
            "warning", f"The latest sweep ended on {covered.swept_at:%d %B %Y, %H:%M} UTC, more than a day ago."
        )
    if covered.pending:
        text = f"{covered.pending:,} declared resources are pending and count as unknown: only the service knows their"
        yield ReportNotice("note", f"{text} name, and no asset of the inventory fits yet.")
    if covered.claims:
        yield _of_claims(covered)
    if shown < total:
        yield ReportNotice(
            "note", f"The table holds {shown:,} of {total:,} findings: all that fit, the open and the worst first."
        )


def _of_claims(covered: ReportCoverage) -> ReportNotice:
    """How many undeclared resources are left to the controllers that made them, and by which evidence."""
    believed, unchecked, missing = (covered.claims.get(proof, 0) for proof in ("exists", "unchecked", "missing"))
    parts = [f"{believed:,} undeclared resources are left to a controller whose own resource exists"]
    if unchecked:
        parts.append(f"{unchecked:,} say so, and no listing could show whether it exists")
    if missing:
        parts.append(f"{missing:,} say so, and it does not exist: they are findings soon")
    return ReportNotice("note", f"{'; '.join(parts)}. Most of them: {'; '.join(covered.evidence)}.")


_MAX_UNREADABLE = 10


def unreadable(problems: Iterable[CorruptState]) -> Iterator[ReportNotice]:
    """The notices about records that cannot be read, up to a limit."""
    for problem in islice(problems, _MAX_UNREADABLE):
        yield ReportNotice("warning", f"A finding is missing here: {problem}.")
