"""Alerting over fakes: a store in memory, a sink that fails by plan, a clock that tests move, and events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from setpoint.adapters.memory.store import MemoryDeadLetters, MemoryStore
from setpoint.alerting import service
from setpoint.alerting.context import AlertingContext
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, Throttled, Unavailable
from setpoint.model.actors import Actor
from setpoint.model.alerting_config import Alerting, Destination
from setpoint.model.declaration import Owner, Source
from setpoint.model.difference import Difference
from setpoint.model.events import CloudEvent, DriftData, EventType, drift_event
from setpoint.model.notice_view import FindingView, GroupView
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.people import OutgoingMessage, PostedMessage
from setpoint.ports.stores import Store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DRIFTS = Destination("slack", "#drift")
PAGER = Destination("webhook", "pager")
ALERTING = Alerting("fleet", default=(DRIFTS,))
VERSIONING = Difference("versioning.enabled", "changed", declared=True, observed=False)
ALICE = Actor(
    principal="alice@example.com",
    kind="person",
    confidence="certain",
    method="storage.buckets.update",
    requested_at=NOON,
)


class Clock:
    """A clock that tests move; to sleep moves it, too."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def seconds(self) -> float:
        return self().timestamp()

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Crash(BaseException):
    """The process dies."""


class MemorySink:
    """A sink that keeps what it was told; `faults` are taken one a call.

    A fault is a name: `throttled`, `refused` and `down` do nothing; `lost` and `dead` have taken it.
    """

    edits = True

    def __init__(self) -> None:
        self.messages: dict[str, FindingView | GroupView] = {}
        self.posts: list[str] = []
        self.replies: defaultdict[str, list[str]] = defaultdict(list)
        self.threaded: list[FindingView | Sequence[FindingView]] = []
        self.digests: dict[str, Sequence[FindingView]] = {}
        self.calls: defaultdict[str, list[FindingView]] = defaultdict(list)
        self.updates = 0
        self.faults: list[str] = []
        self.refused: set[str] = set()

    def show(self, message: OutgoingMessage[FindingView | GroupView]) -> PostedMessage:
        name, channel = message.name, message.channel
        if channel in self.refused:
            raise BadRequest(f"{channel}: there is no such channel")

        def take() -> None:
            if message.posted is not None or (message.maybe and name in self.messages):
                self.updates += 1
            else:
                self.posts.append(name)
            self.messages[name] = message.view

        self._do(take)
        return PostedMessage(channel, name)

    def escalate(self, message: OutgoingMessage[FindingView]) -> PostedMessage:
        self._do(lambda: self.calls[message.name].append(message.view))
        return PostedMessage(message.channel, message.name)

    def reply(self, message: OutgoingMessage[FindingView | Sequence[FindingView]], to: PostedMessage) -> None:
        def take() -> None:
            if not message.maybe or message.name not in self.replies[to.ts]:
                self.replies[to.ts].append(message.name)
                self.threaded.append(message.view)

        self._do(take)

    def digest(self, message: OutgoingMessage[Sequence[FindingView]]) -> None:
        self._do(lambda: self.digests.update({message.name: message.view}))

    def _do(self, take: Callable[[], object]) -> None:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "throttled":
            raise Throttled("#drift", 20)
        if fault == "refused":
            raise BadRequest("#drift: not now")
        if fault == "down":
            raise Unavailable("Slack did not answer")
        take()
        if fault == "lost":
            raise Unavailable("Slack did not answer")
        if fault == "dead":
            raise Crash


class AlertingHarness:
    """All that alerting works with, over fakes."""

    def __init__(
        self, alerting: Alerting | None = ALERTING, store: Store | None = None, clock: Clock | None = None
    ) -> None:
        self.clock = clock or Clock()
        self.sink = MemorySink()
        self.dead_letters = MemoryDeadLetters()
        self.deps = Context(store or MemoryStore(), None, self.dead_letters, clock=self.clock)
        self.context = AlertingContext(
            self.deps.store,
            self.dead_letters,
            {"slack": self.sink, "webhook": self.sink},
            clock=self.clock,
            sleep=self.clock.sleep,
        )
        if alerting is not None:
            self.say(alerting)

    def say(self, alerting: Alerting) -> None:
        apply.sync(LoadResult(alerting=alerting), ApplyRequest("fleet"), self.deps, self.clock())

    def deliver(self, *events: CloudEvent) -> None:
        for event in events:
            service.notify(event, self.context)

    def tick(self, times: int = 1, minutes: float = 1) -> None:
        for _ in range(times):
            self.clock.sleep(minutes * 60)
            service.send_due(self.context)

    @property
    def shown(self) -> list[FindingView | GroupView]:
        return list(self.sink.messages.values())

    def only(self) -> Any:
        (shown,) = self.shown
        return shown


def data(number: int = 1, **changes: Any) -> DriftData:
    key = ResourceKey(f"//storage.googleapis.com/bucket-{number}")
    made = DriftData(
        finding_id=key.id,
        resource_name=key.name,
        asset_type="storage.googleapis.com/Bucket",
        content="resource",
        project=f"project-{number}",
        kind="modified",
        status="open",
        severity="high",
        mode="alert",
        owner=Owner(team="shop"),
        differences=(VERSIONING,),
        difference_count=1,
        fingerprint="0123456789abcdef",
        observed_at=NOON,
        first_seen=NOON,
        last_seen=NOON,
        count=1,
        episodes=1,
        declared_in=Source("fleet/buckets.yaml", 3),
    )
    return replace(made, **changes)


def event(kind: EventType, sequence: int = 1, number: int = 1, **changes: Any) -> CloudEvent:
    status = {"drift.resolved": "resolved", "drift.exempted": "exempted"}.get(kind, "open")
    return drift_event(kind, sequence, data(number, **{"status": status, **changes}))


def names(shown: Iterable[FindingView]) -> list[str]:
    return [view.data.resource_name.rpartition("-")[2] for view in shown]
