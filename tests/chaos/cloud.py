"""Chaos on Google's emulators: processes that are killed, services that fail, are slow, away or restarted."""

from __future__ import annotations

import base64
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc
import msgspec
import requests
from google.cloud.pubsub_v1 import SubscriberClient

from chaos.embedded import fleet_of
from chaos.truth import Heard, Report, differing, judge
from setpoint import sweep
from setpoint.adapters.google.asset_inventory import AssetInventory, QuotaRetryPolicy
from setpoint.adapters.memory.store import MemoryDeadLetters
from setpoint.adapters.pubsub.bus import PubSubBus, PubSubFeed
from setpoint.bootstrap import open_store
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection.outbox import Outbox
from setpoint.detection.pipeline import Context
from setpoint.model import events
from setpoint_tools.testing.asset_service import asset_service
from setpoint_tools.testing.emulators import (
    FIRESTORE,
    PUBSUB,
    Emulator,
    clear_firestore,
    free_port,
    fresh_project,
    running,
)
from setpoint_tools.testing.fleet import Fleet
from setpoint_tools.testing.grpc_proxy import Fault, grpc_proxy
from setpoint_tools.testing.polling import LIMIT, poll, wait_until
from setpoint_tools.testing.pubsub import PubSubProject
from setpoint_tools.testing.serving import Served

_PATIENCE = 600.0
"""The emulator may keep for minutes what a killed process held."""
_ORGANISATION = "organizations/566099688680"


class Cloud:
    """Setpoint's project on the emulators, with what chaos does to it.

    Args:
        pubsub: Pub/Sub's emulator.
        firestore: Firestore's emulator.
        folder: where processes write what they say.
        stack: what is to be undone at the end.
    """

    def __init__(self, pubsub: Emulator, firestore: Emulator, folder: Path, stack: ExitStack) -> None:
        self._stack, self.folder = stack, folder
        self.project = fresh_project()
        self.pubsub_proxy = stack.enter_context(grpc_proxy(pubsub.address))
        self.firestore_proxy = stack.enter_context(grpc_proxy(firestore.address))
        self._direct = {PUBSUB.variable: pubsub.address, FIRESTORE.variable: firestore.address}
        stack.callback(clear_firestore, firestore, self.project)
        self._enter(self._direct)
        self.store = open_store(f"firestore://{self.project}/(default)")
        stack.callback(self.store.close)
        self.heard = Heard()
        self._lives: list[subprocess.Popen[bytes]] = []
        stack.callback(self.kill_all)
        self.kills = 0
        self.patience = _PATIENCE
        self.set_up()

    def set_up(self) -> None:
        """Make topics and subscriptions, as the first time and after Pub/Sub has forgotten everything."""
        self.topics = PubSubProject(self.project)
        self._stack.callback(self.topics.close)
        names = ("asset-changes", "drift-events", "dead-letters")
        self.changes, self.drift_events, self.dead_letters = map(self.topics.topic, names)
        self.events = self.topics.subscription(self.drift_events)

    def _enter(self, variables: dict[str, str]) -> None:
        for name, value in variables.items():
            before = os.environ.get(name)
            os.environ[name] = value
            self._stack.callback(os.environ.__setitem__ if before else os.environ.pop, name, before or "")

    def lead_to(self, pubsub: Emulator) -> None:
        """Pub/Sub is another one from now on, and knows nothing."""
        self._enter({PUBSUB.variable: pubsub.address})
        self.pubsub_proxy.lead_to(pubsub.address)
        self.set_up()

    @property
    def environment(self) -> dict[str, str]:
        """What a worker or a function is set up with: it sees the proxies."""
        return {
            "SETPOINT_STORE": f"firestore://{self.project}/(default)",
            "SETPOINT_EVENTS_TOPIC": self.drift_events,
            "SETPOINT_DEAD_LETTER_TOPIC": self.dead_letters,
            "SETPOINT_SUBSCRIPTION": f"projects/{self.project}/subscriptions/detect",
            PUBSUB.variable: self.pubsub_proxy.address,
            FIRESTORE.variable: self.firestore_proxy.address,
        }

    def start_worker(self, *options: str) -> subprocess.Popen[bytes]:
        """One worker process more."""
        command = [sys.executable, "-m", "setpoint", "worker", *options]
        with (self.folder / f"worker-{len(self._lives)}.log").open("wb") as log:
            life = subprocess.Popen(command, env={**os.environ, **self.environment}, stdout=log, stderr=log)
        self._lives.append(life)
        return life

    def kill_one(self, rng: random.Random, *options: str) -> None:
        """Kill a worker in the middle of whatever it does, and start another one."""
        alive = [live for live in self._lives if live.poll() is None]
        rng.choice(alive).kill()
        self.kills += 1
        self.start_worker(*options)

    def kill_all(self) -> None:
        for life in self._lives:
            life.kill()
            life.wait()

    def end_workers(self) -> list[int]:
        """Stop what is alive as Cloud Run does, and wait for it; their exit codes."""
        alive = [live for live in self._lives if live.poll() is None]
        for life in alive:
            life.send_signal(signal.SIGTERM)
        return [life.wait(LIMIT) for life in alive]

    def logs(self) -> str:
        """All that the workers have said."""
        return "".join(log.read_text() for log in sorted(self.folder.glob("worker-*.log")))

    def publish(self, fleet: Fleet, *, a_second: float = 0) -> Iterator[int]:
        """Publish the feed; yields after each hundred, so that something may happen meanwhile."""
        batch: list[tuple[bytes, dict[str, str]]] = []
        sent, started = 0, time.monotonic()
        for expectation in fleet.feed():
            batch.append((expectation.data, {}))
            if len(batch) == 100:
                self.topics.publish(self.changes, batch)
                sent += len(batch)
                batch = []
                yield sent
                if a_second:
                    time.sleep(max(0.0, started + sent / a_second - time.monotonic()))
        self.topics.publish(self.changes, batch)
        yield sent + len(batch)

    def hear(self) -> None:
        """Take all events that have been told."""
        for message in self.topics.received(self.events):
            self.heard.hear(events.decode(message.data))

    def settle(self, fleet: Fleet, *, by_sweep: bool = False) -> None:
        """Wait until the findings are true, everything is published and nothing more is told; or for too long."""
        poll(lambda: not differing(fleet, self.store.states(), by_sweep=by_sweep), self.patience, 0.5)
        poll(self._is_published, self.patience, 0.0)
        self.hear()

    def _is_published(self) -> bool:
        """Whether nothing waits to be published; publishes what does."""
        if not list(self.store.unpublished()):
            return True
        bus = PubSubBus(self.topics.publisher, self.drift_events)
        Outbox(self.store, bus, MemoryDeadLetters()).republish_pending()
        return False

    def stored(self) -> int:
        """How many resources the store has a record of."""
        return sum(1 for _ in self.store.states())

    def judged(self, report: Report, fleet: Fleet, *, by_sweep: bool = False) -> Report:
        report.kills = self.kills
        return judge(report, fleet, list(self.store.states()), self.heard, by_sweep=by_sweep)


@contextmanager
def cloud(pubsub: Emulator, firestore: Emulator, folder: Path) -> Iterator[Cloud]:
    """A project of its own on emulators that are up."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        yield Cloud(pubsub, firestore, folder, stack)


FAULTS = (
    Fault("Commit", grpc.StatusCode.ABORTED, 0.02),
    Fault("BatchWrite", grpc.StatusCode.ABORTED, 0.05),
    Fault("BatchWrite", grpc.StatusCode.UNAVAILABLE, 0.05, "after"),
    Fault("Commit", grpc.StatusCode.UNAVAILABLE, 0.05, "after"),
    Fault("BatchGetDocuments", grpc.StatusCode.UNAVAILABLE, 0.03),
    Fault("Publish", grpc.StatusCode.UNAVAILABLE, 0.03, "after"),
    Fault("Acknowledge", grpc.StatusCode.UNAVAILABLE, 0.03),
)


def killed_workers(system: Cloud, messages: int, resources: int = 300, kill_every: int = 900) -> Report:
    """Bursts; workers that are killed; calls that fail before and after their effect; Firestore away for a while."""
    fleet, rng = fleet_of(messages, resources), random.Random(0)  # noqa: S311 - chaos, no secret
    apply.declare(system.store, fleet.desired(), (), datetime.now(UTC))
    system.topics.subscription(system.changes, name="detect", ordered=False)
    system.pubsub_proxy.faults = system.firestore_proxy.faults = list(FAULTS)
    for _ in range(2):
        system.start_worker()
    report, started = Report("killed workers, emulators"), time.monotonic()
    for sent in system.publish(fleet):
        report.messages = sent
        if sent % kill_every == 0:
            system.hear()
            system.kill_one(rng)
        system.firestore_proxy.is_away = sent % 2_000 < 200 and sent > 200
    system.firestore_proxy.is_away = False
    system.kill_one(rng)
    system.settle(fleet)
    report.seconds = time.monotonic() - started
    report.wrong += [f"a worker ended with {code}" for code in system.end_workers() if code]
    system.hear()
    return system.judged(report, fleet)


def contended(system: Cloud, messages: int, resources: int = 5) -> Report:
    """Four workers on a handful of resources: most commits come second."""
    fleet = fleet_of(messages, resources)
    apply.declare(system.store, fleet.desired(), (), datetime.now(UTC))
    system.topics.subscription(system.changes, name="detect", ordered=False)
    report, started = Report("contended records, emulators"), time.monotonic()
    for report.messages in system.publish(fleet):
        pass
    for _ in range(4):
        system.start_worker("--batch=10")
    system.settle(fleet)
    report.seconds = time.monotonic() - started
    system.end_workers()
    system.hear()
    return system.judged(report, fleet)


def forgetful_pubsub(system: Cloud, messages: int, resources: int = 150) -> Report:
    """Pub/Sub's emulator is restarted half-way and has forgotten what waited; a sweep finds what was in it.

    What waited of drift events is gone too, and nobody can bring it back; so they are taken before, as Pub/Sub itself,
    which forgets nothing, would have kept them.
    """
    fleet = fleet_of(messages, resources)
    apply.declare(system.store, fleet.desired(), (), datetime.now(UTC))
    system.topics.subscription(system.changes, name="detect", ordered=False)
    system.start_worker()
    report, started = Report("forgetful Pub/Sub, emulators"), time.monotonic()
    for report.messages in system.publish(fleet):
        pass
    wait_until(
        lambda: system.stored() > resources // 3, lambda: f"{system.stored()} of {resources} resources are stored"
    )
    system.kill_all()
    system.kills += 1
    system.hear()
    with running(PUBSUB) as restarted:
        system.lead_to(restarted)
        if not differing(fleet, system.store.states()):
            report.wrong.append("nothing was lost, so that nothing was tried")
        _sweep(system, fleet)
        system.settle(fleet, by_sweep=True)
        report.seconds = time.monotonic() - started
        return system.judged(report, fleet, by_sweep=True)


def _sweep(system: Cloud, fleet: Fleet) -> None:
    """Sweep what there is after the last round."""
    deps = Context(
        system.store, PubSubBus(system.topics.publisher, system.drift_events), MemoryDeadLetters(), default_catalogue()
    )
    with asset_service() as service:
        for asset in fleet.assets():
            service.put(asset)
        inventory = AssetInventory(service.client(), QuotaRetryPolicy(calls_a_minute=10**9))
        sweep.sweep([_ORGANISATION], ["resource", "iam_policy"], [], inventory, deps)


def killed_function(system: Cloud, messages: int, resources: int = 100) -> Report:
    """The same by push: functions-framework, several requests at once, killed and started again."""
    fleet = fleet_of(messages, resources)
    apply.declare(system.store, fleet.desired(), (), datetime.now(UTC))
    report, started, port = Report("killed function, emulators"), time.monotonic(), free_port()
    environment = {**system.environment, "THREADS": "8"}
    subscription = system.topics.subscription(system.changes, name="push", ordered=False)
    with (system.folder / "function.log").open("wb") as log, Served("detect", port, environment, log) as function:
        with pushing(subscription, f"http://127.0.0.1:{port}/{system.changes}"):
            for report.messages in system.publish(fleet):
                pass
            for share in (0.2, 0.5, 0.8):
                wait_until(
                    lambda share=share: system.stored() >= share * resources,
                    lambda: f"{system.stored()} of {resources} resources are stored",
                )
                function.kill()
                system.kills += 1
                function.start()
            system.settle(fleet)
        report.seconds = time.monotonic() - started
    return system.judged(report, fleet)


@contextmanager
def pushing(
    subscription: str, address: str, threads: int = 6, took: Callable[[int], object] = lambda _: None
) -> Iterator[None]:
    """Push a subscription's messages, several at once, as Pub/Sub does; its emulator gives up on who was killed.

    Args:
        subscription: full name of the subscription.
        address: where messages are pushed to.
        threads: how many are pushed at once.
        took: is told how many were taken.
    """
    stop = threading.Event()

    def push() -> None:
        feed = PubSubFeed(SubscriberClient(), subscription)
        while not stop.is_set():
            done, again = [], []
            for delivered in feed.pull(8):
                (done if _is_taken(address, delivered.data) else again).append(delivered)
            feed.settle(done, again)
            took(len(done))

    pushers = [threading.Thread(target=push) for _ in range(threads)]
    for pusher in pushers:
        pusher.start()
    try:
        yield
    finally:
        stop.set()
        for pusher in pushers:
            pusher.join()


def _is_taken(address: str, data: bytes) -> bool:
    message = {"messageId": "1", "publishTime": "2026-03-01T12:00:00Z", "data": base64.b64encode(data).decode()}
    try:
        answer = requests.post(address, json={"message": message, "subscription": "push"}, timeout=30)
    except requests.RequestException:
        time.sleep(0.1)
        return False
    return answer.ok


_EXTENDED_AT_ONCE = 900
"""Google's client extends 1,000 leases in a request. The emulator sends it all messages, whatever the limit of
outstanding ones is, and delivers those of a second request again."""


def slow_store(system: Cloud, messages: int, resources: int = 100) -> Report:
    """A store so slow that messages are held for longer than they are leased at first: none is delivered twice."""
    fleet = fleet_of(min(messages, _EXTENDED_AT_ONCE), resources)
    apply.declare(system.store, fleet.desired(), (), datetime.now(UTC))
    system.topics.subscription(system.changes, name="detect", ordered=False)  # leased for ten seconds
    system.firestore_proxy.pause = 0.4
    report, started = Report("slow store, emulators"), time.monotonic()
    for report.messages in system.publish(fleet):
        pass
    system.start_worker("--batch=25", "--threads=1")
    system.settle(fleet)
    report.seconds = time.monotonic() - started
    system.end_workers()
    system.hear()
    outcomes = msgspec.json.decode(system.logs().splitlines()[-1])["outcomes"]
    report.deliveries = sum(outcomes.values())
    if report.deliveries != report.messages:
        report.wrong.append(f"{report.messages} messages were delivered {report.deliveries} times: {outcomes}")
    if report.seconds < 11:
        report.wrong.append("it was not slow")
    return system.judged(report, fleet)


SCENARIOS = {
    "killed-workers": (killed_workers, 1.0),
    "contended": (contended, 0.05),
    "forgetful-pubsub": (forgetful_pubsub, 0.1),
    "killed-function": (killed_function, 0.1),
    "slow-store": (slow_store, 0.05),
}
"""What is done, and its share of the messages of the longest."""
