"""Feeds that come again, twice, late and in another order; Hypothesis makes them up."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.fleet import (
    DESIRED,
    READERS,
    RULES,
    WORLD,
    bucket,
    bucket_gone,
    bucket_untold,
    declare,
    deps,
    foreign,
    grants,
    stray,
    stray_gone,
)
from detection.runs import Recorded, recorded
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import pipeline
from setpoint.detection import verdict as judging
from setpoint.detection.pipeline import Context
from setpoint.detection.verdict import Verdict
from setpoint.errors import MalformedMessage
from setpoint.model import observation as observations
from setpoint.model.events import CloudEvent
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState
from sizes import size

SECONDS = st.integers(0, 5)  # few, so that different observations fall on the same instant
OWNED = [{"role": "roles/owner", "members": ["user:somebody@example.com"]}]

MESSAGES = st.one_of(
    st.builds(bucket, SECONDS, location=st.sampled_from(["EU", "eu", "US", "ASIA"]), versioning=st.booleans()),
    st.builds(bucket_gone, SECONDS, with_asset=st.booleans()),
    st.builds(bucket_untold, SECONDS),
    st.builds(grants, SECONDS, st.sampled_from([READERS, WORLD, [], [*READERS, *OWNED]])),
    st.builds(stray, SECONDS),
    st.builds(stray_gone, SECONDS),
    st.builds(foreign, SECONDS),
    st.sampled_from([b"", b"{}", b"not json", observations.WELCOME]),
)
FEEDS = st.lists(MESSAGES, max_size=14)

EXAMPLES = {"memory": size(100, 500), "sqlite": size(15, 60), "firestore": size(3, 8)}


@pytest.fixture
def examples(request) -> settings:
    """As many as the backend has time for."""
    return settings(max_examples=EXAMPLES[request.node.callspec.params["new_backend"]], deadline=None)


@st.composite
def feeds_with_duplicates(draw) -> tuple[list[bytes], list[bytes]]:
    """A feed, and the same with some messages delivered again, at once or much later."""
    feed = draw(FEEDS)
    again = list(feed)
    for message in draw(st.lists(st.sampled_from(feed), max_size=8)) if feed else []:
        again.insert(draw(st.integers(again.index(message) + 1, len(again))), message)
    return feed, again


@st.composite
def feeds_in_two_orders(draw) -> tuple[list[bytes], list[bytes]]:
    feed = draw(FEEDS)
    return feed, draw(st.permutations(feed))


def new_world(new_backend) -> Context:
    store = new_backend().open()
    declare(store)
    return deps(store, MemoryBus(), MemoryDeadLetters())


def run(world: Context, *feed: bytes) -> Recorded:
    for message in feed:
        pipeline.receive(message, {}, world)
    return recorded(world)


@pytest.mark.thorough
def test_a_feed_replayed_gives_the_same_findings_and_the_same_event_ids(new_backend, examples):
    @examples
    @given(FEEDS)
    def holds(feed):
        world = new_world(new_backend)
        assert run(world, *feed) == run(world, *feed) == run(new_world(new_backend), *feed)

    holds()


@pytest.mark.thorough
def test_a_feed_with_duplicates_gives_the_same_findings_and_the_same_event_ids(new_backend, examples):
    @examples
    @given(feeds_with_duplicates())
    def holds(feeds):
        feed, again = feeds
        assert run(new_world(new_backend), *again) == run(new_world(new_backend), *feed)

    holds()


@pytest.mark.thorough
def test_a_feed_in_another_order_gives_the_same_findings_in_the_end(new_backend, examples):
    @examples
    @given(feeds_in_two_orders())
    def holds(feeds):
        for feed in feeds:
            assert final_states_of(run(new_world(new_backend), *feed).records.values()) == latest(verdicts(feed))

    holds()


@pytest.mark.thorough
def test_no_order_of_a_feed_gives_an_event_without_a_reason(new_backend, examples):
    @examples
    @given(feeds_in_two_orders())
    def holds(feeds):
        reasons = {(verdict.key, verdict.time, verdict.kind, verdict.fingerprint) for verdict in verdicts(feeds[0])}
        in_sync = {(verdict.key, verdict.time) for verdict in verdicts(feeds[0]) if verdict.kind is None}
        end = run(new_world(new_backend), *feeds[1])
        for key, story in stories(end.events):
            for event in story:
                if event.type == "drift.resolved":
                    assert (key, event.time) in in_sync
                else:
                    assert (key, event.time, event.data.kind, event.data.fingerprint) in reasons
            assert_tells_one_story(story)
            assert end.records[key].sequence == len(story)

    holds()


class FinalState(NamedTuple):
    """What an observation says of its resource, told apart as far as consumers can."""

    key: ResourceKey
    time: Any
    deleted: bool
    fingerprint: str
    kind: str | None
    differences: tuple[Any, ...]


def verdicts(feed: Iterable[bytes]) -> list[FinalState]:
    """What each message of a feed says by itself: no state, no order."""
    desired = {desired_.declarations[0].key: desired_ for desired_ in DESIRED}
    final_states = []
    for message in feed:
        try:
            observation = observations.parse(message)
        except MalformedMessage:
            continue
        if observation is None:
            continue
        verdict = judging.judge(desired.get(observation.key), RULES, observation, default_catalogue())
        if isinstance(verdict, Verdict):
            seen = (observation.key, observation.observed_at, observation.deleted)
            final_states.append(
                FinalState(*seen, verdict.fingerprint, verdict.kind, verdict.differences if verdict.kind else ())
            )
    return final_states


def latest(final_states: Iterable[FinalState]) -> dict[ResourceKey, FinalState]:
    """The last word on each resource; of one instant, a deletion, then the greater fingerprint."""
    return {
        each.key: each for each in sorted(final_states, key=lambda each: (each.time, each.deleted, each.fingerprint))
    }


def final_states_of(records: Iterable[ResourceState]) -> dict[ResourceKey, FinalState]:
    """What the records say; a finding that is resolved, and one that never was, say the same."""
    final_states = {}
    for record in records:
        is_open = record.finding is not None and record.finding.status == "open"
        told_of = (record.finding.kind, record.finding.differences) if is_open else (None, ())
        seen = (record.key, record.observed_at, record.deleted, record.fingerprint)
        final_states[record.key] = FinalState(*seen, *told_of)
    return final_states


def stories(events: Iterable[CloudEvent]) -> list[tuple[ResourceKey, list[CloudEvent]]]:
    """The events of each finding, in the order of their telling."""

    def key(event: CloudEvent) -> ResourceKey:
        return ResourceKey(event.subject, event.data.content)

    return [(key_, list(story)) for key_, story in itertools.groupby(sorted(events, key=key), key)]


def assert_tells_one_story(story: list[CloudEvent]) -> None:
    assert [int(event.sequence) for event in story] == list(range(1, len(story) + 1))
    assert story[0].type == "drift.opened"
    for before, after in itertools.pairwise(story):
        assert before.time <= after.time
        assert (after.type == "drift.opened") == (before.type == "drift.resolved")
        if after.type == "drift.changed":
            assert after.data.fingerprint != before.data.fingerprint
        if after.type == "drift.resolved":
            assert after.data.fingerprint == before.data.fingerprint
