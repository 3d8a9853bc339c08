"""The real pipeline on the sample fleet: declare, sweep, accept existing drift, then read an hour of changes.

Everything happens at the time at which it would: the clock of the pipeline is that of the feed. Events go into a file,
and to remediation, which writes to a stand-in for Google's APIs.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from setpoint import bootstrap
from setpoint import sweep as sweeping
from setpoint.attribution import history, service
from setpoint.attribution.history import HistoryReader
from setpoint.attribution.service import Attributor
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import feed as recorded
from setpoint.declarations import apply, apply_states
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.apply_states import StateOptions, StateReport
from setpoint.declarations.readers import load
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest
from setpoint.model.events import CloudEvent
from setpoint.model.exemptions import Exemption
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import CONTENTS, ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.ports.queues import EventBus
from setpoint.remediation import bulk_exemptions, commands, engine
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.live_resources import LiveResources
from setpoint.sweep import SweepResult
from setpoint_tools.demo import audit_log, feed, files, incidents, terraform_states
from setpoint_tools.demo.audit_log import Entry
from setpoint_tools.demo.feed import SentMessage
from setpoint_tools.demo.fleet import Fleet
from setpoint_tools.demo.google import FakeGoogle
from setpoint_tools.demo.incidents import Approval, Incident
from setpoint_tools.demo.inventory_history import InventoryHistory

INSTALLED_BEFORE = timedelta(minutes=66)
"""How long before the end of the hour Setpoint was installed."""
_TICK = timedelta(minutes=1)
_STEP = timedelta(seconds=20)
"""How long each step of the installation takes."""
_DELAY = timedelta(seconds=1.5)
"""How long a message takes from the feed to the detector."""
_BASELINE = "there before Setpoint, to be cleaned up by spring"


@dataclass(frozen=True, slots=True)
class DemoPaths:
    """The files of the demo.

    Args:
        root: the folder that holds all of them.
    """

    root: Path

    @property
    def fleet(self) -> Path:
        """The declarations in Git: native documents and a Config Connector repository."""
        return self.root / "fleet"

    @property
    def states(self) -> Path:
        """The bucket of Terraform states."""
        return self.root / "terraform-states"

    @property
    def feed(self) -> Path:
        """The messages, one a line."""
        return self.root / "feed.jsonl"

    @property
    def audit_log(self) -> Path:
        """The audit log entries, one a line."""
        return self.root / "audit-log.jsonl"

    @property
    def before(self) -> Path:
        """What existed before that hour, as an export of Cloud Asset Inventory has it."""
        return self.root / "export-before.jsonl"

    @property
    def export(self) -> Path:
        """What exists after that hour."""
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

    def clear(self) -> None:
        """Remove what an earlier demo has written, and nothing else."""
        own = (self.feed, self.audit_log, self.before, self.export, self.events, self.dead_letters)
        for old in (self.fleet, self.states, *own, self.report, self.slack, *self.root.glob("setpoint.db*")):
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        self.root.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class Hour:
    """What happens in the hour of the demo.

    Args:
        now: its end.
        sent: the messages of the feed, in the order in which they come.
        entries: the audit log entries, in the order in which they arrive.
        approvals: what people approve, the oldest first.
        incidents: what happens to the resources, and what must be found of it.
        past: what the inventory's history and the audit log say of the time before.
    """

    now: datetime
    sent: Sequence[SentMessage]
    entries: Sequence[Entry] = ()
    approvals: Sequence[Approval] = ()
    incidents: Sequence[Incident] = ()
    past: InventoryHistory | None = None


@dataclass(slots=True)
class DemoRun:
    """What became of the feed.

    Args:
        outcomes: of each message, in their order.
        seconds: what each message took.
        states: the records of all resources that ever drifted.
        first: the records after the first sweep, with what the history says of them.
        accepted: how many findings went into the baseline.
        writes: what remediation wrote, a line each.
        swept: the sweep at the end.
        after: the records after that sweep.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    states: list[ResourceState] = field(default_factory=list)
    first: list[ResourceState] = field(default_factory=list)
    accepted: int = 0
    writes: list[str] = field(default_factory=list)
    swept: SweepResult | None = None
    after: list[ResourceState] = field(default_factory=list)


def prepare(fleet: Fleet, hour: Hour, places: DemoPaths) -> int:
    """Write what the demo reads into an empty folder; the number of declaration files and states."""
    places.clear()
    places.feed.write_bytes(b"".join(message.data + b"\n" for message in hour.sent))
    places.audit_log.write_bytes(b"".join(entry.data + b"\n" for entry in hour.entries))
    places.before.write_bytes(b"".join(_exported_before(hour.sent)))
    places.export.write_bytes(b"".join(_exported(hour.sent)))
    return files.write(fleet, places.fleet) + terraform_states.write(fleet, places.states)


def _exported_before(sent: Iterable[SentMessage]) -> Iterator[bytes]:
    """What the first message of each resource and content says that it was before, a line each."""
    seen: set[ResourceKey] = set()
    for message in sorted(sent, key=lambda message: message.time):
        if message.key is not None and message.key not in seen:
            seen.add(message.key)
            before = json.loads(message.data).get("priorAsset")
            if before is not None:
                yield json.dumps(before).encode() + b"\n"


def _exported(sent: Iterable[SentMessage]) -> Iterator[bytes]:
    """The last asset of each resource and content that still exists, a line each."""
    latest = {message.key: message for message in sorted(sent, key=lambda each: each.time) if message.key is not None}
    for message in latest.values():
        temporal = json.loads(message.data)
        if temporal.get("asset") and not temporal.get("deleted"):
            yield json.dumps(temporal["asset"]).encode() + b"\n"


class Clock:
    """The time of the demo.

    Args:
        now: where it begins.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time; it stands still between the steps of the demo, however often it is looked at."""
        return self.now

    def go_to(self, time: datetime) -> None:
        """Go on to a time, never back."""
        self.now = max(self.now, time)


class _EventQueue:
    """An ``EventBus`` that also keeps events for remediation."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self.waiting: deque[CloudEvent] = deque()

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """See ``EventBus.publish``."""
        self._bus.publish(events)
        self.waiting.extend(event for event in events if event.type in engine.BEGINNINGS)


class DemoInstallation:
    """Setpoint as it is installed in the demo: detector, attribution, remediation and sweeps on one store."""

    def __init__(self, context: Context, clock: Clock) -> None:
        assert context.bus is not None  # noqa: S101 - the demo writes its events
        self.clock = clock
        self.google = FakeGoogle()
        self._queue = _EventQueue(context.bus)
        self.context = replace(context, bus=self._queue, clock=clock)
        live = LiveResources(self.google, default_catalogue())
        self._remediation = RemediationContext(self.context, live, worker="setpoint-remediate")
        self._attributor = Attributor(self.context)
        self._ticked_at = clock.now

    def begin(self, places: DemoPaths, past: InventoryHistory | None = None) -> list[ResourceState]:
        """Declare the fleet, sweep what exists with its history, and accept what drifts already.

        Returns:
            What drifts already, with what the history says of it.
        """
        self.declare(places)
        self.clock.go_to(self.clock.now + _STEP)
        self.sweep(places.before)
        self.clock.go_to(self.clock.now + _STEP)
        if past is not None:
            history.read_histories(HistoryReader(self.context, past, past))
        first = list(self.context.store.states(drifted=True))
        self.clock.go_to(self.clock.now + _STEP)
        self.accept_as_baseline()
        return first

    def declare(self, places: DemoPaths) -> None:
        """Apply what is in Git, and what the bucket of states holds."""
        loaded = load.load([str(places.fleet)], root=str(places.fleet), secrecy=self.context.secrecy)
        apply.sync(loaded, ApplyRequest("fleet"), self.context, self.clock())
        pattern = f"{terraform_states.STATE_BUCKET}/**/*.tfstate"
        bucket = terraform_states.StateFolder(places.states)
        reports: list[StateReport] = []
        applied = apply_states.sync_states(pattern, bucket, self.context, self.clock(), StateOptions(), reports.append)
        if applied.needs_attention:
            raise BadRequest(f"not every state of the demo could be applied: {reports}")

    def sweep(self, export: Path) -> SweepResult:
        """Sweep an export as ``setpoint sweep --from`` does."""
        inventory = bootstrap.open_inventory_files([str(export)])
        return sweeping.sweep(inventory.scopes, CONTENTS, (), inventory, self.context)

    def accept_as_baseline(self) -> int:
        """Accept what drifts already, as ``setpoint baseline`` does; how many findings."""
        now = self.clock()
        exemption = Exemption(_BASELINE, incidents.APPROVER, now, now + timedelta(days=90), baseline=True)
        states = [state for state in self.context.store.states(drifted=True) if state.is_open]
        accepted = bulk_exemptions.accept_all(states, exemption, self.context).changed
        self._queue.waiting.clear()  # remediation is switched on with the first message
        return accepted

    def take(self, data: bytes, attributes: Mapping[str, str], message: SentMessage) -> Outcome:
        """Receive a message of the feed, and remediate what follows from it."""
        if message.key is not None and message.outcome not in ("stale", "repeated"):
            self.google.observe(message.key, _body(message))
        outcome = pipeline.receive(data, attributes, self.context)
        self.remediate()
        return outcome

    def attribute(self, entry: Entry) -> None:
        """Receive an audit log entry."""
        service.receive(entry.data, {}, self._attributor)
        self.remediate()

    def approve(self, approval: Approval) -> None:
        """Have somebody approve what is shown, and remediate it."""
        state = self.context.store.read(approval.key).state
        if state is not None:
            commands.approve(
                approval.key,
                state.fingerprint,
                approval.by,
                self.context.store,
                self.context.projects,
                self.context.clock,
            )
            engine.remediate(approval.key, self._remediation)

    def remediate(self) -> None:
        """Remediate what the latest events ask for, and once a minute what is due."""
        while self._queue.waiting:
            data = self._queue.waiting.popleft().data
            engine.remediate(ResourceKey(data.resource_name, data.content), self._remediation)
        if self.clock.now - self._ticked_at >= _TICK:
            self._ticked_at = self.clock.now
            engine.resume_due(self._remediation)
            if self._queue.waiting:
                self.remediate()


def _body(message: SentMessage) -> object:
    """What a resource is by a message; None where it is gone."""
    temporal = json.loads(message.data)
    asset = temporal.get("asset") or {}
    if temporal.get("deleted"):
        return None
    return asset.get("iamPolicy") or asset.get("orgPolicy") or asset.get("resource", {}).get("data")


@contextmanager
def install(places: DemoPaths, now: datetime) -> Iterator[DemoInstallation]:
    """Install Setpoint on an empty store, at a time before the demo's hour; events and dead letters go into files."""
    with places.events.open("wb") as events, places.dead_letters.open("wb") as dead_letters:
        context = bootstrap.open_feed_detection(places.store, bootstrap.dead_letters_in(dead_letters), events, None)
        try:
            yield DemoInstallation(context, Clock(now - INSTALLED_BEFORE))
        finally:
            context.store.close()


def run(hour: Hour, places: DemoPaths, progress: Callable[[], None]) -> DemoRun:
    """Let the hour of the demo pass, on the feed as it stands in its file."""
    done = DemoRun()
    with install(places, hour.now) as installed:
        done.first = installed.begin(places, hour.past)
        done.accepted = sum(state.exemption is not None for state in installed.context.store.states(drifted=True))
        with places.feed.open("rb") as stream:
            messages = ((message.data, message.attributes) for message in recorded.messages(stream))
            pass_the_hour(hour, messages, installed, done, progress)
        done.states = list(installed.context.store.states(drifted=True))
        installed.clock.go_to(hour.now)
        done.swept = installed.sweep(places.export)
        done.after = list(installed.context.store.states(drifted=True))
        done.writes = [line for plan in installed.google.writes for line in plan.summary]
    return done


def pass_the_hour(
    hour: Hour,
    messages: Iterable[tuple[bytes, Mapping[str, str]]],
    installed: DemoInstallation,
    done: DemoRun,
    progress: Callable[[], None],
) -> None:
    """Deliver the feed, the audit log and the approvals of an hour, each at its time.

    Args:
        hour: what happens.
        messages: the messages of the feed as they are delivered, those of ``hour`` in their order.
        installed: what receives them.
        done: takes the outcomes.
        progress: called after each message.
    """
    entries, approvals = deque(hour.entries), deque(hour.approvals)
    for (data, attributes), sent in zip(messages, hour.sent, strict=True):
        if sent.key is not None:
            received_at = sent.comes_at + _DELAY
            while entries and entries[0].arrives_at <= received_at:
                installed.clock.go_to(entries[0].arrives_at)
                installed.attribute(entries.popleft())
            while approvals and (approved_at := hour.now - timedelta(minutes=approvals[0].minutes)) <= received_at:
                installed.clock.go_to(approved_at)
                installed.approve(approvals.popleft())
            installed.clock.go_to(received_at)
        started = time.perf_counter()
        done.outcomes.append(installed.take(data, attributes, sent))
        done.seconds.append(time.perf_counter() - started)
        progress()
    for entry in entries:
        installed.attribute(entry)


def hour_of(fleet: Fleet, now: datetime) -> Hour:
    """The hour before a time; the same each time but for the times."""
    happened = incidents.all_incidents({project.id: project.number for project in fleet.projects})
    entries = audit_log.entries(fleet, happened, now)
    past = InventoryHistory(fleet, happened, now)
    return Hour(now, feed.make(fleet, happened, now), entries, incidents.approvals(), happened, past)


def load_fleet(places: DemoPaths) -> LoadResult:
    """Load all declarations, those of the states too, as ``setpoint validate`` does."""
    return load.load([str(places.fleet), str(places.states)])
