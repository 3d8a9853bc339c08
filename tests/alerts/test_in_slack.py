"""Alerts through the real client of Slack into a fake Slack, on every backend."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.harness import AlertingHarness, Clock, event
from alerts.test_any_history import last, lives
from setpoint.adapters.slack.sink import SlackSink
from setpoint.adapters.slack.slack_client import client
from setpoint_tools.testing.slack import TOKEN, Slack, slack
from setpoint_tools.testing.slack_faults import FAULTS
from sizes import size

STORM = {"memory": size(500, 5000), "sqlite": size(250, 5000), "firestore": size(50, 250)}
"""Findings of one cause within a minute."""


def in_slack(harness: AlertingHarness, service: Slack, address: str) -> None:
    service.channel("drift")
    harness.context.sinks["slack"] = SlackSink(client(TOKEN, address, 0.25), harness.clock.seconds, harness.clock.sleep)


def text_of(message) -> str:
    return str(message.blocks) + message.text


@pytest.fixture
def pace():
    clock = Clock()
    with slack(clock.seconds, pace=1.0) as (service, address):
        yield clock, service, address


@pytest.mark.thorough
def test_a_storm_of_findings_of_one_cause_is_one_message(backend, pace):
    clock, service, address = pace
    harness = AlertingHarness(store=backend.open(), clock=clock)
    in_slack(harness, service, address)
    count = STORM[backend.name]
    began = clock.now
    for number in range(1, count + 1):
        harness.deliver(event("drift.opened", number=number))
        clock.sleep(60 / count)
    assert clock.now - began < timedelta(minutes=2)
    while next(harness.context.records.due(clock()), None):
        harness.tick()

    (message,) = service.shown("drift")
    assert f"{count:,}" in text_of(message)
    assert service.throttled == 0
    posts = [call for call in service.calls if call.startswith("chat.")]
    assert len(posts) <= (clock.now - began).total_seconds()
    for number in range(1, count + 1):
        harness.deliver(event("drift.resolved", 2, number=number))
    while next(harness.context.records.due(clock()), None):
        harness.tick()
    (message,) = service.shown("drift")
    assert "resolved" in text_of(message).lower()
    print(f"{backend.name}: {count} findings, {len(service.calls)} calls, {message.edits} updates")  # noqa: T201


@settings(max_examples=size(20, 60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives(), st.lists(st.sampled_from(["", *FAULTS]), max_size=8))
def test_the_last_state_of_each_finding_stands_in_slack_once_whatever_fails(story, faults):
    clock = Clock()
    with slack(clock.seconds) as (service, address):
        harness = AlertingHarness(clock=clock)
        in_slack(harness, service, address)
        service.plan = [FAULTS.get(name, FAULTS["too many"]) for name in faults if name]
        for event_ in story:
            harness.deliver(event_)
        harness.tick(60, minutes=5)

        assert not list(harness.context.records.due(clock()))
        ids = [message.metadata["event_payload"]["id"] for message in service.shown("drift")]
        assert len(ids) == len(set(ids))
        for name, event_ in last(story).items():
            kept = [stored.value for stored in harness.context.records.of_finding(event_.data.finding_id)]
            (notice,) = [notice for notice in kept if notice.sequence == event_.sequence]
            assert not notice.is_new
            (message,) = [
                posted for posted in service.shown("drift") if posted.metadata["event_payload"]["id"] == notice.thread
            ]
            together = [stored.value for stored in harness.context.records.of_thread(notice.thread)]
            if len(together) == 1:
                assert name.rpartition("/")[2] in text_of(message)
                assert ("resolved" in text_of(message).lower()) is (event_.data.status == "resolved")
