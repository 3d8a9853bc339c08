"""``setpoint attribute``: hand over recorded audit log entries."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from setpoint import bootstrap
from setpoint.attribution import service
from setpoint.attribution.service import AttributionOutcome, Attributor
from setpoint.cli import feed
from setpoint.cli.options import DEFAULT_STORE, EventsTopic, StoreUrl
from setpoint.cli.output import print_status
from setpoint.cli.progress import progress
from setpoint.cli.stdout_dead_letters import ReportedDeadLetters
from setpoint.util.counts import counted

_WORDS: dict[AttributionOutcome, str] = {
    "told": "explain a known drift",
    "kept": "stored until a drift is detected",
    "own": "made by Setpoint",
    "nothing": "describe no change",
    "rejected": "rejected",
}


def attribute(
    entries: Annotated[str, typer.Argument(metavar="FILE|-", help="Audit log entries; - is standard input.")],
    *,
    store: StoreUrl = DEFAULT_STORE,
    events_topic: EventsTopic = None,
    keep_ip: Annotated[bool, typer.Option("--keep-ip", help="Store caller addresses in full.")] = False,
) -> None:
    """Attribute drift to recorded audit log entries: LogEntry objects, one per line or in a JSON array.

    The output of `gcloud logging read --format=json` is such an array.

    Exits with 1 if no entry could be read.
    """
    rejected = ReportedDeadLetters(None)
    detection = bootstrap.open_feed_detection(store, rejected, None, events_topic, create=False)
    attributor = Attributor(detection, mask_ip=not keep_ip)
    outcomes: Counter[AttributionOutcome] = Counter()
    try:
        with progress("entries") as advance:
            for message in feed.open_messages(entries):
                rejected.where = f"{entries}:{message.where}"
                outcomes.update(service.receive(message.data, message.attributes, attributor))
                advance(1)
    finally:
        detection.store.close()
    counts = ", ".join(f"{count} {_WORDS[outcome]}" for outcome, count in outcomes.most_common())
    print_status(f"{counted(outcomes.total(), 'resource')} of audit log entries: {counts or 'no entries'}")
    if not outcomes or set(outcomes) == {"rejected"}:
        raise typer.Exit(1)
