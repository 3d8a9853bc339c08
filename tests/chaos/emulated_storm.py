"""A storm on Google's emulators, as fast as they are: changes through the worker, alerts through ``functions/notify``.

A scope covers one project. Each change is a new firewall that nobody declares, so that all findings have one cause; one
change in ten is made in another project and is not a finding. Slack takes a message a second.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import requests

from chaos.cloud import Cloud, pushing
from chaos.simulated_storm import MIB, resident
from setpoint.adapters.memory.store import MemoryDeadLetters
from setpoint.alerting.service import TICK
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection.pipeline import Context
from setpoint.model import events
from setpoint.model.alerting_config import Alerting, Destination
from setpoint.model.declaration import Scope
from setpoint_tools.testing import messages
from setpoint_tools.testing.emulators import free_port
from setpoint_tools.testing.polling import poll
from setpoint_tools.testing.serving import Served
from setpoint_tools.testing.slack import TOKEN, Slack, slack

FIREWALL = "compute.googleapis.com/Firewall"
CHANNEL = "drift"
_BATCH = 100
_OUTSIDE = 10
"""One change in so many lies outside of the scope."""
_WAITING = 1_000
"""Changes that are on their way at most: the storm is as fast as they are handled."""
_SAMPLE_SECONDS = 15.0
_TICK_SECONDS = 60.0
_LONGEST_BETWEEN_UPDATES = 600.0
"""Seconds between two updates of the message about a large group, at most: see docs/reliability.md."""
_COUNT = re.compile(r"([\d,]+) Firewalls? in ")
"""The findings that a message speaks of, in its text."""
_PLACES = {"shop-prod": ("projects/20318464073",), "sandbox": ("projects/20318464074",)}


@dataclass
class EmulatedStorm:
    """What a storm came to.

    Args:
        changes: messages that were published.
        findings: resources that nobody declares among them.
        a_second: changes that were handled a second, by worker and function.
        events: events that were heard, each once.
        again: events that were heard once more.
        lost: findings that were not stored, not told, or are not in the message.
        false: findings of what is not in the scope.
        double: findings that were opened by two events, and messages in the channel beyond one for each window.
        messages: in the channel; one for all findings that were recorded within the alerting's window.
        windows: the windows that the findings were recorded in.
        updates: of the messages in Slack.
        throttled: answers of Slack that it takes no more for now.
        memory: MiB of the processes of `notify`, every 15 seconds.
        told_after: seconds from the last change until all events were published.
        shown_after: seconds from the last change until the messages speak of all findings.
        seconds: how long changes came.
    """

    changes: int = 0
    findings: int = 0
    a_second: float = 0.0
    events: int = 0
    again: int = 0
    lost: int = 0
    false: int = 0
    double: int = 0
    messages: int = 0
    windows: int = 1
    updates: int = 0
    throttled: int = 0
    memory: list[int] = field(default_factory=list)
    told_after: float = 0.0
    shown_after: float = 0.0
    seconds: float = 0.0

    def figures(self) -> dict[str, object]:
        return {"scenario": "storm on emulators", **asdict(self)}

    @property
    def is_true(self) -> bool:
        return not (self.lost or self.false or self.double)


def emulated_storm(system: Cloud, seconds: float) -> EmulatedStorm:
    """Publish as many changes as the emulators take for so many seconds, and wait until all are told."""
    alerting = Alerting("fleet", default=(Destination("slack", f"#{CHANNEL}"),))
    scope = Scope("shop", ("shop-prod",), ("compute.googleapis.com/*",), ancestors=_PLACES["shop-prod"])
    context = Context(system.store, None, MemoryDeadLetters())
    apply.sync(LoadResult(alerting=alerting, scopes=(scope,)), ApplyRequest("storm"), context, datetime.now(UTC))
    system.topics.subscription(system.changes, name="detect", ordered=False)
    alerts = system.topics.subscription(system.drift_events, name="notify", ordered=False)
    system.topics.unsubscribe(system.events)  # the emulator keeps a thread for each ordering key
    system.events = system.topics.subscription(system.drift_events, name="heard", ordered=False)
    system.start_worker()
    with slack(pace=1.0) as (service, api), (system.folder / "notify.log").open("wb") as log:
        service.channel(CHANNEL)
        environment = {**system.environment, "THREADS": "8", "SETPOINT_SLACK_TOKEN": TOKEN, "SETPOINT_SLACK_API": api}
        environment |= {"SETPOINT_SINKS": "{}", "SETPOINT_SWEEP_TOPIC": system.changes, "SETPOINT_HISTORY_CALLS": "0"}
        with Served("notify", free_port(), environment, log) as notify:
            address = f"http://127.0.0.1:{notify.port}/{system.drift_events}"
            storm = _Storm(system, service, notify, address)
            with pushing(alerts, address, took=storm.noticed.append):
                return storm.run(seconds)


class _Storm:
    def __init__(self, system: Cloud, service: Slack, notify: Served, address: str) -> None:
        self._system, self._slack, self._notify, self._address = system, service, notify, address
        self._report = EmulatedStorm()
        self.noticed: list[int] = []
        self._ticker: threading.Thread | None = None
        self._heard: Counter[str] = Counter()
        self._opened: dict[str, set[str]] = {}
        self._recorded: set[datetime] = set()
        self._sampled = self._ticked = time.monotonic()

    def run(self, seconds: float) -> EmulatedStorm:
        report, started = self._report, time.monotonic()
        while time.monotonic() - started < seconds:
            self._publish()
            self._until(lambda: report.findings - self._handled <= _WAITING, self._system.patience)
        report.seconds = round(time.monotonic() - started, 1)
        report.a_second = round(self._handled * report.changes / report.findings / report.seconds, 1)
        ended = time.monotonic()
        self._until(lambda: len(self._opened) >= report.findings, self._system.patience)
        report.told_after = round(time.monotonic() - ended, 1)
        self._until(self._is_shown, self._system.patience + _LONGEST_BETWEEN_UPDATES)
        report.shown_after = round(time.monotonic() - ended, 1)
        self._sample()
        return self._judged()

    @property
    def _handled(self) -> int:
        """Findings of which an event was published, and taken by ``functions/notify``."""
        return min(len(self._opened), sum(self.noticed))

    def _publish(self) -> None:
        """Publish changes of which one in ten is not a finding."""
        report, now = self._report, datetime.now(UTC)
        batch = []
        for number in range(report.changes, report.changes + _BATCH):
            project = "sandbox" if number % _OUTSIDE == 0 else "shop-prod"
            name = f"//compute.googleapis.com/projects/{project}/global/firewalls/fw-{number}"
            data = {"name": f"fw-{number}", "direction": "INGRESS", "sourceRanges": ["0.0.0.0/0"]}
            batch.append((messages.resource(name, FIREWALL, data, now, ancestors=_PLACES[project]), {}))
        self._system.topics.publish(self._system.changes, batch)
        report.changes += _BATCH
        report.findings += _BATCH - _BATCH // _OUTSIDE

    def _until(self, is_over: Callable[[], bool], patience: float) -> None:
        """Hear events, sample memory and tick, until something is so or for too long."""

        def go_on() -> bool:
            for message in self._system.topics.receive_until(self._system.events, lambda some: some, 1.0):
                event = events.decode(message.data)
                self._heard[event.id] += 1
                self._opened.setdefault(event.subject, set()).add(event.id)
                self._recorded.add(event.recordedtime or event.time)
            now = time.monotonic()
            if now - self._sampled > _SAMPLE_SECONDS:
                self._sampled = now
                self._sample()
            if now - self._ticked > _TICK_SECONDS:
                self._ticked = now
                self._ticker = self._ticker if self._ticker and self._ticker.is_alive() else self._started_tick()
            return is_over()

        poll(lambda: is_over() or go_on(), patience, 0.0)

    def _sample(self) -> None:
        self._report.memory.append(sum(map(resident, _processes(self._notify))) // MIB)

    def _started_tick(self) -> threading.Thread:
        ticker = threading.Thread(target=self._tick, daemon=True)
        ticker.start()
        return ticker

    def _tick(self) -> None:
        """Have `notify` send what is due; a large group takes the emulator minutes."""
        message = {"messageId": "tick", "publishTime": "2026-03-01T12:00:00Z", "attributes": {"type": TICK}}
        message["data"] = base64.b64encode(TICK.encode()).decode()
        with suppress(requests.RequestException):  # the next one goes on
            requests.post(self._address, json={"message": message, "subscription": "ticks"}, timeout=540)

    def _is_shown(self) -> bool:
        counts = (_COUNT.search(shown.text) for shown in self._slack.shown(CHANNEL))
        return sum(int(count[1].replace(",", "")) for count in counts if count) == self._report.findings

    def _judged(self) -> EmulatedStorm:
        report, shown = self._report, self._slack.shown(CHANNEL)
        states = {state.key.name: state for state in self._system.store.states()}
        drifted = {name for name, state in states.items() if state.is_open}
        report.events = len(self._heard)
        report.again = self._heard.total() - report.events
        report.lost = report.findings - len([name for name in drifted if "/shop-prod/" in name])
        report.lost += report.findings - len(self._opened) + (not self._is_shown())
        report.false = len([name for name in drifted if "/shop-prod/" not in name])
        span = (max(self._recorded) - min(self._recorded)).total_seconds()
        report.messages, report.windows = len(shown), 1 + int(span // Alerting().group_seconds)
        report.double = sum(len(ids) - 1 for ids in self._opened.values()) + max(len(shown) - report.windows, 0)
        report.updates, report.throttled = sum(message.edits for message in shown), self._slack.throttled
        return report


def _processes(served: Served) -> Iterator[str]:
    """The ids of all processes of a function."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            group = (folder / "stat").read_text().rpartition(")")[2].split()[2]
        except OSError:  # it has ended meanwhile
            continue
        if int(group) == served.group:
            yield folder.name
