"""Terraform states at URLs, for ``setpoint apply``."""

from __future__ import annotations

from datetime import UTC, datetime

from setpoint.bootstrap.states import state_storage
from setpoint.cli.output import out, print_error, print_status, print_warning
from setpoint.cli.progress import progress
from setpoint.declarations import apply_states
from setpoint.declarations.apply_states import StateOptions, StateReport, StatesApplied
from setpoint.detection.pipeline import Context
from setpoint.util.counts import counted

_SHOWN = frozenset(("refused", "waiting", "gone", "failed"))
_MAX_SHOWN = 20


def apply_urls(urls: list[str], options: StateOptions, detection: Context) -> StatesApplied:
    """Bring the store in step with the states that URLs name, and say what became of them.

    Args:
        urls: ``gs://…``, ``http(s)://…`` or ``tfc://…``, with wildcards or without.
        options: how they are applied.
        detection: where to.

    Raises:
        BadRequest: a URL names no state, or access is denied.
        Unavailable: the service does not answer.
    """
    together = StatesApplied()
    shown = 0
    with progress("states") as advance:

        def print_state(report: StateReport) -> None:
            nonlocal shown
            advance(1)
            if report.status == "planned":
                out.out(f"{report.message}")
            if report.status in _SHOWN:
                shown += 1
                if shown <= _MAX_SHOWN:
                    print_error(report.message if report.url in report.message else f"{report.url}: {report.message}")

        for url in urls:
            done = apply_states.sync_states(url, state_storage(url), detection, datetime.now(UTC), options, print_state)
            together.counts += done.counts
            together.resources += done.resources
            together.outcomes += done.outcomes
    if shown > _MAX_SHOWN:
        print_warning(f"{counted(shown - _MAX_SHOWN, 'more state')} also need attention")
    counts = ", ".join(f"{count} {status}" for status, count in together.counts.most_common())
    applied = f"{counted(together.resources, 'resource')} applied"
    done_with = "nothing was written" if options.dry_run else applied
    print_status(f"{counted(together.counts.total(), 'state')}: {counts or 'none'}; {done_with}")
    judged = ", ".join(f"{count} {outcome}" for outcome, count in together.outcomes.most_common())
    if judged:
        print_status(f"findings evaluated again: {judged}")
    return together
