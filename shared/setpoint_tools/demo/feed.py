"""The feed of the last hour: everyday changes, incidents, and delivery faults."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.demo import messages
from setpoint_tools.demo.fleet import Fleet
from setpoint_tools.demo.incidents import Incident, IncidentStep
from setpoint_tools.demo.mutations import edited
from setpoint_tools.demo.samples import Sample
from setpoint_tools.demo.server_defaults import Server

_FIRST = 58.0
"""Minutes ago of the first message."""

_UNDISTURBED = timedelta(minutes=5)
"""How long nobody touches a resource that has just drifted, so that what becomes of that is known."""

_REPEATED = 70
_LATE = 18


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message of the feed, and what has to become of it.

    Args:
        data: the message.
        outcome: what has to become of it.
        key: the resource and content that it is about, or None where it is about none.
        time: when the resource was so; it is sent at once, unless it is late.
        late: how long it took to come.
        is_reverted: Setpoint reverts what it tells of at once.
    """

    data: bytes
    outcome: Outcome
    key: ResourceKey | None
    time: datetime
    late: timedelta = field(default=timedelta())
    is_reverted: bool = False

    @property
    def comes_at(self) -> datetime:
        """When it comes."""
        return self.time + self.late


def make(fleet: Fleet, incidents: Iterable[Incident], now: datetime) -> list[SentMessage]:
    """The messages in the order in which they come; the same each time but for the times."""
    rng = random.Random("feed")  # noqa: S311 - a sample, no secret
    happened = {incident.key: incident for incident in incidents}
    if unknown := happened.keys() - {sample.key for sample in fleet.samples}:
        raise LookupError(f"nothing in the fleet is called {unknown.pop().name}")
    sent = [
        message for sample in fleet.samples for message in _Life(sample, rng, now).messages(happened.get(sample.key))
    ]
    sent += _late(sent, rng)
    sent.sort(key=lambda message: message.comes_at)
    sent = list(_repeated(sent, rng))
    for place, data in enumerate(
        messages.broken([message.data for message in sent if message.outcome == "in_sync"]), start=1
    ):
        sent.insert(place * len(sent) // 9, SentMessage(data, "rejected", None, now))
    feeds = ("setpoint-resources", "setpoint-iam-policies", "setpoint-org-policies")
    return [*(SentMessage(messages.welcome(feed), "welcome", None, now) for feed in feeds), *sent]


class _Life:
    """What the feed tells of one resource, from its first message to its last."""

    def __init__(self, sample: Sample, rng: random.Random, now: datetime) -> None:
        self._sample = sample
        self._rng = rng
        self._server = Server(rng)
        self._now = now
        self._edits: Any = ()
        self._before: tuple[Any, datetime] | None = None
        self._is_drifted = False

    def messages(self, incident: Incident | None) -> Iterator[SentMessage]:
        steps = {self._ago(step.minutes): step for step in incident.steps} if incident else {}
        is_stray = self._sample.declared is None
        first = min(steps) if is_stray and steps else self._ago(_FIRST + self._rng.uniform(-4, 2))
        if not (is_stray and steps):
            self._before = (self._sample.live, first - timedelta(days=self._rng.uniform(1, 90)))
        quiet = [self._ago(self._rng.uniform(0.4, 52)) for _ in range(self._rng.randrange(1, 6))]
        if incident is not None and incident.is_old:
            yield from self._drifted_for_long(incident, sorted({first, *(time for time in quiet if time > first)}))
            return
        quiet = [time for time in quiet if time > first and not any(_is_just_after(time, step) for step in steps)]
        for time in sorted({first, *steps, *quiet}):
            if time in steps:
                yield self._changed(steps[time], time)
            elif self._before is not None:
                yield self._touched(time)

    def _drifted_for_long(self, incident: Incident, times: list[datetime]) -> Iterator[SentMessage]:
        self._edits = incident.steps[0].edits
        self._before = (edited(self._sample.live, self._edits), self._now - incident.age)
        for time in times:
            yield self._tell("drifted", time)

    def _changed(self, step: IncidentStep, time: datetime) -> SentMessage:
        self._edits = step.edits
        self._is_drifted = step.outcome not in ("resolved", "in_sync")
        if not step.gone:
            return replace(self._tell(step.outcome, time), is_reverted=step.is_reverted)
        assert self._before is not None  # noqa: S101 - what is deleted was there
        data = messages.deleted(self._sample, time, self._before, with_asset=step.gone == "with asset")
        self._before = None
        return SentMessage(data, step.outcome, self._sample.key, time)

    def _touched(self, time: datetime) -> SentMessage:
        if self._is_drifted:
            return self._tell("drifted", time)
        return self._tell("in_sync" if self._sample.declared is not None else "undeclared", time)

    def _tell(self, outcome: Outcome, time: datetime) -> SentMessage:
        live = edited(self._server.touched(self._sample.live, time), self._edits)
        data = messages.changed(self._sample, live, time, self._before)
        self._before = (live, time)
        return SentMessage(data, outcome, self._sample.key, time)

    def _ago(self, minutes: float) -> datetime:
        return self._now - timedelta(minutes=minutes, microseconds=self._rng.randrange(10**6))


def _is_just_after(time: datetime, step: datetime) -> bool:
    return step <= time <= step + _UNDISTURBED


def _late(sent: list[SentMessage], rng: random.Random) -> list[SentMessage]:
    """Copies of messages that came another way round, after what is newer; of drift that is over above all."""
    newest: dict[ResourceKey | None, SentMessage] = {}
    for message in sent:
        newest[message.key] = max(message, newest.get(message.key, message), key=lambda each: each.time)
    older = [message for message in sent if message.time < newest[message.key].time and message.outcome != "undeclared"]
    over = [
        message
        for message in older
        if message.outcome == "opened" and newest[message.key].outcome in ("in_sync", "resolved")
    ]
    chosen = {id(message): message for message in [*over, *rng.sample(older, _LATE - len(over))]}
    return [
        replace(
            message,
            outcome="stale",
            is_reverted=False,
            late=newest[message.key].time - message.time + timedelta(seconds=rng.uniform(0.5, 20)),
        )
        for message in chosen.values()
    ]


def _repeated(sent: list[SentMessage], rng: random.Random) -> Iterator[SentMessage]:
    """Each message, and some of them twice in a row, as a feed that delivers at least once does."""
    known = [
        index
        for index, message in enumerate(sent)
        if message.outcome not in ("stale", "undeclared") and not message.is_reverted
    ]
    twice = set(rng.sample(known, _REPEATED))
    for index, message in enumerate(sent):
        yield message
        if index in twice:
            yield replace(message, outcome="repeated")
