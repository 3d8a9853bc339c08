"""The whole loop: a change on a topic, drift, put back on the fake of Google's APIs, proved, told in order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, DECLARED, DRIFTED, KEY, TYPE, URL
from setpoint.bootstrap import open_store
from setpoint.declarations.apply import ApplyRequest, sync
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection.pipeline import Context
from setpoint.model import events
from setpoint.model.declaration import Declaration, desired
from setpoint.model.events import CloudEvent
from setpoint.ports.stores import Store
from setpoint.remediation.engine import TICK
from setpoint_tools.testing import messages
from setpoint_tools.testing.emulators import free_port
from setpoint_tools.testing.google_apis import GoogleApis
from setpoint_tools.testing.google_faults import Fault
from setpoint_tools.testing.polling import wait_until
from setpoint_tools.testing.pubsub import PubSubProject
from setpoint_tools.testing.serving import Served

pytestmark = pytest.mark.emulator

RESOURCE_MANAGER = "https://cloudresourcemanager.googleapis.com/v3"
PUT_BACK = ["drift.opened", "remediation.started", "drift.resolved", "remediation.succeeded"]


class Installation(NamedTuple):
    """Setpoint as it is installed, on emulators, with a fake of Google's APIs."""

    pubsub: PubSubProject
    store: Store
    google: GoogleApis
    remediate: Served
    changes: str
    ticks: str
    events_subscription: str

    def observe(self, live: object) -> None:
        """A feed tells of the bucket."""
        message = messages.resource(KEY.name, TYPE, live, datetime.now(UTC))
        self.pubsub.publish(self.changes, [(message, {})])

    def tick(self) -> None:
        self.pubsub.publish(self.ticks, [(b"tick", {"type": TICK})])

    def heard(self) -> list[CloudEvent]:
        received = [events.decode(message.data) for message in self.pubsub.received(self.events_subscription)]
        return list({event.id: event for event in received}.values())

    @property
    def step(self) -> str:
        state = self.store.read(KEY).state
        return state.remediation.step if state is not None and state.remediation is not None else ""


@pytest.fixture
def installation(
    pubsub_emulator, pubsub_project, firestore_emulator, firestore_project, google_apis_at, tmp_path
) -> Iterator[Installation]:
    google, address = google_apis_at
    pubsub = PubSubProject(pubsub_project)
    changes, drift_events, dead_letters, ticks = map(
        pubsub.topic, ("asset-changes", "drift-events", "dead-letters", "remediate-ticks")
    )
    environment = {
        "SETPOINT_STORE": f"firestore://{firestore_project}/(default)",
        "SETPOINT_EVENTS_TOPIC": drift_events,
        "SETPOINT_DEAD_LETTER_TOPIC": dead_letters,
        "SETPOINT_GOOGLE_APIS": address,
        pubsub_emulator.kind.variable: pubsub_emulator.address,
        firestore_emulator.kind.variable: firestore_emulator.address,
    }
    store = open_store(environment["SETPOINT_STORE"])
    with ExitStack() as stack:
        stack.callback(pubsub.close)
        stack.callback(store.close)
        ports = {"detect": free_port(), "remediate": free_port()}
        served = {}
        for name, port in ports.items():
            log = stack.enter_context((tmp_path / f"{name}.log").open("wb"))
            served[name] = stack.enter_context(Served(name, port, environment, log))
        subscription = pubsub.subscription(drift_events)
        for name, topic, function in (
            ("detect", changes, "detect"),
            ("remediate", drift_events, "remediate"),
            ("ticks", ticks, "remediate"),
        ):
            pubsub.subscription(topic, name=name, push_to=f"http://127.0.0.1:{ports[function]}/{topic}")
            stack.callback(pubsub.unsubscribe, f"projects/{pubsub_project}/subscriptions/{name}")
        declare(store)
        place(google)
        yield Installation(pubsub, store, google, served["remediate"], changes, ticks, subscription)


def place(google: GoogleApis) -> None:
    """Cloud Resource Manager knows the project of the bucket; without its id nothing is written."""
    project, *above = messages.ANCESTORS
    for name, parent in pairwise((project, *above)):
        google.put(f"{RESOURCE_MANAGER}/{name}", {"projectId": "shop-prod", "parent": parent})


def declare(store: Store) -> None:
    wanted = desired((Declaration(KEY, TYPE, DECLARED, project="shop-prod"),))
    deps = Context(store, None, None)
    sync(LoadResult([wanted], policy=AUTO), ApplyRequest("git"), deps, datetime.now(UTC) - timedelta(minutes=1))


def assert_told_in_order(installation: Installation, expected: list[str]) -> None:
    known: dict[str, CloudEvent] = {}

    def all_told() -> bool:
        for event in installation.heard():
            assert known.setdefault(event.id, event) == event
        return len(known) >= len(expected)

    wait_until(all_told, lambda: f"{sorted(event.type for event in known.values())}, of {expected}")
    story = sorted(known.values(), key=lambda event: event.sequence)
    assert [event.type for event in story] == expected
    assert [int(event.sequence) for event in story] == list(range(1, len(story) + 1))


def test_a_change_is_put_back_proved_and_told(installation):
    installation.google.put(URL, DRIFTED)
    installation.observe(DRIFTED)

    wait_until(lambda: installation.step == "done", lambda: f"the remediation is {installation.step!r}, not done")

    assert len(installation.google.journal) == 1
    assert installation.google.get(URL)["versioning"] == {"enabled": True}
    assert_told_in_order(installation, PUT_BACK)
    assert [entry.what for entry in installation.store.trail(KEY)] == ["act", "written", "succeeded"]
    installation.observe(installation.google.get(URL))  # the feed tells of the write, and nothing follows
    installation.tick()
    time.sleep(1)
    assert len(installation.google.journal) == 1


def test_a_function_that_is_killed_between_claim_and_write_is_taken_over_when_its_claim_runs_out(installation):
    """The request is on its way, and lost with the process that sent it."""
    installation.google.put(URL, DRIFTED)
    installation.google.fail(Fault(lost="before", delay=30), verb="PATCH")
    installation.observe(DRIFTED)
    wait_until(
        lambda: any(request.startswith("PATCH") for request in installation.google.requests),
        lambda: f"no PATCH among {installation.google.requests}",
    )
    installation.remediate.kill()
    assert (installation.step, installation.google.journal) == ("acting", [])

    installation.remediate.start()
    installation.tick()
    time.sleep(1)
    assert (installation.step, installation.google.journal) == ("acting", []), "somebody has the claim yet"
    let_the_claim_run_out(installation.store)
    installation.tick()

    wait_until(lambda: installation.step == "done", lambda: f"the remediation is {installation.step!r}, not done")
    assert len(installation.google.journal) == 1
    assert_told_in_order(installation, [*PUT_BACK[:2], "remediation.failed", *PUT_BACK[1:]])
    ends = [entry.outcome for entry in installation.store.trail(KEY) if entry.outcome]
    assert ends == ["unknown", "succeeded"], "nobody knows what came of the first attempt"


def let_the_claim_run_out(store: Store) -> None:
    """As five minutes would."""
    snapshot = store.read(KEY)
    state = snapshot.state
    past = replace(state.remediation, due=datetime.now(UTC) - timedelta(seconds=1))
    store.commit(snapshot, replace(state, remediation=past))
