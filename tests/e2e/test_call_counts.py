"""What one event costs in calls to Google's services, counted between the real clients and the emulators."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from setpoint.adapters.pubsub.bus import PubSubBus, PubSubDeadLetters, publisher
from setpoint.bootstrap import open_store
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection import batch, pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import MalformedMessage
from setpoint.model.observation import parse
from setpoint_tools.testing.fleet import FaultRates, FeedExpectation, Fleet
from setpoint_tools.testing.grpc_proxy import GrpcProxy, grpc_proxy
from setpoint_tools.testing.pubsub import PubSubProject
from sizes import size

pytestmark = [pytest.mark.emulator, pytest.mark.thorough]

FLEET = Fleet(
    size(20, 60), projects=5, rounds=4, drifting=0.4, fault_rates=FaultRates(repeated=0.3, late=0.2, broken=0)
)

READ, WRITE, WRITE_MANY, PUBLISH = "BatchGetDocuments", "Commit", "BatchWrite", "Publish"
STEADY = {READ: 1, WRITE: 1}
NOTHING_NEW = {READ: 1}
CALLS = {READ: 1, WRITE: 2, PUBLISH: 1}
BEGUN = {**CALLS, READ: 2}
"""Of a drift that was not there before: who did it may have been told between the read and the commit."""
COSTS = {
    "in_sync": STEADY,
    "drifted": STEADY,
    "repeated": NOTHING_NEW,
    "stale": NOTHING_NEW,
    "undeclared": NOTHING_NEW,
    "opened": BEGUN,
    "changed": BEGUN,
    "resolved": CALLS,
    "welcome": {},
}


class Counted(NamedTuple):
    """Setpoint behind proxies."""

    deps: Context
    proxies: tuple[GrpcProxy, GrpcProxy]

    def calls(self) -> Counter[str]:
        """The calls since last time."""
        calls = sum((proxy.calls for proxy in self.proxies), Counter())
        for proxy in self.proxies:
            proxy.calls.clear()
        return calls


@pytest.fixture
def counted(pubsub_emulator, pubsub_project, firestore_emulator, firestore_project, monkeypatch, at_the_end):
    topics = PubSubProject(pubsub_project)
    at_the_end.callback(topics.close)
    events, letters = map(topics.topic, ("drift-events", "dead-letters"))
    proxies = []
    for emulator in (pubsub_emulator, firestore_emulator):
        proxy = at_the_end.enter_context(grpc_proxy(emulator.address))
        monkeypatch.setenv(emulator.kind.variable, proxy.address)
        proxies.append(proxy)
    store = open_store(f"firestore://{firestore_project}/(default)")
    at_the_end.callback(store.close)
    client = publisher()
    at_the_end.callback(client.stop)
    deps = Context(store, PubSubBus(client, events), PubSubDeadLetters(client, letters), default_catalogue())
    apply.declare(store, FLEET.desired(), (), datetime.now(UTC))
    made = Counted(deps, tuple(proxies))
    learn(made)
    return made


def learn(counted: Counted) -> None:
    """What a process learns once, with the first event of a project, of a name or of a secret."""
    observed = []
    for expectation in FLEET.feed():
        with suppress(MalformedMessage):
            observed.append(parse(expectation.data))
    observations = [observation for observation in observed if observation is not None]
    pipeline.record_project_ids(observations, counted.deps)
    pipeline.record_bindings(observations, counted.deps.projects)
    counted.deps.secrecy.digest("the key is read with the first secret")
    counted.calls()


def test_an_event_costs_one_batched_read_and_at_most_one_commit_and_a_drift_one_publish_and_its_mark(counted):
    seen = set()
    for expectation in FLEET.feed():
        outcome = pipeline.receive(expectation.data, {}, counted.deps)
        seen.add(outcome)
        calls = counted.calls()
        assert calls == COSTS[outcome] or (outcome == "stale" and calls == STEADY), (
            outcome
        )  # it may say when a drift began

    assert seen == COSTS.keys()


def test_a_batch_costs_what_an_event_costs_whatever_there_is_in_it(counted):
    feed = list(FLEET.feed())
    for start in range(0, len(feed), 100):
        outcomes = batch.receive_many([Message(expectation) for expectation in feed[start : start + 100]], counted.deps)
        calls = counted.calls()

        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        costs = [COSTS[outcome] for outcome in outcomes if outcome != "welcome"]
        assert calls[READ] == max(cost[READ] for cost in costs)
        assert calls[WRITE] == 0
        assert calls[WRITE_MANY] == max(cost.get(WRITE, 0) for cost in costs), "one to commit and one to mark"
        assert calls[PUBLISH] <= sum(cost.get(PUBLISH, 0) for cost in costs)


class Message(NamedTuple):
    expectation: FeedExpectation

    @property
    def data(self):
        return self.expectation.data

    @property
    def attributes(self):
        return {}
