"""A change in the feed and its entry in the audit log, in either order, through the functions as they are served."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from attribution.world import ALICE, DRIFTED, IN_SYNC, KEY, NOON, TYPE, entry
from setpoint.bootstrap import open_store
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection.pipeline import Context
from setpoint.model import events
from setpoint.model.declaration import Declaration, desired
from setpoint_tools.testing import messages
from setpoint_tools.testing.emulators import free_port
from setpoint_tools.testing.polling import wait_until
from setpoint_tools.testing.pubsub import PubSubProject
from setpoint_tools.testing.serving import Served

pytestmark = pytest.mark.emulator


@pytest.fixture
def installation(pubsub_emulator, pubsub_project, firestore_emulator, firestore_project, tmp_path):
    """What is published to, by what it is for; and what is told."""
    pubsub = PubSubProject(pubsub_project)
    topics = {"detect": "asset-changes", "attribute": "audit-log", "told": "drift-events", "letters": "dead-letters"}
    topics = {name: pubsub.topic(topic) for name, topic in topics.items()}
    environment = {
        "SETPOINT_STORE": f"firestore://{firestore_project}/(default)",
        "SETPOINT_EVENTS_TOPIC": topics["told"],
        "SETPOINT_DEAD_LETTER_TOPIC": topics["letters"],
        "SETPOINT_MASK_IP": "true",
        "SETPOINT_OWN_ACCOUNTS": "setpoint-remediate@fleet-ops.iam.gserviceaccount.com",
        pubsub_emulator.kind.variable: pubsub_emulator.address,
        firestore_emulator.kind.variable: firestore_emulator.address,
    }
    store = open_store(environment["SETPOINT_STORE"])
    wanted = desired((Declaration(KEY, TYPE, {"location": "EU"}, project="shop-prod"),))
    apply.sync(
        LoadResult([wanted]), ApplyRequest("git"), Context(store, None, None), datetime.now(UTC) - timedelta(days=1)
    )
    with ExitStack() as stack:
        stack.callback(pubsub.close)
        stack.callback(store.close)
        heard = pubsub.subscription(topics["told"])
        for name in ("detect", "attribute"):
            port = free_port()
            log = stack.enter_context((tmp_path / f"{name}.log").open("wb"))
            stack.enter_context(Served(name, port, environment, log))
            pubsub.subscription(topics[name], name=name, push_to=f"http://127.0.0.1:{port}/{topics[name]}")
            stack.callback(pubsub.unsubscribe, f"projects/{pubsub_project}/subscriptions/{name}")
        yield pubsub, topics, heard, store


@pytest.mark.parametrize("first", ["detect", "attribute"])
def test_who_changed_it_is_told_whichever_comes_first(installation, first):
    pubsub, topics, heard, store = installation
    now = datetime.now(UTC)  # what is older than some days is not kept
    observed = messages.resource(KEY.name, TYPE, IN_SYNC, now - timedelta(minutes=5))
    pubsub.publish(topics["detect"], [(observed, {})])
    wait_until(lambda: store.read(KEY).state is not None, f"no record of {KEY}")
    logged = entry(seconds=(now - NOON).total_seconds() - 10)
    published = {"detect": messages.resource(KEY.name, TYPE, DRIFTED, now), "attribute": logged}
    done = {
        "detect": lambda: store.read(KEY).state.finding is not None,
        "attribute": lambda: bool(store.read(KEY).changes),
    }
    for name in (first, *(published.keys() - {first})):
        pubsub.publish(topics[name], [(published[name], {})])
        wait_until(done[name], f"{name} has not handled its message")

    known: dict[str, events.CloudEvent] = {}

    def is_told() -> bool:
        known.update(
            {event.id: event for event in map(events.decode, (message.data for message in pubsub.received(heard)))}
        )
        return any(event.data.actor is not None for event in known.values())

    wait_until(is_told, lambda: f"no actor in {sorted(event.type for event in known.values())}")
    expected = ["drift.opened", "drift.attributed"] if first == "detect" else ["drift.opened"]
    story = sorted(known.values(), key=lambda event: event.sequence)
    assert [event.type for event in story] == expected
    actor = story[-1].data.actor
    assert (actor.principal, actor.confidence, actor.caller, actor.ip) == (ALICE, "certain", "console", "203.0.113.0")
