"""The real pipeline on the sample: declarations into a store, each message through the flow, events into a file."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from setpoint import bootstrap
from setpoint import sweep as sweeping
from setpoint.cli import feed as recorded
from setpoint.declarations import apply
from setpoint.declarations.readers import load
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import CONTENTS, ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.sweep import Swept
from setpoint_tools.demo import files
from setpoint_tools.demo.feed import Sent
from setpoint_tools.demo.fleet import Fleet


@dataclass(frozen=True, slots=True)
class DemoPaths:
    """The files of the demo.

    Args:
        root: the folder that holds all of them.
    """

    root: Path

    @property
    def fleet(self) -> Path:
        """The declarations."""
        return self.root / "fleet"

    @property
    def feed(self) -> Path:
        """The messages, one a line."""
        return self.root / "feed.jsonl"

    @property
    def export(self) -> Path:
        """What exists after that hour, as an export of Cloud Asset Inventory has it."""
        return self.root / "export.jsonl"

    @property
    def events(self) -> Path:
        """The published CloudEvents, one a line."""
        return self.root / "events.jsonl"

    @property
    def dead_letters(self) -> Path:
        """Messages that can never be handled, with the reason."""
        return self.root / "dead-letters.jsonl"

    @property
    def report(self) -> Path:
        """What drifts, as a page."""
        return self.root / "report.html"

    @property
    def slack(self) -> Path:
        """What Slack would show, for a browser."""
        return self.root / "slack.html"

    @property
    def store(self) -> str:
        """The URL of the store."""
        return f"sqlite:///{self.root / 'setpoint.db'}"


@dataclass(slots=True)
class Run:
    """What became of the feed.

    Args:
        outcomes: of each message, in their order.
        seconds: what each message took.
        states: the records of all resources that ever drifted.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    states: list[ResourceState] = field(default_factory=list)


def prepare(fleet: Fleet, sent: list[Sent], places: DemoPaths) -> int:
    """Write the declarations and the feed into an empty folder; the number of declaration files."""
    for old in (
        places.fleet,
        places.feed,
        places.export,
        places.events,
        places.dead_letters,
        places.report,
        places.slack,
        *places.root.glob("setpoint.db*"),
    ):
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    places.root.mkdir(parents=True, exist_ok=True)
    places.feed.write_bytes(b"".join(message.data + b"\n" for message in sent))
    places.export.write_bytes(b"".join(_exported(sent)))
    return files.write(fleet, places.fleet)


def _exported(sent: list[Sent]) -> Iterator[bytes]:
    """The last asset of each resource and content that still exists, a line each."""
    latest: dict[ResourceKey, Sent] = {}
    for message in sorted(sent, key=lambda message: message.time):
        if message.key is not None:
            latest[message.key] = message
    for message in latest.values():
        try:
            temporal = json.loads(message.data)
        except ValueError:
            continue
        if isinstance(temporal, dict) and temporal.get("asset") and not temporal.get("deleted"):
            yield json.dumps(temporal["asset"]).encode() + b"\n"


def sweep(places: DemoPaths) -> tuple[Swept, list[ResourceState]]:
    """Sweep the export as ``setpoint sweep --from`` does; the result, and the records of what ever drifted."""
    inventory = bootstrap.open_inventory_files([str(places.export)])
    context = bootstrap.open_detection(places.store, None)
    try:
        swept = sweeping.sweep(inventory.scopes, CONTENTS, (), inventory, context)
        return swept, list(context.store.states(drifted=True))
    finally:
        context.store.close()


def run(loaded: LoadResult, places: DemoPaths, progress: Callable[[], None]) -> Run:
    """Declare what is loaded, then receive the feed as it stands in its file."""
    done = Run()
    with (
        places.events.open("wb") as events,
        places.dead_letters.open("wb") as letters,
        places.feed.open("rb") as stream,
    ):
        deps = bootstrap.open_feed_detection(places.store, bootstrap.dead_letters_in(letters), events, None)
        try:
            apply.declare(deps.store, loaded.desired, loaded.scopes, datetime.now(UTC))
            for message in recorded.messages(stream):
                started = time.perf_counter()
                done.outcomes.append(pipeline.receive(message.data, message.attributes, deps))
                done.seconds.append(time.perf_counter() - started)
                progress()
            done.states = list(deps.store.states(drifted=True))
        finally:
            deps.store.close()
    return done


def load_fleet(places: DemoPaths) -> LoadResult:
    """Load the declarations as ``setpoint apply`` does."""
    return load.load([str(places.fleet)])
