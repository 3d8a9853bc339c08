"""``setpoint repair``: repair unreadable records."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from setpoint import bootstrap
from setpoint.cli.options import DEFAULT_STORE, EventsTopic, StoreUrl
from setpoint.cli.output import out, print_status, print_warning
from setpoint.cli.progress import progress
from setpoint.operations import repair as repairing


def repair(store: StoreUrl = DEFAULT_STORE, events_topic: EventsTopic = None) -> None:
    """Repair unreadable records of findings, and evaluate their resources again.

    Readable parts of a record are kept. If an exemption may be lost, the resource is paused; end the pause with
    `setpoint resume NAME`. A record of a newer version is not changed.

    Exits with 1 if a record is still unreadable.
    """
    context = bootstrap.open_detection(store, events_topic, create=False)
    try:
        with progress("records"):
            results = repairing.repair(context, datetime.now(UTC))
    finally:
        context.store.close()
    for result in results:
        line = f"{result.resource or result.record}: {result.repair}{': ' if result.reason else ''}{result.reason}"
        if result.repair in ("left", "failed"):
            print_warning(line, "unreadable")
        else:
            out.print(line, markup=False, highlight=False, soft_wrap=True)
        if result.is_paused:
            resume = f"`setpoint resume {result.resource}` when it is checked"
            print_warning(f"{result.resource} is paused; {resume}", "paused")

    counted = ", ".join(f"{count} {what}" for what, count in repairing.counts(results).most_common())
    print_status(counted or "all records are readable")
    if any(result.repair in ("left", "failed") for result in results):
        raise typer.Exit(1)
