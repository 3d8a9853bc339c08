"""Open findings as the result of a check: which of them fail it, in formats for machines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from setpoint.cli.check_reports import CiResult
from setpoint.cli.exit_codes import DRIFT, IN_SYNC
from setpoint.cli.output import actor_text, difference_lines, title
from setpoint.errors import BadRequest
from setpoint.model.resource_state import ResourceState
from setpoint.model.severity import SEVERITIES

ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit with 2 if a finding is open.")]
FailOn = Annotated[
    str,
    typer.Option(
        "--fail-on",
        metavar="SEVERITY",
        help=f"Exit with 2 if a finding is as severe or worse: {', '.join(SEVERITIES)}.",
    ),
]


def check_severity(fail_on: str) -> None:
    """Look at the value of ``--fail-on`` before anything is done.

    Raises:
        BadRequest: it is not a severity.
    """
    if fail_on and fail_on not in SEVERITIES:
        raise BadRequest(f"--fail-on {fail_on}: give one of {', '.join(SEVERITIES)}")


def drift_code(states: Iterable[ResourceState], *, exit_code: bool, fail_on: str) -> int:
    """The exit code of a command that has listed open findings.

    Args:
        states: the records with open findings.
        exit_code: whether any of them counts.
        fail_on: the least severity that counts, where ``exit_code`` is not given; empty for none.

    Returns:
        ``DRIFT`` where one counts, else ``IN_SYNC``.
    """
    if exit_code or fail_on:
        least = SEVERITIES.index(fail_on) if fail_on and not exit_code else 0
        failing = (state for state in states if state.finding and SEVERITIES.index(state.finding.severity) >= least)
        return DRIFT if any(failing) else IN_SYNC
    return IN_SYNC


def as_results(states: Iterable[ResourceState]) -> list[CiResult]:
    """Open findings as results for the formats of CI, the most severe first; records without a finding are left out."""
    results = []
    for state in sorted(states, key=_worst_first):
        finding = state.finding
        if finding is None:
            continue
        lines = [f"{finding.severity}: {finding.kind}, changed by {actor_text(finding.actor)}"]
        lines += (line.plain for line in difference_lines(state) if finding.kind == "modified")
        subject = " ".join(title(state).plain.split())
        source, text = finding.source, "\n".join(lines)
        results.append(
            CiResult(source.file, source.line, f"drift-{finding.kind}", "error", subject, text, source.address)
        )
    return results


def _worst_first(state: ResourceState) -> tuple[int, str]:
    severity = state.finding.severity if state.finding else SEVERITIES[0]
    return -SEVERITIES.index(severity), state.key.name
