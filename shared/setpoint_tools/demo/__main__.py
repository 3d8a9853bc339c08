"""``python -m setpoint_tools.demo``: make a fleet, let an hour pass, show what drifted, check it against the truth."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from setpoint.alerting.rendering import preview
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import notify
from setpoint.cli.report import make
from setpoint.declarations.readers.load import LoadResult
from setpoint.model import observation as observations
from setpoint.model.declaration import Desired
from setpoint.model.notice_view import Links
from setpoint.model.observation import Observation
from setpoint.reporting.html import page
from setpoint_tools.demo import fleet as fleets
from setpoint_tools.demo import oracle, pipeline, report, spellings
from setpoint_tools.demo.config_connector import is_manifest
from setpoint_tools.demo.feed import SentMessage
from setpoint_tools.demo.fleet import Fleet
from setpoint_tools.demo.pipeline import DemoPaths, DemoRun
from setpoint_tools.demo.terraform_states import is_in_state

_PIPED_WIDTH = 100
_WIDEST = 120
_MAX_FAULTS = 20


def main(folder: Path = Path("demo-out"), console: Console | None = None) -> int:
    """Run the demo.

    Args:
        folder: where its files go.
        console: where it tells what it does; standard output by default.

    Returns:
        The exit code: 1 where what was found is not what was done.
    """
    console = console or _console()
    places = DemoPaths(folder)
    fleet = fleets.make()
    hour = pipeline.hour_of(fleet, datetime.now(UTC))
    sent, happened = hour.sent, hour.incidents
    files = pipeline.prepare(fleet, hour, places)
    loaded = pipeline.load_fleet(places)
    _introduce(console, fleet, loaded, files)
    with _progress(console, len(sent)) as advance:
        run = pipeline.run(hour, places, advance)
    console.print()
    letters = [json.loads(line) for line in places.dead_letters.read_bytes().splitlines()]
    report.show_first_sweep(console, run)
    report.show_findings(console, run.states)
    report.show_outcomes(console, run, [letter["reason"] for letter in letters])
    report.show_spellings(console, spellings.collect(_in_sync(loaded, sent, run), default_catalogue()))
    report.show_remediation(console, run)
    report.show_speed(console, run)
    report.show_sweep(console, run.swept)
    faults = [
        *oracle.of_sweep(run.states, run.after),
        *(str(problem) for problem in loaded.problems),
        *oracle.of_history(happened, run.first, hour.now),
        *oracle.of_messages(sent, run.outcomes),
        *oracle.of_findings(happened, run.states),
        *oracle.of_events(
            sent, happened, (json.loads(line)["type"] for line in places.events.read_bytes().splitlines())
        ),
    ]
    if faults:
        _complain(console, faults)
        return 1
    quiet = sum(message.outcome in ("in_sync", "stale", "repeated", "undeclared") for message in sent)
    console.print(
        f"[bold green]{len(happened)} resources were made to drift, and exactly these were found[/]: "
        f"none missed, no false alarm in {quiet:,} other messages"
    )
    report.show_sum(console, run.states, run.swept)
    console.print()
    places.report.write_bytes(page.render(make(places.store, "2h", hour.now)))
    conversations = preview.conversations(list(notify.of_store(places.store)), Links())
    places.slack.write_text(preview.page(conversations), encoding="utf-8")
    report.show_next(console, places, report.worst(run.states))
    return 0


def _console() -> Console:
    """A console no wider than the eye can follow a line; where the output is piped, wide enough to be read."""
    console = Console(highlight=False)
    console.width = min(console.width, _WIDEST) if console.is_terminal else max(console.width, _PIPED_WIDTH)
    return console


def _introduce(console: Console, fleet: Fleet, loaded: LoadResult, files: int) -> None:
    types = {sample.kind.asset_type for sample in fleet.declared}
    states = sum(map(is_in_state, fleet.declared))
    manifests = sum(map(is_manifest, fleet.declared))
    teams = {project.owner.team for project in fleet.projects}
    console.print(
        f"[bold]A sample fleet[/]: {len(loaded.desired)} declarations by {len(teams)} teams in "
        f"{len(fleet.projects)} projects, {len(types)} asset types, {len(loaded.scopes)} scopes, {files} files: "
        f"{manifests} in Config Connector manifests, {states} in Terraform states, the others native"
    )


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, a line elsewhere."""
    if not console.is_terminal:
        console.print(f"An hour of its feed: {total:,} messages")
        yield lambda: None
        return
    columns = (TextColumn("An hour of its feed"), BarColumn(), MofNCompleteColumn(), TextColumn("messages"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def _in_sync(loaded: LoadResult, sent: Sequence[SentMessage], run: DemoRun) -> Iterator[tuple[Desired, Observation]]:
    """Each declared resource with its latest message that was judged in sync."""
    desired = {resource.declarations[0].key: resource for resource in loaded.desired}
    latest = {
        message.key: message.data
        for message, outcome in zip(sent, run.outcomes, strict=False)
        if outcome == "in_sync" and message.key
    }
    for key, data in latest.items():
        observation = observations.parse(data)
        if observation is not None and key in desired:
            yield desired[key], observation


def _complain(console: Console, faults: list[str]) -> None:
    console.print(f"[bold red]{len(faults)} things are not as they were made[/]; this is a fault of Setpoint:")
    for fault in faults[:_MAX_FAULTS]:
        console.print(f"  {fault}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
