"""Limits of the services are kept before anything is written, and what no service takes holds up nothing else."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from google.pubsub_v1.types import PubsubMessage
from msgspec.structs import replace

from contract.records import BUCKET, KEY, NOON, OTHER, declare, declared, drifted, event
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.adapters.pubsub.bus import PubSubBus, publisher
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import load
from setpoint.detection.outbox import Outbox
from setpoint.detection.pipeline import Context
from setpoint.errors import Refused, Unavailable
from setpoint.model import events
from setpoint.model.declaration import Owner
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.record_size import LARGEST, encode_bounded
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import decode_state
from setpoint.util import quotas
from setpoint_tools.testing.pubsub_service import pubsub_service, refused_message

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def strict(monkeypatch):
    """A topic of a Pub/Sub that enforces what Google publishes, which its emulator does not."""
    with pubsub_service() as address:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
        client = publisher()
        topic = "projects/p/topics/drift-events"
        client.create_topic(name=topic)
        yield PubSubBus(client, topic)


def owned_by(team: str):
    plain = event()
    return replace(plain, data=replace(plain.data, owner=Owner(team=team), project=team, asset_type=team))


@pytest.mark.parametrize("team", ["x" * 1_025, "ß" * 900, "\U0001f600" * 400], ids=["ascii", "two bytes", "four bytes"])
def test_a_name_of_any_length_is_cut_by_bytes_and_published(strict, team):
    strict.publish([owned_by(team), event(OTHER)])


def test_what_pubsub_will_never_take_is_refused_by_name_and_the_order_of_others_goes_on(strict):
    plain = event()
    huge = replace(plain, data=replace(plain.data, reason="x" * 10_000_001))
    with pytest.raises(Refused, match=KEY.name):
        strict.publish([huge])
    strict.publish([event(), event(number=2)])


MESSAGES = {
    "an attribute of 1,025 bytes": (PubsubMessage(data=b"x", attributes={"a": "ß" * 513}), "1,024 bytes"),
    "a key of 257 bytes": (PubsubMessage(data=b"x", attributes={"a" * 257: "b"}), "256 bytes"),
    "101 attributes": (
        PubsubMessage(data=b"x", attributes={str(number): "" for number in range(101)}),
        "100 attributes",
    ),
    "an ordering key of 1,025 bytes": (PubsubMessage(data=b"x", ordering_key="x" * 1_025), "ordering key"),
    "10 MB and a byte": (PubsubMessage(data=b"x" * 10_000_001), "10 MB"),
    "nothing": (PubsubMessage(), "data or an attribute"),
}


@pytest.mark.parametrize(("message", "reason"), MESSAGES.values(), ids=MESSAGES)
def test_the_fake_refuses_what_the_published_quotas_of_pubsub_refuse(message, reason):
    """https://cloud.google.com/pubsub/quotas#resource_limits, read in November 2026."""
    assert reason in refused_message(message)


def test_the_limits_that_the_code_keeps_are_the_published_ones():
    """https://cloud.google.com/pubsub/quotas#resource_limits and https://cloud.google.com/firestore/quotas#limits."""
    assert (quotas.PUBSUB_ATTRIBUTE, quotas.PUBSUB_ATTRIBUTE_KEY, quotas.PUBSUB_ATTRIBUTES) == (1_024, 256, 100)
    assert (quotas.PUBSUB_MESSAGE, quotas.PUBSUB_ORDERING_KEY) == (10_000_000, 1_024)
    assert (quotas.FIRESTORE_DOCUMENT, quotas.FIRESTORE_INDEXED, quotas.FIRESTORE_ID) == (1_048_576, 1_500, 1_500)


@pytest.mark.parametrize("text", ["x" * 3_000, "ß" * 3_000, "short", "\U0001f600" * 800])
def test_a_text_is_cut_between_characters_and_two_long_ones_stay_two(text):
    assert len(quotas.cut(text, 1_500).encode()) <= 1_500
    assert text.startswith(quotas.cut(text, 1_500))
    assert len(quotas.cut_distinct(text, 1_500).encode()) <= 1_500
    assert (quotas.cut_distinct(text, 1_500) == quotas.cut_distinct(f"{text}y", 1_500)) is False


def large(number: int) -> Difference:
    return Difference(f"field{number}", "changed", declared="d" * 20_000, observed=f"{number}" * 20_000)


def test_a_drift_that_changes_while_pubsub_is_away_fits_into_a_document(store):
    declare(store, [declared()])
    differences = tuple(large(number) for number in range(9))
    pending = []
    for number in range(1, 9):
        plain = event(number=number)
        pending.append(
            replace(plain, data=replace(plain.data, differences=differences, previous_data={"x": "y" * 16_000}))
        )
    state = replace(drifted(sequence=8), pending=tuple(pending))
    state = replace(state, finding=replace(state.finding, differences=differences, difference_count=9))
    observation = Observation(KEY, BUCKET, state.observed_at, data={"text": "x" * 450_000})
    committed = store.commit(store.read(KEY), state, observation)
    assert committed.state == state
    stored = store.read(KEY).state
    assert len(stored.pending) == 8
    assert [item.id for item in stored.pending] == [item.id for item in pending]
    assert (stored.finding.difference_count, stored.finding.fingerprint) == (9, state.finding.fingerprint)
    store.mark_published(store.read(KEY))
    assert store.read(KEY).state.pending == ()


def test_however_many_events_wait_a_record_stays_below_its_limit_and_the_latest_event_is_kept():
    state = drifted(sequence=2_000, pending=2_000)
    body = encode_bounded(state)
    assert len(body) <= LARGEST
    kept = decode_state(body).pending
    assert kept[-1].id == state.pending[-1].id
    assert kept[0].type == "drift.opened"


def test_a_small_record_is_stored_as_it_is():
    state = drifted(pending=1)
    assert decode_state(encode_bounded(state)) == state


class Picky(MemoryBus):
    """Never takes events of one resource; `is_down`: takes none for now."""

    def __init__(self, refused: ResourceKey) -> None:
        super().__init__()
        self.refused = refused.name
        self.is_down: set[str] = set()

    def publish(self, published) -> None:
        for item in published:
            if item.subject == self.refused:
                raise Refused("the topic will never accept it")
            if item.subject in self.is_down:
                raise Unavailable("the topic did not answer")
        super().publish(published)


def test_an_event_that_no_bus_takes_goes_to_the_dead_letters_and_the_queue_goes_on(store):
    for key in (KEY, OTHER):
        store.commit(store.read(key), drifted(key, pending=1))
    bus, dead_letters = Picky(KEY), MemoryDeadLetters()
    context = Context(store, bus, dead_letters, clock=lambda: LATER)
    assert context.outbox.republish_pending() == 2
    assert [item.subject for item in bus.events] == [OTHER.name]
    (letter,) = dead_letters.kept
    assert letter.reason == "the topic will never accept it"
    assert events.read(letter.message).subject == KEY.name
    assert list(store.unpublished()) == []


def test_a_record_that_fails_for_now_holds_up_none_behind_it(store):
    others = [ResourceKey(f"//storage.googleapis.com/b{number}") for number in range(5)]
    for key in (KEY, *others):
        store.commit(store.read(key), drifted(key, pending=1))
    bus = Picky(OTHER)
    bus.is_down = {KEY.name}
    context = Context(store, bus, MemoryDeadLetters(), clock=lambda: LATER)
    assert context.outbox.republish_pending() == 5
    assert [key.name for key in store.unpublished()] == [KEY.name]


def test_a_bus_that_is_down_is_asked_a_few_times_only(store, mocker):
    for number in range(20):
        key = ResourceKey(f"//storage.googleapis.com/b{number}")
        store.commit(store.read(key), drifted(key, pending=1))
    bus = mocker.Mock()
    bus.publish.side_effect = Unavailable("away")
    with pytest.raises(Unavailable):
        Outbox(store, bus, MemoryDeadLetters()).republish_pending()
    assert bus.publish.call_count == 3


def test_publishing_of_one_resource_sets_aside_only_what_is_refused(store):
    class OneEventBus(MemoryBus):
        def publish(self, published) -> None:
            if any(item.type == "drift.opened" for item in published):
                raise Refused("not this one")
            super().publish(published)

    bus, dead_letters = OneEventBus(), MemoryDeadLetters()
    snapshot = store.commit(store.read(KEY), drifted(sequence=2, pending=2))
    Outbox(store, bus, dead_letters).publish_pending(snapshot)
    assert [item.type for item in bus.events] == ["drift.changed"]
    assert len(dead_letters.kept) == 1


def test_a_declaration_that_no_document_holds_is_named_and_all_others_are_applied(store, tmp_path):
    for name, size in (("large", 600_000), ("small", 10)):
        labels = {"a": "x" * size}
        document = {
            "apiVersion": "setpoint.dev/v1",
            "kind": "Declaration",
            "metadata": {"name": f"//storage.googleapis.com/{name}"},
            "spec": {"assetType": BUCKET, "data": {"labels": labels}},
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    loaded = load([str(tmp_path)])
    (problem,) = loaded.problems
    assert problem.file.endswith("large.json")
    assert "//storage.googleapis.com/large (resource): what is declared of it has 600," in problem.message
    done = apply.sync(loaded, ApplyRequest("git", prune=True), Context(store, None, MemoryDeadLetters()), NOON)
    assert [change.key.name for change in done.plan.changes] == ["//storage.googleapis.com/small"]
