"""The whole path: a topic of changes, pushed to the served function, its state in Firestore, its events on a topic."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from google.api_core.exceptions import NotFound

from chaos.cloud import pushing
from e2e.traffic import Traffic, embedded, traffic
from setpoint.bootstrap import open_store
from setpoint.declarations.apply import declare
from setpoint.detection.installation_key import InstallationKey
from setpoint.model import events
from setpoint.model.events import CloudEvent
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from setpoint.operations.dead_letters import decrypted
from setpoint.ports.stores import Store
from setpoint_tools.testing.emulators import Emulator, free_port, running
from setpoint_tools.testing.polling import wait_until
from setpoint_tools.testing.pubsub import PubSubProject
from setpoint_tools.testing.serving import Served
from sizes import size

pytestmark = pytest.mark.emulator


class Installation(NamedTuple):
    """Setpoint as it is installed, on emulators."""

    pubsub: PubSubProject
    store: Store
    function: Served
    address: str
    changes: str
    drift_events: str
    dead_letters: str


@pytest.fixture(scope="module")
def pubsub_emulator(pubsub_emulator) -> Iterator[Emulator]:
    """An emulator for these tests alone: the shared one is busy with the pushes of other tests when one is killed."""
    with running(pubsub_emulator.kind) as own:
        yield own


@pytest.fixture
def installation(
    pubsub_emulator, pubsub_project, firestore_emulator, firestore_project, tmp_path
) -> Iterator[Installation]:
    pubsub = PubSubProject(pubsub_project)
    changes, drift_events, dead_letters = map(pubsub.topic, ("asset-changes", "drift-events", "dead-letters"))
    port = free_port()
    environment = {
        "SETPOINT_STORE": f"firestore://{firestore_project}/(default)",
        "SETPOINT_EVENTS_TOPIC": drift_events,
        "SETPOINT_DEAD_LETTER_TOPIC": dead_letters,
        pubsub_emulator.kind.variable: pubsub_emulator.address,
        firestore_emulator.kind.variable: firestore_emulator.address,
    }
    store = open_store(environment["SETPOINT_STORE"])
    log = tmp_path / "function.log"
    with log.open("wb") as stream, Served("detect", port, environment, stream) as function:
        address = f"http://127.0.0.1:{port}"
        pubsub.subscription(changes, push_to=f"{address}/{changes}")
        outputs = pubsub.subscription(drift_events), pubsub.subscription(dead_letters)
        yield Installation(pubsub, store, function, address, changes, *outputs)
        with suppress(NotFound):
            pubsub.unsubscribe(f"projects/{pubsub_project}/subscriptions/asset-changes")
    store.close()
    pubsub.close()


@pytest.mark.thorough
def test_many_messages_lose_nothing(installation):
    sent = traffic(size(300, 1000))
    declare(installation.store, sent.desired, (), datetime.now(UTC))

    publish(installation, sent.feed)

    assert_nothing_is_lost(installation, sent)


def test_a_function_killed_half_way_and_started_again_loses_nothing(installation):
    sent = traffic(300)
    declare(installation.store, sent.desired, (), datetime.now(UTC))

    # Pushed as Pub/Sub does it: its emulator keeps for minutes what it was pushing to a process that was killed.
    pulled = installation.pubsub.subscription(installation.changes, name="pushed", ordered=False)
    installation.pubsub.unsubscribe(f"projects/{installation.pubsub.project}/subscriptions/asset-changes")
    with pushing(pulled, f"{installation.address}/{installation.changes}", threads=2):
        publish(installation, sent.feed)
        wait_until(lambda: sum(1 for _ in installation.store.states()) > 10, "ten resources are not stored")
        installation.function.kill()
        assert standing(installation.store.states()) != standing(embedded(sent).values()), "nothing is left to lose"
        installation.function.start()

        assert_nothing_is_lost(installation, sent)


def publish(installation: Installation, feed: list[bytes]) -> None:
    installation.pubsub.publish(installation.changes, ((message, {}) for message in feed))


def assert_nothing_is_lost(installation: Installation, sent: Traffic) -> None:
    """In the end the findings are those of one process that saw all of it, and every event of theirs was told."""
    expected = embedded(sent)
    wanted = standing(expected.values())
    wait_until(lambda: standing(installation.store.states()) == wanted, lambda: missing(installation.store, wanted))
    wait_until(lambda: not list(installation.store.unpublished()), "some events are not published")

    records = {state.key: state for state in installation.store.states()}
    known: dict[str, CloudEvent] = {}

    def all_told() -> bool:
        for message in installation.pubsub.received(installation.drift_events):
            event = events.decode(message.data)
            assert known.setdefault(event.id, event) == event
        return len(known) >= sum(state.sequence for state in records.values())

    wait_until(all_told, lambda: f"{len(known)} events, of {sum(state.sequence for state in records.values())}")
    for key, state in records.items():
        assert_tells_its_story(
            sorted((event for event in known.values() if event.subject == key.name), key=sequence), state
        )

    dead: dict[bytes | None, set[str]] = {}
    key = InstallationKey(installation.store).read()

    def all_dead() -> bool:
        for message in installation.pubsub.received(installation.dead_letters):
            dead.setdefault(decrypted(message.data, key), set()).add(message.attributes["reason"])
        return len(dead) >= len(sent.broken)

    wait_until(all_dead, lambda: f"{len(dead)} dead letters, of {len(sent.broken)}")
    assert dead.keys() == sent.broken
    assert all(len(reasons) == 1 and min(reasons).startswith("not a feed message: ") for reasons in dead.values())


def standing(states: Iterator[ResourceState]) -> dict[ResourceKey, tuple[object, ...]]:
    """What does not depend on the order of arrival."""
    return {state.key: (state.observed_at, state.deleted, state.fingerprint, still_open(state)) for state in states}


def missing(store: Store, wanted: dict[ResourceKey, tuple[object, ...]]) -> str:
    """What the store does not have yet."""
    stored = standing(store.states())
    different = [str(key) for key, record in wanted.items() if stored.get(key) != record]
    return f"{len(different)} of {len(wanted)} records differ, the first {different[:3]}"


def still_open(state: ResourceState) -> tuple[object, ...]:
    finding = state.finding
    if finding is None or finding.status != "open":
        return ()
    return finding.kind, finding.severity, finding.differences, finding.owner, finding.last_seen


def sequence(event: CloudEvent) -> int:
    return int(event.sequence)


def assert_tells_its_story(story: list[CloudEvent], state: ResourceState) -> None:
    assert [sequence(event) for event in story] == list(range(1, state.sequence + 1))
    for before, after in itertools.pairwise(story):
        assert (after.type == "drift.opened") == (before.type == "drift.resolved")
    if story:
        assert story[0].type == "drift.opened"
        assert story[-1].data.status == state.finding.status
        assert story[-1].data.fingerprint == state.finding.fingerprint
